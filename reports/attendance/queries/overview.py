"""A school's year, its weeks, and what stands beside them."""

from __future__ import annotations

from reports.database import Published, Row

_YEAR = "select * from attendance.school_year where school_id = %(school_id)s and academic_year = %(year)s"

#: Two years by number of week; the running total is summed first and divided last.
_WEEKS = """
select
    academic_year,
    week_start,
    week_number,
    half_term,
    pupils,
    possible_sessions,
    absence_sessions,
    missing_sessions,
    attendance_rate,
    absence_rate,
    round(
        100 * sum(attended_sessions) over to_date::numeric / nullif(sum(possible_sessions) over to_date, 0), 6
    ) as attendance_rate_to_date
from attendance.school_week
where school_id = %(school_id)s and academic_year = any(%(years)s)
window to_date as (partition by academic_year order by week_start)
order by academic_year, week_start
"""

_COMPARISONS = """
select
    measure,
    comparison,
    school_value,
    comparison_value,
    difference,
    comparator_schools,
    rank,
    percentile,
    period,
    release,
    note
from attendance.school_comparison
where school_id = %(school_id)s and academic_year = %(year)s
"""


def year(db: Published, school_id: int, academic_year: int) -> Row | None:
    """Return the school's year with the rates; None when nobody has been counted in it."""
    return db.row(_YEAR, school_id=school_id, year=academic_year)


def weeks(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a week of these years, with the rate of the week and of the year to date."""
    return db.rows(_WEEKS, school_id=school_id, years=years)


def comparisons(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a measure and comparison."""
    return db.rows(_COMPARISONS, school_id=school_id, year=academic_year)
