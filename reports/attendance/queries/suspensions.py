"""Suspensions and permanent exclusions: the year by group, and the rows by reason and half-term."""

from __future__ import annotations

from reports.database import Published, Row

SUPPRESSED = "suspension_year"
EXACT = "suspension_year_exact"

_AGREEMENT = """
select reconciliation, count(*) as suspensions
from attendance.exclusion
where school_id = %(school_id)s and academic_year = %(year)s and exclusion_type = 'suspension'
group by reconciliation
order by count(*) desc, reconciliation
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

_MONTHS = """
select
    academic_year,
    extract(month from start_date)::integer as month,
    count(*) as suspensions
from attendance.exclusion
where school_id = %(school_id)s and academic_year = any(%(years)s) and exclusion_type = 'suspension'
group by academic_year, extract(month from start_date)
"""


def relation_for(db: Published) -> str:
    """Return the relation with all figures where it is open to the reader, else the one with small ones hidden."""
    return EXACT if db.has(EXACT, "suspension_rate") else SUPPRESSED


def groups(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a year and group, the whole school (group all) included, with rates by 100 pupils."""
    relation = relation_for(db)
    hidden = "is_suppressed, suppression_reason" if relation == SUPPRESSED else "false as is_suppressed"
    return db.rows(
        f"""
        select
            academic_year,
            group_name,
            group_value,
            census_date,
            headcount,
            suspensions,
            suspended_pupils,
            repeatedly_suspended_pupils,
            days_lost,
            permanent_exclusions,
            suspension_rate,
            permanent_exclusion_rate,
            national_suspension_rate,
            national_permanent_exclusion_rate,
            national_release,
            {hidden}
        from attendance.{relation}
        where school_id = %(school_id)s and academic_year = any(%(years)s)
        """,
        school_id=school_id,
        years=years,
    )


def agreement(db: Published, school_id: int, year: int) -> list[Row]:
    """Return how many suspensions of the year agree with the register's E marks, by verdict."""
    return db.rows(_AGREEMENT, school_id=school_id, year=year)


def reasons(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a year and reason."""
    return db.rows(_REASONS, school_id=school_id, years=years)


def months(db: Published, school_id: int, years: list[int]) -> dict[tuple[int, int], int]:
    """Return the number of suspensions by year and month of their first day."""
    rows = db.rows(_MONTHS, school_id=school_id, years=years)
    return {(row["academic_year"], row["month"]): row["suspensions"] for row in rows}
