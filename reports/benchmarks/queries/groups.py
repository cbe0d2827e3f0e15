"""Figures of a year group's pupil groups."""

from __future__ import annotations

from reports.benchmarks.queries.cohorts import group_relation
from reports.database import Published, Row


def groups(db: Published, school_id: int, academic_year: int, year_group: str) -> list[Row]:
    """Return a row per pupil group, value, source, population and challenge level."""
    return db.rows(
        f"""
        select * from benchmarks.{group_relation(db)}
        where school_id = %(school_id)s and academic_year = %(academic_year)s and year_group = %(year_group)s
        """,
        school_id=school_id,
        academic_year=academic_year,
        year_group=year_group,
    )
