"""One pupil: the row-set of the student explorer."""

from __future__ import annotations

from reports.database import Published, Row

_PUPIL = """
select pupil_key, nc_year
from benchmarks.pupil
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
"""

_NAME = """
select forename, surname, upn
from benchmarks.pupil_name
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
"""

_ROWS = """
select *
from benchmarks.student_explorer
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
order by section, position
"""

_SPECIAL = """
select *
from benchmarks.student_explorer_special
where school_id = %(school_id)s and pupil_key = %(pupil_key)s
order by section, position
"""


def pupil(db: Published, school_id: int, pupil_key: int) -> Row | None:
    """Return the pupil on roll; None when the school has no such pupil."""
    return db.row(_PUPIL, school_id=school_id, pupil_key=pupil_key)


def name(db: Published, school_id: int, pupil_key: int) -> Row:
    """Return forename, surname and UPN; empty when they are not recorded."""
    return db.row(_NAME, school_id=school_id, pupil_key=pupil_key) or {}


def rows(db: Published, school_id: int, pupil_key: int) -> list[Row]:
    """Return what is known of the pupil, section by section."""
    return db.rows(_ROWS, school_id=school_id, pupil_key=pupil_key)


def special(db: Published, school_id: int, pupil_key: int) -> list[Row]:
    """Return what is known of special categories."""
    return db.rows(_SPECIAL, school_id=school_id, pupil_key=pupil_key)
