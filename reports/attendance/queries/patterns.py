"""Absence by part of the week and of the year, and session by session; of the week alone for readers of aggregates."""

from __future__ import annotations

from reports.database import Published, Row

_PATTERNS = """
select
    pattern,
    place,
    value,
    possible_sessions,
    absence_sessions,
    absence_rate,
    difference_from_mean,
    false as is_suppressed
from attendance.school_pattern
where school_id = %(school_id)s and academic_year = %(year)s
order by pattern, place
"""

_WEEK = """
select
    'weekday and session' as pattern,
    (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[weekday] || ' ' || session
        as value,
    possible_sessions,
    absence_sessions,
    absence_rate,
    -- With a session hidden the mean of the others is not the school's.
    case
        when not bool_or(is_suppressed) over ()
            then
                absence_rate
                - round(100 * sum(absence_sessions) over ()::numeric / nullif(sum(possible_sessions) over (), 0), 6)
    end as difference_from_mean,
    is_suppressed
from attendance.weekday_year
where school_id = %(school_id)s and academic_year = %(year)s and openings > 0
order by weekday, session
"""

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


def patterns(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a pattern and value of it (Monday AM, last 5 school days), over the year so far.

    Readers of aggregates have the weekdays and sessions alone; small numbers are null there.
    """
    query = _PATTERNS if db.has("school_pattern") else _WEEK
    return db.rows(query, school_id=school_id, year=academic_year)


def sessions(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a morning or afternoon on which the school was open."""
    return db.rows(_SESSIONS, school_id=school_id, year=academic_year)
