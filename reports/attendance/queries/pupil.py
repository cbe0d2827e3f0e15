"""One pupil: who, the year, the days, and what else is known of their attendance."""

from __future__ import annotations

from reports.database import Published, Row

_PUPIL = """
select y.*, p.is_on_roll
from attendance.pupil_year y
join attendance.pupil p on p.school_id = y.school_id and p.pupil_key = y.pupil_key
where y.school_id = %(school_id)s and y.pupil_key = %(pupil_key)s and y.academic_year = %(year)s
"""

_NAME = """
select forename, surname, upn
from attendance.pupil_name
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
"""

_SESSIONS = """
select session_date, session, code, description, meaning, minutes_late
from attendance.session
where school_id = %(school_id)s and pupil_key = %(pupil_key)s and academic_year = %(year)s
order by session_date, session
"""

_OUTLOOK = """
select sessions_left_before_persistent, has_reached_persistent, risk_of_persistent_absence, risk_band, risk_model,
    risk_note, why
from attendance.pupil_outlook
where school_id = %(school_id)s and pupil_key = %(pupil_key)s and academic_year = %(year)s
"""

_ALERTS = """
select rule_id, since, severity, why
from attendance.alert
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
order by since desc, rule_id
"""

_INTERVENTIONS = """
select *
from attendance.intervention
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
order by started_on
"""

_EXCLUSIONS = """
select exclusion_type, reason, start_date, end_date, sessions
from attendance.exclusion
where school_id = %(school_id)s and pupil_key = %(pupil_key)s and academic_year = %(year)s
order by start_date
"""


def pupil(db: Published, school_id: int, pupil_key: int, year: int) -> Row | None:
    """Return the pupil's year; None when the school has no such pupil in it."""
    return db.row(_PUPIL, school_id=school_id, pupil_key=pupil_key, year=year)


def name(db: Published, school_id: int, pupil_key: int) -> Row:
    """Return forename, surname and UPN; empty when they are not recorded."""
    return db.row(_NAME, school_id=school_id, pupil_key=pupil_key) or {}


def sessions(db: Published, school_id: int, pupil_key: int, year: int) -> list[Row]:
    """Return a row a session, by date."""
    return db.rows(_SESSIONS, school_id=school_id, pupil_key=pupil_key, year=year)


def outlook(db: Published, school_id: int, pupil_key: int, year: int) -> Row | None:
    """Return what is ahead in the current year."""
    return db.row(_OUTLOOK, school_id=school_id, pupil_key=pupil_key, year=year)


def alerts(db: Published, school_id: int, pupil_key: int) -> list[Row]:
    """Return the alerts that stand now."""
    return db.rows(_ALERTS, school_id=school_id, pupil_key=pupil_key)


def interventions(db: Published, school_id: int, pupil_key: int) -> list[Row]:
    """Return what the school has done, by date."""
    return db.rows(_INTERVENTIONS, school_id=school_id, pupil_key=pupil_key)


def exclusions(db: Published, school_id: int, pupil_key: int, year: int) -> list[Row]:
    """Return suspensions and exclusions of the year, by date."""
    return db.rows(_EXCLUSIONS, school_id=school_id, pupil_key=pupil_key, year=year)
