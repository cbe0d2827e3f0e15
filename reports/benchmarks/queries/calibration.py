"""Tests of estimates on national figures, and what the school adds among the platform's own."""

from __future__ import annotations

from reports.database import Published, Row

_SCORES = "select * from benchmarks.estimate_calibration order by stage, slice, slice_value, way"

_RELIABILITY = "select * from benchmarks.estimate_reliability order by stage, way, bin"

_EFFECTS = """
select *
from benchmarks.school_effect
where school_id = %(school_id)s
order by qualification, subject
"""


def scores(db: Published) -> list[Row]:
    """Return a row per stage, slice, its value and way of estimating."""
    return db.rows(_SCORES)


def reliability(db: Published) -> list[Row]:
    """Return a row per stage, way of estimating and bin of forecast chances."""
    return db.rows(_RELIABILITY)


def effects(db: Published, school_id: int) -> list[Row]:
    """Return a row per qualification and subject in which the school's effect is known."""
    return db.rows(_EFFECTS, school_id=school_id)
