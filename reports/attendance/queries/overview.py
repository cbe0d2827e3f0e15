"""A school's year, its weeks, and what stands beside them."""

from __future__ import annotations

from reports.attendance.queries import sources
from reports.database import Published, Row

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
    note,
    is_suppressed
from attendance.school_comparison
where school_id = %(school_id)s and academic_year = %(year)s
"""


def year(db: Published, school_id: int, academic_year: int) -> Row | None:
    """Return the school's year with the rates; None when nobody has been counted in it."""
    return db.row(
        f"select * from {sources.years(db)} y where school_id = %(school_id)s and academic_year = %(year)s",
        school_id=school_id,
        year=academic_year,
    )


def weeks(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a week of these years, with the rate of the week and of the year to date."""
    # The running total is summed first and divided last.
    return db.rows(
        f"""
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
        from {sources.weeks(db)} w
        where school_id = %(school_id)s and academic_year = any(%(years)s)
        window to_date as (partition by academic_year order by week_start)
        order by academic_year, week_start
        """,
        school_id=school_id,
        years=years,
    )


def comparisons(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a measure and comparison."""
    return db.rows(_COMPARISONS, school_id=school_id, year=academic_year)
