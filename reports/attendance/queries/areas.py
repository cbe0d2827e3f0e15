"""Areas: what the department has published of them, and what the platform's own schools there are together."""

from __future__ import annotations

from collections.abc import Sequence

from reports.database import Published, Row

#: Level and code of an area, as the relation that is read has them.
Keys = Sequence[tuple[str, str]]

_AREAS = """
select *
from attendance.{relation}
where (area_level, area_code) in (
    select * from unnest(%(levels)s::text[], %(codes)s::text[])
)
"""

_GROUPS = """
select area_level, area_code, group_name, group_value, enrolments, absence_rate, persistent_absence_rate, is_suppressed
from attendance.area_group_year
where (area_level, area_code) in (
    select * from unnest(%(levels)s::text[], %(codes)s::text[])
) and academic_year = %(year)s and phase = %(phase)s and group_name <> 'all'
"""


def published(db: Published, areas: Keys) -> list[Row]:
    """Return a row an area, year and phase of the department's series."""
    return db.rows(_AREAS.format(relation="published_rate"), **_arrays(areas))


def pools(db: Published, areas: Keys) -> list[Row]:
    """Return a row an area, year and phase of the platform's schools there; small pools are hidden."""
    return db.rows(_AREAS.format(relation="area_year"), **_arrays(areas))


def groups(db: Published, areas: Keys, year: int, phase: str) -> list[Row]:
    """Return a row an area and group of the platform's schools of a phase in a year; small groups are hidden."""
    return db.rows(_GROUPS, **_arrays(areas), year=year, phase=phase)


def _arrays(areas: Keys) -> dict[str, list[str]]:
    return {"levels": [level for level, _ in areas], "codes": [code for _, code in areas]}
