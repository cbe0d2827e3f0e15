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

_YEAR = """
select
    y.school_id,
    s.school_name,
    y.national_phase,
    y.last_session_date,
    y.enrolments,
    y.persistently_absent_enrolments,
    y.severely_absent_enrolments,
    y.possible_sessions,
    y.missing_sessions,
    y.attendance_rate,
    y.absence_rate,
    y.authorised_rate,
    y.unauthorised_rate,
    y.persistent_absence_rate,
    y.severe_absence_rate,
    y.national_absence_rate,
    y.national_attendance_rate,
    y.national_persistent_absence_rate
from {years} y
join attendance.school s on s.school_id = y.school_id
where y.school_id = any(%(schools)s) and y.academic_year = %(year)s
order by s.school_name, s.school_id
"""

#: Together: summed first, divided last.
_TOGETHER = """
select
    count(*) as schools,
    sum(enrolments) as enrolments,
    round(100 * sum(attended_sessions)::numeric / nullif(sum(possible_sessions), 0), 6) as attendance_rate,
    round(100 * sum(absence_sessions)::numeric / nullif(sum(possible_sessions), 0), 6) as absence_rate,
    round(100 * sum(authorised_sessions)::numeric / nullif(sum(possible_sessions), 0), 6) as authorised_rate,
    round(100 * sum(unauthorised_sessions)::numeric / nullif(sum(possible_sessions), 0), 6) as unauthorised_rate,
    round(100 * sum(persistently_absent_enrolments)::numeric / nullif(sum(enrolments), 0), 6)
        as persistent_absence_rate,
    round(100 * sum(severely_absent_enrolments)::numeric / nullif(sum(enrolments), 0), 6) as severe_absence_rate
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
    """Return the schools of a year, by name."""
    return db.rows(_YEAR.format(years=sources.years(db)), schools=list(schools), year=academic_year)


def together(db: Published, schools: Iterable[int], academic_year: int) -> Row | None:
    """Return the schools of a year taken together."""
    return db.row(_TOGETHER.format(years=sources.years(db)), schools=list(schools), year=academic_year)
