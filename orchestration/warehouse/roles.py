"""Database roles: one for each purpose, which reads its published schema and the reference data and nothing else.

What names a pupil is kept from the purposes' roles: ``mis_named`` alone reads it, and is granted beside a purpose's
role. A relation is known by its columns, so that a mart which takes names in is closed without anybody declaring it.

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
#: Held, beside a purpose's role, by those who may see pupils' names, UPNs and addresses.
NAMED_ROLE = "mis_named"
#: A published relation with one of these columns names pupils; in provisioning it names staff, whom it is for.
NAMED_COLUMNS = frozenset(
    {
        "forename",
        "middle_names",
        "surname",
        "legal_forename",
        "legal_surname",
        "upn",
        "former_upn",
        "upi",
        "date_of_birth",
        "address_line",
        "postcode",
    }
)

_ROLES = (*(f"mis_{purpose}" for purpose in Purpose), NAMED_ROLE, OPERATOR_ROLE)
_OPERATOR_SCHEMAS = ("ops", "quarantine")
_REFERENCE_SCHEMA = "reference"
_LOCK = 0x6D697320726F6C65  # "mis role": concurrent grants on one schema fail with "tuple concurrently updated"


def purpose_role(purpose: Purpose) -> str:
    """Return the name of the role that may read a purpose's published schema."""
    return f"mis_{purpose}"


def ensure_roles(connection: psycopg.Connection[TupleRow]) -> tuple[str, ...]:
    """Create the roles that are missing and give each what it is due, no more; nothing is written when nothing is.

    Returns warnings, in plain English with what to do: none, unless the server does not let this user create roles.
    Grants are then made for the roles that exist.
    """
    with connection.transaction():
        existing = _existing(connection)
        refused = [role for role in _ROLES if role not in existing and not _create(connection, role)]
        _settle(connection, _everything_due(connection))
    if not refused:
        return ()
    wanted = " ".join(f"create role {role} nologin;" for role in refused)
    return (
        f"{connection.info.user} may not create roles on this server, so nobody can be granted {', '.join(refused)}. "
        f"Ask an administrator to run: {wanted} Then run this again.",
    )


def grant_published(connection: psycopg.Connection[TupleRow], purpose: Purpose, release_schema: str) -> None:
    """Let the roles that exist read the published schema and the release behind it, each what it is due.

    The published views run with the rights of whoever reads them (``security_invoker``), so that later row rules on the
    tables hold for the reader and not for the platform; hence the release.
    """
    _settle(connection, [*_published(purpose, purpose.value), *_published(purpose, release_schema)])


@dataclass(frozen=True, slots=True)
class _Grant:
    """Reading of the tables and views of a schema; with ``future``, of those that we create there later, too.

    With ``named`` it is of those that name pupils (true) or of the others (false), and none else may be read.
    """

    role: str
    schema: str
    future: bool = False
    named: bool | None = None


def _published(purpose: Purpose, schema: str) -> list[_Grant]:
    role = purpose_role(purpose)
    if purpose is Purpose.PROVISIONING:
        return [_Grant(role, schema)]
    return [_Grant(role, schema, named=False), _Grant(NAMED_ROLE, schema, named=True)]


def _everything_due(connection: psycopg.Connection[TupleRow]) -> list[_Grant]:
    # dbt creates a seed anew when its columns change, and a migration adds tables to ops: hence the future ones.
    grants = [_Grant(OPERATOR_ROLE, schema, future=True) for schema in (*_OPERATOR_SCHEMAS, _REFERENCE_SCHEMA)]
    for purpose in Purpose:
        grants.extend(_published(purpose, purpose.value))
        grants.append(_Grant(purpose_role(purpose), _REFERENCE_SCHEMA, future=True))
    releases = connection.execute("select purpose, schema_name from ops.release").fetchall()
    for purpose, schema in releases:
        grants.extend(_published(Purpose(purpose), schema))
    return grants


def _settle(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant]) -> None:
    if not _changes(connection, grants):
        return
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    for statement in _changes(connection, grants):
        connection.execute(statement.encode())


def _changes(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant]) -> list[str]:
    """Return the statements that give what is missing and take what is not due, for roles and schemas that exist."""
    rows = connection.execute(
        """
        with wanted as (
            select r.oid as role, n.oid as schema, r.rolname, n.nspname, w.future, w.named
            from unnest(%s::text[], %s::text[], %s::boolean[], %s::boolean[]) as w (role, schema, future, named)
            join pg_roles r on r.rolname = w.role
            join pg_namespace n on n.nspname = w.schema
        )
        select format('grant usage on schema %%I to %%I', nspname, rolname)
        from wanted
        where not has_schema_privilege(role, schema, 'usage')
        union all
        select format('alter default privileges in schema %%I grant select on tables to %%I', nspname, rolname)
        from wanted
        where future and not exists (
            select from pg_default_acl d
            cross join aclexplode(d.defaclacl) a
            where d.defaclnamespace = schema and d.defaclrole = current_user::regrole
                and d.defaclobjtype = 'r' and a.grantee = role and a.privilege_type = 'SELECT'
        )
        union all
        select format(
            case when is_due then 'grant select on %%I.%%I to %%I' else 'revoke select on %%I.%%I from %%I' end,
            nspname, c.relname, rolname
        )
        from wanted
        join pg_class c on c.relnamespace = schema and c.relkind in ('r', 'p', 'v', 'm')
        cross join lateral (
            select coalesce(named = exists (
                select from pg_attribute a
                where a.attrelid = c.oid and a.attname = any(%s) and not a.attisdropped
            ), true)
        ) as due (is_due)
        where is_due <> exists (
            select from aclexplode(c.relacl) a where a.grantee = role and a.privilege_type = 'SELECT'
        )
        """,
        [
            [g.role for g in grants],
            [g.schema for g in grants],
            [g.future for g in grants],
            [g.named for g in grants],
            list(NAMED_COLUMNS),
        ],
    )
    return [statement for (statement,) in rows]


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
