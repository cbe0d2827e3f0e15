"""Absence by week, weekday and session. Single sessions are closed to readers of aggregates; the weekdays are not."""

from __future__ import annotations

from reports.database import Published, Row

_SESSIONS = """
select
    week_start,
    week_number,
    half_term,
    weekday,
    session,
    pupils_expected,
    possible_sessions,
    absence_sessions,
    absence_rate
from attendance.school_session
where school_id = %(school_id)s and academic_year = %(year)s and is_open
order by session_date, session
"""

_WEEKDAYS = """
select
    weekday,
    session,
    count(*) as openings,
    sum(possible_sessions) as possible_sessions,
    sum(absence_sessions) as absence_sessions,
    round(100 * sum(absence_sessions)::numeric / nullif(sum(possible_sessions), 0), 6) as absence_rate,
    false as is_suppressed
from attendance.school_session
where school_id = %(school_id)s and academic_year = %(year)s and is_open
group by weekday, session
order by weekday, session
"""

_WEEKDAYS_OF_AGGREGATES = """
select weekday, session, openings, possible_sessions, absence_sessions, absence_rate, is_suppressed
from attendance.weekday_year
where school_id = %(school_id)s and academic_year = %(year)s and openings > 0
order by weekday, session
"""


def has_sessions(db: Published) -> bool:
    """Tell whether single sessions are open to this reader."""
    return db.has("school_session")


def sessions(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a morning or afternoon on which the school was open."""
    return db.rows(_SESSIONS, school_id=school_id, year=academic_year)


def weekdays(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a weekday and session, over the year so far; small numbers are null where sessions are closed."""
    query = _WEEKDAYS if has_sessions(db) else _WEEKDAYS_OF_AGGREGATES
    return db.rows(query, school_id=school_id, year=academic_year)
