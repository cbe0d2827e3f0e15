"""Database roles: one for each purpose, which reads its published schema and the reference data and nothing else.

The roles cannot log in. An administrator grants them to people and to BI tools: ``grant mis_attendance to alice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Create the roles that are missing and grant what each is due; nothing is written when nothing is.

    Returns warnings, in plain English with what to do: none, unless the server does not let this user create roles.
    Grants are then made for the roles that exist.
    """
    with connection.transaction():
        existing = _existing(connection)
        refused = [role for role in _ROLES if role not in existing and not _create(connection, role)]
        _grant(connection, _everything_due(connection))
    if not refused:
        return ()
    wanted = " ".join(f"create role {role} nologin;" for role in refused)
    return (
        f"{connection.info.user} may not create roles on this server, so nobody can be granted {', '.join(refused)}. "
        f"Ask an administrator to run: {wanted} Then run this again.",
    )


def grant_published(connection: psycopg.Connection[TupleRow], purpose: Purpose, release_schema: str) -> None:
    """Let a purpose's role, if it exists, read the published schema and the release behind it.

    The published views run with the rights of whoever reads them (``security_invoker``), so that later row rules on the
    tables hold for the reader and not for the platform; hence the release.
    """
    role = purpose_role(purpose)
    _grant(connection, [_Grant(role, purpose.value), _Grant(role, release_schema)])


@dataclass(frozen=True, slots=True)
class _Grant:
    """Reading of all tables and views of a schema; with ``future``, of those that we create there later, too."""

    role: str
    schema: str
    future: bool = False


def _everything_due(connection: psycopg.Connection[TupleRow]) -> list[_Grant]:
    # dbt creates a seed anew when its columns change, and a migration adds tables to ops: hence the future ones.
    grants = [_Grant(OPERATOR_ROLE, schema, future=True) for schema in (*_OPERATOR_SCHEMAS, _REFERENCE_SCHEMA)]
    for purpose in Purpose:
        grants.append(_Grant(purpose_role(purpose), purpose.value))
        grants.append(_Grant(purpose_role(purpose), _REFERENCE_SCHEMA, future=True))
    releases = connection.execute("select purpose, schema_name from ops.release").fetchall()
    grants.extend(_Grant(purpose_role(Purpose(purpose)), schema) for purpose, schema in releases)
    return grants


def _grant(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant]) -> None:
    if not _missing(connection, grants):
        return
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    for grant in _missing(connection, grants):
        names = {"schema": sql.Identifier(grant.schema), "role": sql.Identifier(grant.role)}
        connection.execute(sql.SQL("grant usage on schema {schema} to {role}").format(**names))
        connection.execute(sql.SQL("grant select on all tables in schema {schema} to {role}").format(**names))
        if grant.future:
            connection.execute(
                sql.SQL("alter default privileges in schema {schema} grant select on tables to {role}").format(**names)
            )


def _missing(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant]) -> list[_Grant]:
    """Return the grants of which some part is missing, for roles and schemas that exist."""
    rows = connection.execute(
        """
        select wanted.role, wanted.schema, wanted.future
        from unnest(%s::text[], %s::text[], %s::boolean[]) as wanted (role, schema, future)
        join pg_roles r on r.rolname = wanted.role
        join pg_namespace n on n.nspname = wanted.schema
        where not has_schema_privilege(r.oid, n.oid, 'usage')
            or exists (
                select from pg_class c
                where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm')
                    and not has_table_privilege(r.oid, c.oid, 'select')
            )
            or wanted.future and not exists (
                select from pg_default_acl d
                cross join aclexplode(d.defaclacl) a
                where d.defaclnamespace = n.oid and d.defaclrole = current_user::regrole
                    and d.defaclobjtype = 'r' and a.grantee = r.oid and a.privilege_type = 'SELECT'
            )
        """,
        [[g.role for g in grants], [g.schema for g in grants], [g.future for g in grants]],
    )
    return [_Grant(*row) for row in rows]


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
