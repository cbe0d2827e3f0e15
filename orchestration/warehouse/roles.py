"""Database roles: one for each purpose, which reads its published schema and the reference data and nothing else.

The roles cannot log in. An administrator grants them to people and to BI tools: ``grant mis_attendance to alice``.
"""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from orchestration.ingest.categories import Purpose

#: Reads the platform's own records and the quarantine: a data engineer's role.
OPERATOR_ROLE = "mis_operator"
#: Held, beside a purpose's role, by those who may see names, UPNs and addresses.
NAMED_ROLE = "mis_named"

_ROLES = (*(f"mis_{purpose}" for purpose in Purpose), NAMED_ROLE, OPERATOR_ROLE)
_OPERATOR_SCHEMAS = ("ops", "quarantine")
_REFERENCE_SCHEMA = "reference"
_LOCK = 0x6D697320726F6C65  # "mis role": concurrent grants on one schema fail with "tuple concurrently updated"


def purpose_role(purpose: Purpose) -> str:
    """Return the name of the role that may read a purpose's published schema."""
    return f"mis_{purpose}"


def ensure_roles(connection: psycopg.Connection[TupleRow]) -> tuple[str, ...]:
    """Create the roles that are missing and grant what each is due, in one transaction; safe to repeat.

    Returns warnings, in plain English with what to do: none, unless the server does not let this user create roles.
    Grants are then made for the roles that exist.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        refused = [role for role in _ROLES if role not in _existing(connection) and not _create(connection, role)]
        for purpose in Purpose:
            schemas = connection.execute(
                "select schema_name from ops.release join pg_namespace on nspname = schema_name where purpose = %s",
                [purpose],
            ).fetchall()
            grant_published(connection, purpose, *(schema for (schema,) in schemas))
            _grant_read(connection, purpose_role(purpose), _REFERENCE_SCHEMA, future=True)
        for schema in (*_OPERATOR_SCHEMAS, _REFERENCE_SCHEMA):
            _grant_read(connection, OPERATOR_ROLE, schema, future=True)
    if not refused:
        return ()
    wanted = " ".join(f"create role {role} nologin;" for role in refused)
    return (
        f"{connection.info.user} may not create roles on this server, so nobody can be granted {', '.join(refused)}. "
        f"Ask an administrator to run: {wanted} Then run this again.",
    )


def grant_published(connection: psycopg.Connection[TupleRow], purpose: Purpose, *release_schemas: str) -> None:
    """Let a purpose's role, if it exists, read the published schema and the releases behind it.

    The published views run with the rights of whoever reads them (``security_invoker``), so that later row rules on the
    tables hold for the reader and not for the platform; hence the releases.
    """
    for schema in (purpose.value, *release_schemas):
        _grant_read(connection, purpose_role(purpose), schema, future=False)


def _grant_read(connection: psycopg.Connection[TupleRow], role: str, schema: str, *, future: bool) -> None:
    if role not in _existing(connection):
        return
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
    connection.execute(sql.SQL("grant usage on schema {schema} to {role}").format(**names))
    connection.execute(sql.SQL("grant select on all tables in schema {schema} to {role}").format(**names))
    if future:  # dbt creates a seed anew when its columns change
        connection.execute(
            sql.SQL("alter default privileges in schema {schema} grant select on tables to {role}").format(**names)
        )


def _existing(connection: psycopg.Connection[TupleRow]) -> set[str]:
    return {
        role for (role,) in connection.execute("select rolname from pg_roles where rolname = any(%s)", [list(_ROLES)])
    }


def _create(connection: psycopg.Connection[TupleRow], role: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return True  # made meanwhile from another database of the same server
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
