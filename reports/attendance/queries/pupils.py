"""Pupils of a school and year: counts, what is ahead, alerts, names."""

from __future__ import annotations

from reports.database import Published, Row

_YEARS = """
select
    pupil_key,
    year_group,
    possible_sessions,
    absence_sessions,
    unauthorised_sessions,
    late_sessions,
    attendance_rate,
    absence_rate,
    is_persistently_absent,
    is_severely_absent
from attendance.pupil_year
where school_id = %(school_id)s and academic_year = %(year)s and is_statistical and possible_sessions > 0
"""

_PUPILS = """
select
    pupil_key,
    sex,
    is_fsm,
    is_fsm6,
    is_disadvantaged,
    sen_status,
    is_eal,
    ethnicity_group,
    is_on_roll,
    (to_jsonb(p) ->> 'is_looked_after')::boolean as is_looked_after
from attendance.pupil p
where school_id = %(school_id)s
"""

_OUTLOOK = """
select
    pupil_key,
    expected_possible_sessions,
    sessions_left_before_persistent,
    has_reached_persistent,
    sessions_missed_last_4_weeks,
    risk_of_persistent_absence,
    risk_band,
    risk_model,
    risk_note,
    why
from attendance.pupil_outlook
where school_id = %(school_id)s and academic_year = %(year)s
"""

_ALERTS = """
select pupil_key, rule_id, since, severity, why
from attendance.alert
where school_id = %(school_id)s
order by pupil_key, since desc, rule_id
"""

_NAMES = "select pupil_key, forename, surname, upn from attendance.pupil_name where school_id = %(school_id)s"

OUTLOOK_COLUMNS = (
    "sessions_left_before_persistent",
    "has_reached_persistent",
    "risk_of_persistent_absence",
    "risk_band",
    "risk_note",
    "why",
)
ALERT_COLUMNS = ("rule_id", "since", "severity", "why")


def pupils(db: Published, school_id: int, year: int) -> list[Row]:
    """Return a row a pupil whom DfE's figures count in the year."""
    # Among a thousand schools the planner expects one row of a school, and would join each pupil with every other.
    known = {row["pupil_key"]: row for row in db.rows(_PUPILS, school_id=school_id)}
    years = db.rows(_YEARS, school_id=school_id, year=year)
    return [known[row["pupil_key"]] | row for row in years if row["pupil_key"] in known]


def outlook(db: Published, school_id: int, year: int) -> dict[int, Row]:
    """Return what is ahead, by pupil: of the current year alone."""
    return {row["pupil_key"]: row for row in db.rows(_OUTLOOK, school_id=school_id, year=year)}


def alerts(db: Published, school_id: int) -> dict[int, list[Row]]:
    """Return the alerts that stand now, by pupil."""
    found: dict[int, list[Row]] = {}
    for row in db.rows(_ALERTS, school_id=school_id):
        found.setdefault(row["pupil_key"], []).append(row)
    return found


def names(db: Published, school_id: int) -> dict[int, Row]:
    """Return the school's pupils' names by key."""
    return {row["pupil_key"]: row for row in db.rows(_NAMES, school_id=school_id)}
