"""Suspensions and permanent exclusions: the year by group, and the rows by reason and half-term."""

from __future__ import annotations

from reports.database import Published, Row

_GROUPS = """
select *
from attendance.suspension_year
where school_id = %(school_id)s and academic_year = any(%(years)s)
"""

_REASONS = """
select
    academic_year,
    coalesce(reason, 'Not recorded') as reason,
    count(*) filter (where exclusion_type = 'suspension') as suspensions,
    count(*) filter (where exclusion_type = 'permanent') as permanent,
    count(*) filter (where exclusion_type = 'lunchtime') as lunchtime,
    coalesce(sum(sessions) filter (where exclusion_type = 'suspension'), 0) as sessions
from attendance.exclusion
where school_id = %(school_id)s and academic_year = any(%(years)s)
group by academic_year, coalesce(reason, 'Not recorded')
"""

_TOTALS = """
select
    academic_year,
    count(*) filter (where exclusion_type = 'suspension') as suspensions,
    count(distinct pupil_key) filter (where exclusion_type = 'suspension') as suspended_pupils,
    count(*) filter (where exclusion_type = 'permanent') as permanent,
    count(*) filter (where exclusion_type = 'lunchtime') as lunchtime,
    coalesce(sum(sessions) filter (where exclusion_type = 'suspension'), 0) as sessions
from attendance.exclusion
where school_id = %(school_id)s and academic_year = any(%(years)s)
group by academic_year
"""

_MONTHS = """
select
    academic_year,
    extract(month from start_date)::integer as month,
    count(*) as suspensions
from attendance.exclusion
where school_id = %(school_id)s and academic_year = any(%(years)s) and exclusion_type = 'suspension'
group by academic_year, extract(month from start_date)
"""


def groups(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a year and group, with rates by 100 pupils; hidden where small."""
    return db.rows(_GROUPS, school_id=school_id, years=years)


def reasons(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a year and reason."""
    return db.rows(_REASONS, school_id=school_id, years=years)


def totals(db: Published, school_id: int, years: list[int]) -> dict[int, Row]:
    """Return the counts of each year that has any."""
    return {row["academic_year"]: row for row in db.rows(_TOTALS, school_id=school_id, years=years)}


def months(db: Published, school_id: int, years: list[int]) -> dict[tuple[int, int], int]:
    """Return the number of suspensions by year and month of their first day."""
    rows = db.rows(_MONTHS, school_id=school_id, years=years)
    return {(row["academic_year"], row["month"]): row["suspensions"] for row in rows}
