"""Database roles: who reads which published relations, and of those which schools' rows.

A purpose has a role for each level of reader: of aggregates with small numbers suppressed, of pupils' rows without
names, of pupils' rows with names (the named and unnamed roles of DfE's Analyse School Performance). A relation is known
by its columns, so that a mart which takes names or pupils in is closed without anybody declaring it; to be open to
readers of aggregates it must carry its suppression or stand in ``OPEN_RELATIONS``.

Rows are another matter: every published table with a ``school_id`` has a policy, and a session sees the schools of
``access.readable_schools()`` (migration 0004).

The roles cannot log in. ``mis person`` grants them to people, an administrator to whom else it may concern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from orchestration.ingest.categories import Purpose

#: Reads the platform's own records and the quarantine: a data engineer's role. Sees the rows of every school.
OPERATOR_ROLE = "mis_operator"
#: Reads the relations that name pupils and nothing else; for an administrator to grant beside a purpose's role.
NAMED_ROLE = "mis_named"
#: Reads nothing of itself. Who has it sees every school in what their other roles let them read.
EVERY_SCHOOL_ROLE = "mis_every_school"
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
        "person_id",
        "date_of_birth",
        "address_line",
        "postcode",
    }
)
#: A relation that has it has been through suppression: figures of few pupils are not in it.
SUPPRESSED_COLUMN = "is_suppressed"
#: Columns of a pupil's own row or of figures before suppression (Postgres regular expression).
CLOSING_COLUMNS = "(^|_)pupil_(key|id)$|^exact_"
#: Relations of figures before suppression end so, whatever their columns.
CLOSING_SUFFIX = "_exact"
#: Relations of special-category data (ethnicity, language, SEND by pupil) end so. They are for readers with that right.
SPECIAL_SUFFIX = "_special"
#: Purposes that publish such relations, and whose readers of pupils' rows may be given the right.
SPECIAL_PURPOSES = frozenset({Purpose.BENCHMARKS})
#: Logs that people write, which readers of the purpose see as they stand, without waiting for a publication.
_LIVE = {Purpose.BENCHMARKS: "targets"}
#: What readers of aggregates may read beside relations with suppression: schools, what they permit and which are alike,
#: calendars, code lists, published figures, rules and models. Nothing here counts pupils of a school. A relation that
#: comes to have one of the columns above is closed although it stands here.
OPEN_RELATIONS: dict[Purpose, frozenset[str]] = {
    Purpose.PROVISIONING: frozenset(),
    Purpose.SELF_EVALUATION: frozenset({"school", "subject", "data_permission"}),
    Purpose.BENCHMARKS: frozenset(
        {"school", "subject", "data_permission", "estimate_calibration", "estimate_reliability"}
    ),
    Purpose.TRACKING: frozenset({"school", "subject", "data_permission"}),
    Purpose.ATTENDANCE: frozenset(
        {
            "school",
            "data_permission",
            "school_day",
            "calendar_day",
            "attendance_code",
            "national_rate",
            "published_rate",
            "similar_school",
            "alert_rule",
            "risk_model",
            "risk_model_coefficient",
            "risk_reliability",
        }
    ),
}


class Level(StrEnum):
    """How near to the single pupil a reader may come; each level reads what the one before it reads, and more."""

    AGGREGATES = "aggregates"
    PUPILS = "pupils"
    NAMED = "named"


def reader_role(purpose: Purpose, level: Level, *, special: bool = False) -> str:
    """Return the role that reads a purpose's published schema at a level; provisioning, of staff alone, has one.

    With ``special`` it reads special-category relations as well, where the purpose has such and the level pupils' rows.
    """
    role = f"mis_{purpose}"
    if purpose is Purpose.PROVISIONING:
        return role
    if level is not Level.PUPILS:
        role += f"_{level}"
    if special and purpose in SPECIAL_PURPOSES and level is not Level.AGGREGATES:
        role += SPECIAL_SUFFIX
    return role


#: The roles of readers, of all purposes and levels, with the special-category right and without.
READER_ROLES = tuple(
    dict.fromkeys(
        reader_role(purpose, level, special=special)
        for special in (False, True)
        for purpose in Purpose
        for level in Level
    )
)

_ROLES = (*READER_ROLES, NAMED_ROLE, EVERY_SCHOOL_ROLE, OPERATOR_ROLE)
_OPERATOR_SCHEMAS = ("ops", "quarantine")
_REFERENCE_SCHEMA = "reference"
_LOCK = 0x6D697320726F6C65  # "mis role": concurrent grants on one schema fail with "tuple concurrently updated"


def ensure_roles(connection: psycopg.Connection[TupleRow]) -> tuple[str, ...]:
    """Create the roles that are missing and give each what it is due, no more; nothing is written when nothing is.

    Returns warnings, in plain English with what to do: none, unless the server does not let this user create roles.
    Grants are then made for the roles that exist.
    """
    with connection.transaction():
        existing = _existing(connection)
        refused = [role for role in _ROLES if role not in existing and not _create(connection, role)]
        _become_member(connection)
        _settle(connection, _everything_due(connection), [*_kept_releases(connection), *_LIVE.values()])
    if not refused:
        return ()
    wanted = " ".join(f"create role {role} nologin;" for role in refused)
    return (
        f"{connection.info.user} may not create roles on this server, so nobody can be granted {', '.join(refused)}. "
        f"Ask an administrator to run: {wanted} Then run this again.",
    )


def grant_published(connection: psycopg.Connection[TupleRow], purpose: Purpose, release_schema: str) -> None:
    """Let the roles that exist read the published schema and the release behind it, each what it is due.

    The published views run with the rights of whoever reads them (``security_invoker``), so that the row policies on
    the tables of the release hold for the reader and not for the platform; hence the release.
    """
    grants = [*_published(purpose, purpose.value), *_published(purpose, release_schema)]
    _settle(connection, grants, [release_schema])


def unreadable_views(connection: psycopg.Connection[TupleRow], release_schema: str) -> list[tuple[str, str, str]]:
    """Return (role, view, relation) for each view of a release that a reader may read over a relation they may not.

    Such a view fails with a permission error for the very people it is open to.
    """
    return connection.execute(
        """
        select distinct r.rolname, v.relname, d.relname
        from pg_class v
        join pg_rewrite w on w.ev_class = v.oid
        join pg_depend p on p.classid = 'pg_rewrite'::regclass and p.objid = w.oid
            and p.refclassid = 'pg_class'::regclass and p.refobjid <> v.oid
        join pg_class d on d.oid = p.refobjid
        join pg_roles r on r.rolname = any(%s)
        where v.relnamespace = %s::regnamespace and v.relkind = 'v'
            and has_table_privilege(r.oid, v.oid, 'select') and not has_table_privilege(r.oid, d.oid, 'select')
        order by 1, 2, 3
        """,
        [list(READER_ROLES), release_schema],
    ).fetchall()


class _Reads(StrEnum):
    """Which relations of a schema a role reads."""

    ALL = "all"
    UNNAMED = "unnamed"
    NAMED = "named"
    AGGREGATES = "aggregates"


@dataclass(frozen=True, slots=True)
class _Grant:
    """Reading of the tables and views of a schema; with ``future``, of those that we create there later, too.

    ``open_relations`` are those that readers of aggregates may read without suppression; ``special`` reads those of
    special-category data too.
    """

    role: str
    schema: str
    reads: _Reads = _Reads.ALL
    future: bool = False
    open_relations: frozenset[str] = frozenset()
    special: bool = False


def _published(purpose: Purpose, schema: str) -> list[_Grant]:
    if purpose is Purpose.PROVISIONING:
        return [_Grant(reader_role(purpose, Level.PUPILS), schema)]
    return [
        _Grant(
            reader_role(purpose, Level.AGGREGATES),
            schema,
            _Reads.AGGREGATES,
            open_relations=OPEN_RELATIONS[purpose],
        ),
        _Grant(reader_role(purpose, Level.PUPILS), schema, _Reads.UNNAMED),
        _Grant(reader_role(purpose, Level.NAMED), schema),
        _Grant(NAMED_ROLE, schema, _Reads.NAMED),
        *(_special(purpose, schema) if purpose in SPECIAL_PURPOSES else ()),
    ]


def _special(purpose: Purpose, schema: str) -> list[_Grant]:
    return [
        _Grant(reader_role(purpose, Level.PUPILS, special=True), schema, _Reads.UNNAMED, special=True),
        _Grant(reader_role(purpose, Level.NAMED, special=True), schema, special=True),
    ]


def _everything_due(connection: psycopg.Connection[TupleRow]) -> list[_Grant]:
    # dbt creates a seed anew when its columns change, and a migration adds tables to ops: hence the future ones.
    grants = [_Grant(OPERATOR_ROLE, schema, future=True) for schema in (*_OPERATOR_SCHEMAS, _REFERENCE_SCHEMA)]
    grants += [_Grant(role, _REFERENCE_SCHEMA, future=True) for role in READER_ROLES]
    for purpose in Purpose:
        grants.extend(_published(purpose, purpose.value))
    for purpose, schema in _LIVE.items():
        grants.extend(_published(purpose, schema))
    releases = connection.execute("select purpose, schema_name from ops.release").fetchall()
    for purpose, schema in releases:
        grants.extend(_published(Purpose(purpose), schema))
    return grants


def _kept_releases(connection: psycopg.Connection[TupleRow]) -> list[str]:
    return [schema for (schema,) in connection.execute("select schema_name from ops.release")]


def _settle(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant], releases: Sequence[str]) -> None:
    if not _changes(connection, grants, releases):
        return
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    for statement in _changes(connection, grants, releases):
        connection.execute(statement.encode())


def _changes(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant], releases: Sequence[str]) -> list[str]:
    return [*_grant_changes(connection, grants), *_policy_changes(connection, releases)]


def _grant_changes(connection: psycopg.Connection[TupleRow], grants: Sequence[_Grant]) -> list[str]:
    """Return the statements that give what is missing and take what is not due, for roles and schemas that exist."""
    rows = connection.execute(
        """
        with wanted as (
            select r.oid as role, n.oid as schema, r.rolname, n.nspname, w.future, w.reads, w.special,
                   string_to_array(w.open_relations, ' ') as open_relations
            from unnest(%s::text[], %s::text[], %s::boolean[], %s::text[], %s::text[], %s::boolean[])
                as w (role, schema, future, reads, open_relations, special)
            join pg_roles r on r.rolname = w.role
            join pg_namespace n on n.nspname = w.schema
        ),
        relation as (
            select c.oid, c.relnamespace, c.relname, c.relacl,
                   coalesce(bool_or(a.attname = any(%s)), false) as is_named,
                   coalesce(bool_or(a.attname ~ %s), false) or c.relname like %s as is_close_to_pupils,
                   coalesce(bool_or(a.attname = %s), false) as is_suppressed,
                   c.relname like %s as is_special
            from pg_class c
            left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace in (select schema from wanted)
            group by c.oid
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
        join relation c on c.relnamespace = schema
        cross join lateral (
            select (special or not is_special) and case reads
                when 'all' then true
                when 'unnamed' then not is_named
                when 'named' then is_named
                when 'aggregates'
                    then not is_named and not is_close_to_pupils and (is_suppressed or relname = any(open_relations))
            end
        ) as due (is_due)
        where is_due <> exists (
            select from aclexplode(c.relacl) a where a.grantee = role and a.privilege_type = 'SELECT'
        )
        """,
        [
            [g.role for g in grants],
            [g.schema for g in grants],
            [g.future for g in grants],
            [g.reads for g in grants],
            [" ".join(g.open_relations) for g in grants],
            [g.special for g in grants],
            list(NAMED_COLUMNS),
            CLOSING_COLUMNS,
            _ends_in(CLOSING_SUFFIX),
            SUPPRESSED_COLUMN,
            _ends_in(SPECIAL_SUFFIX),
        ],
    )
    return [statement for (statement,) in rows]


def _ends_in(suffix: str) -> str:
    return "%" + suffix.replace("_", r"\_")


def _policy_changes(connection: psycopg.Connection[TupleRow], releases: Sequence[str]) -> list[str]:
    """Return the statements that close the rows of schools to sessions that may not read them.

    The function stands in the condition as it is: as a condition of the primary key, which begins with the school, it
    is evaluated once a scan; and a sharded server refuses a policy with a subquery. The second policy spares those who
    see every school the comparison: true or anything is true.
    """
    rows = connection.execute(
        """
        with secured as (
            select c.oid, n.nspname, c.relname, c.relrowsecurity
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'school_id' and not a.attisdropped
            where n.nspname = any(%s) and c.relkind in ('r', 'p')
        )
        select format('alter table %%I.%%I enable row level security', nspname, relname)
        from secured
        where not relrowsecurity
        union all
        select format('create policy %%I on %%I.%%I for select to %%I using (%%s)', policy, nspname, relname, r, rule)
        from secured
        cross join (values
            ('readable_schools', 'public', 'school_id = any(access.readable_schools())'),
            ('every_school', %s, 'true')
        ) as p (policy, r, rule)
        where (r = 'public' or exists (select from pg_roles where rolname = r))
            and not exists (select from pg_policy where polrelid = secured.oid and polname = policy)
        """,
        [list(releases), EVERY_SCHOOL_ROLE],
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


def _become_member(connection: psycopg.Connection[TupleRow]) -> None:
    """Let the platform's user take on the readers' roles where it may: to read on a person's behalf (reading_as).

    A superuser can anyway. Who made the roles administers them but, from Postgres 16 on, is not a member.
    """
    rows = connection.execute(
        """
        select r.rolname
        from pg_roles r
        where r.rolname = any(%s)
            and not pg_has_role(
                r.oid, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end
            )
        """,
        [list(READER_ROLES)],
    ).fetchall()
    for (role,) in rows:
        try:
            with connection.transaction():
                connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            return  # the roles are an administrator's: reading_as says what to ask for
