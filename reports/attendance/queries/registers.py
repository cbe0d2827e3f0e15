"""How complete the registers are."""

from __future__ import annotations

from reports.database import Published, Row

_WEEKS = """
select
    week_start,
    week_number,
    sum(possible_sessions + not_possible_sessions + missing_sessions + unclassified_sessions) as expected_marks,
    sum(missing_sessions) as missing_sessions,
    sum(unclassified_sessions) as unclassified_sessions,
    round(
        100 * sum(missing_sessions)::numeric
        / nullif(sum(possible_sessions + not_possible_sessions + missing_sessions + unclassified_sessions), 0),
        6
    ) as missing_rate
from attendance.school_session
where school_id = %(school_id)s and academic_year = %(year)s and is_open
group by week_start, week_number
order by week_start
"""

_WORST = """
select session_date, session, pupils_expected, missing_sessions, unclassified_sessions, marked_percent
from attendance.school_session
where school_id = %(school_id)s and academic_year = %(year)s and is_open
    and missing_sessions + unclassified_sessions > 0
order by missing_sessions desc, session_date desc, session
limit 20
"""

_UNCLASSIFIED = (
    "select * from attendance.unclassified_code where school_id = %(school_id)s order by sessions desc, code"
)


def weeks(db: Published, school_id: int, year: int) -> list[Row]:
    """Return a row a week: marks that should be there, and those that are not."""
    return db.rows(_WEEKS, school_id=school_id, year=year)


def worst(db: Published, school_id: int, year: int) -> list[Row]:
    """Return the twenty sessions with the most missing marks."""
    return db.rows(_WORST, school_id=school_id, year=year)


def unclassified(db: Published, school_id: int) -> list[Row]:
    """Return the codes that nobody has said the meaning of."""
    return db.rows(_UNCLASSIFIED, school_id=school_id)
