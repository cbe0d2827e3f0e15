"""Pupils and subjects of a school, and the pieces of SQL that say which they are and which policy holds for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg.rows import TupleRow, dict_row

from orchestration.targets.policy import Policy

Connection = psycopg.Connection[TupleRow]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Pupils and subjects of a school in a year; what is None does not narrow it."""

    school_id: int
    academic_year: int
    nc_year: str | None = None
    qualification: str | None = None
    subject: str | None = None
    group_id: str | None = None
    pupil_keys: tuple[int, ...] | None = None

    def parameters(self) -> Row:
        """For the queries below."""
        return {
            **asdict(self),
            "pupil_keys": None if self.pupil_keys is None else list(self.pupil_keys),
            "previous_year": self.academic_year - 101,
        }


#: Pupils on roll that belong to a group, and which of the published pairs of pupil and subject do.
ROLL: LiteralString = """
roll as (
    select p.pupil_key, coalesce(p.nc_year, '') as nc_year
    from benchmarks.pupil as p
    where
        p.school_id = %(school_id)s
        and (%(nc_year)s::text is null or p.nc_year = %(nc_year)s)
        and (%(pupil_keys)s::bigint[] is null or p.pupil_key = any(%(pupil_keys)s))
        and (%(group_id)s::text is null or exists (
            select from benchmarks.group_pupil as g
            where g.school_id = p.school_id and g.pupil_key = p.pupil_key and g.group_id = %(group_id)s
        ))
)"""
WANTED: LiteralString = """
    school_id = %(school_id)s and academic_year = %(academic_year)s
    and (%(qualification)s::text is null or qualification = %(qualification)s)
    and (%(subject)s::text is null or subject = %(subject)s)"""
#: What is studied, with an estimate or without.
STUDIED: LiteralString = f"""
studied as (
    select s.pupil_key, roll.nc_year, s.qualification, s.subject
    from benchmarks.pupil_subject as s
    inner join roll using (pupil_key)
    where {WANTED}
)"""
#: The policy of each row of ``scope`` (nc_year, qualification, subject): the school's before its trust's, the subject's
#: before the qualification's before the year group's, else the default. One home of the order, for one act and many.
IN_FORCE: LiteralString = """
in_force as (
    select
        scope.nc_year, scope.qualification, scope.subject, chosen.entry_id,
        case when chosen.entry_id is null then %(default_is_included)s else chosen.is_included end as is_included,
        coalesce(chosen.challenge_levels, %(default_challenge_levels)s::numeric(5, 2)[]) as challenge_levels,
        coalesce(chosen.offset_points, %(default_offset_points)s) as offset_points,
        coalesce(chosen.rounding, %(default_rounding)s) as rounding,
        coalesce(chosen.floor, %(default_floor)s) as floor,
        case when chosen.entry_id is null then %(default_floor_grade)s::text else chosen.floor_grade end as floor_grade,
        coalesce(chosen.who_may_edit, %(default_who_may_edit)s) as who_may_edit
    from scope
    left join lateral (
        select * from (
            select distinct on (e.school_id, e.nc_year, e.qualification, e.subject) e.*
            from targets.policy_entry as e
            where
                (e.school_id = %(school_id)s or e.trust_uid = (
                    select trust_uid from core.school where school_id = %(school_id)s
                ))
                and e.academic_year = %(academic_year)s
                and (e.nc_year is null or e.nc_year = scope.nc_year)
                and (e.qualification is null or e.qualification = scope.qualification)
                and (e.subject is null or e.subject = scope.subject)
            order by e.school_id, e.nc_year, e.qualification, e.subject, e.entry_id desc
        ) as latest
        where not is_withdrawn
        order by school_id is null, subject is null, qualification is null, nc_year is null
        limit 1
    ) as chosen on true
)"""
#: What IN_FORCE takes where no policy is.
DEFAULT_POLICY: Row = {f"default_{field.name}": getattr(Policy(), field.name) for field in fields(Policy)}
DEFAULT_POLICY["default_challenge_levels"] = list(Policy().challenge_levels)


def is_published(connection: Connection) -> bool:
    """Tell whether there are published estimates to set targets by."""
    row = connection.execute(
        "select count(*) = 4 from unnest(array['benchmarks.estimate', 'benchmarks.pupil_subject', 'benchmarks.pupil',"
        " 'core.school']) as r (relation) where to_regclass(relation) is not null"
    ).fetchone()
    return row is not None and bool(row[0])


def latest_year(connection: Connection, school_id: int) -> int | None:
    """The academic year for which it is published what a school's pupils study; None without any."""
    row = connection.execute(
        "select max(academic_year) from benchmarks.pupil_subject where school_id = %s", [school_id]
    ).fetchone()
    return None if row is None else row[0]


def published_levels(connection: Connection, school_ids: Sequence[int]) -> set[Decimal]:
    """Challenge levels that the published estimates of the schools have."""
    rows = connection.execute(
        "select distinct challenge from benchmarks.estimate where school_id = any(%s)", [list(school_ids)]
    )
    return {level for (level,) in rows}


def trust_schools(connection: Connection, trust_uid: str) -> tuple[int, ...]:
    """The schools of a trust, as core knows them; none for a trust that is not known."""
    rows = connection.execute("select school_id from core.school where trust_uid = %s order by 1", [trust_uid])
    return tuple(school_id for (school_id,) in rows)


def rows(connection: Connection, query: LiteralString, parameters: Row | Sequence[Any]) -> list[Row]:
    """Return the rows of a query as mappings."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
