"""The reader's schools side by side."""

from __future__ import annotations

from collections.abc import Iterable

from reports.attendance.queries import sources
from reports.database import Published, Row

_GRANTED = """
select school_id, school_name, phase, national_phase
from attendance.school
where school_id = any(%(schools)s)
order by school_name, school_id
"""

_LATEST = """
select distinct on (y.school_id)
    y.school_id,
    y.academic_year,
    y.last_session_date,
    y.enrolments,
    y.attendance_rate,
    y.persistent_absence_rate
from {years} y
where y.school_id = any(%(schools)s)
order by y.school_id, y.academic_year desc
"""

_YEARS = """
select academic_year, count(*) as schools
from {years} y
where school_id = any(%(schools)s)
group by academic_year
order by academic_year desc
"""

#: Without the schools' names: joined row by row, the policy's function would be called for each of a thousand schools.
_YEAR = """
select
    school_id,
    national_phase,
    last_session_date,
    enrolments,
    persistently_absent_enrolments,
    severely_absent_enrolments,
    possible_sessions,
    attended_sessions,
    absence_sessions,
    authorised_sessions,
    unauthorised_sessions,
    missing_sessions,
    attendance_rate,
    absence_rate,
    authorised_rate,
    unauthorised_rate,
    persistent_absence_rate,
    severe_absence_rate,
    national_absence_rate,
    national_attendance_rate,
    national_persistent_absence_rate
from {years} y
where school_id = any(%(schools)s) and academic_year = %(year)s
"""


def granted(db: Published, schools: Iterable[int]) -> list[Row]:
    """Return the reader's schools by name."""
    return db.rows(_GRANTED, schools=list(schools))


def latest(db: Published, schools: Iterable[int]) -> dict[int, Row]:
    """Return the latest year of each school that has one, by school."""
    return {row["school_id"]: row for row in db.rows(_LATEST.format(years=sources.years(db)), schools=list(schools))}


def years(db: Published, schools: Iterable[int]) -> list[Row]:
    """Return the years that any of the schools has, with the number of schools, the latest first."""
    return db.rows(_YEARS.format(years=sources.years(db)), schools=list(schools))


def year(db: Published, schools: Iterable[int], academic_year: int) -> list[Row]:
    """Return the schools of a year that have been counted in it."""
    return db.rows(_YEAR.format(years=sources.years(db)), schools=list(schools), year=academic_year)
