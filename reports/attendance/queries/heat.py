"""Absence by week, weekday and session."""

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
    count(*) as mornings_or_afternoons,
    sum(possible_sessions) as possible_sessions,
    sum(absence_sessions) as absence_sessions,
    round(100 * sum(absence_sessions)::numeric / nullif(sum(possible_sessions), 0), 6) as absence_rate
from attendance.school_session
where school_id = %(school_id)s and academic_year = %(year)s and is_open
group by weekday, session
order by weekday, session
"""


def sessions(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a morning or afternoon on which the school was open."""
    return db.rows(_SESSIONS, school_id=school_id, year=academic_year)


def weekdays(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a weekday and session, over the year so far."""
    return db.rows(_WEEKDAYS, school_id=school_id, year=academic_year)
