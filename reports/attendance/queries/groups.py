"""Groups of pupils, alone and crossed. Which relation is read is the reader's right, not a parameter."""

from __future__ import annotations

from reports.database import Published, Row

SUPPRESSED = "group_year"
EXACT = "group_year_exact"

_COLUMNS = """
    group_1,
    value_1,
    group_2,
    value_2,
    enrolments,
    possible_sessions,
    absence_sessions,
    persistently_absent_enrolments,
    severely_absent_enrolments,
    attendance_rate,
    absence_rate,
    authorised_rate,
    unauthorised_rate,
    persistent_absence_rate,
    severe_absence_rate
"""


def relation_for(db: Published) -> str:
    """Return the relation with all figures where it is open to the reader, else the one with small ones hidden."""
    return EXACT if db.has(EXACT, "persistent_absence_rate") else SUPPRESSED


def single(db: Published, school_id: int, years: list[int]) -> list[Row]:
    """Return a row a year and group value of these years, the whole school (group all) included."""
    return _read(db, "group_2 = 'all'", school_id=school_id, years=years)


def crossed(db: Published, school_id: int, year: int, one: str, other: str) -> list[Row]:
    """Return a row a pair of values of two groups, with their totals, whichever of the two comes first there."""
    condition = """
        (group_1 in (%(one)s, %(other)s) and group_2 in (%(one)s, %(other)s))
        or (group_1 in (%(one)s, %(other)s, 'all') and group_2 = 'all')
    """
    return _read(db, condition, school_id=school_id, years=[year], one=one, other=other)


def _read(db: Published, condition: str, **parameters: object) -> list[Row]:
    relation = relation_for(db)
    hidden = "false as is_suppressed, null as suppression_reason"
    if relation == SUPPRESSED:
        hidden = "is_suppressed, suppression_reason"
    return db.rows(
        f"""
        select academic_year, {_COLUMNS}, {hidden}
        from attendance.{relation}
        where school_id = %(school_id)s and academic_year = any(%(years)s) and ({condition})
        """,
        **parameters,
    )
