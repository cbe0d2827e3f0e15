"""Absence by part of the week and of the year, and session by session."""

from __future__ import annotations

from reports.database import Published, Row

_PATTERNS = """
select pattern, place, value, possible_sessions, absence_sessions, absence_rate, difference_from_mean
from attendance.school_pattern
where school_id = %(school_id)s and academic_year = %(year)s
order by pattern, place
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
    """Return a row a pattern and value of it (Monday AM, last 5 school days), over the year so far."""
    return db.rows(_PATTERNS, school_id=school_id, year=academic_year)


def sessions(db: Published, school_id: int, academic_year: int) -> list[Row]:
    """Return a row a morning or afternoon on which the school was open."""
    return db.rows(_SESSIONS, school_id=school_id, year=academic_year)
