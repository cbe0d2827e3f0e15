"""Figures of a year group's subjects, and why some pupils have no estimate."""

from __future__ import annotations

from reports.benchmarks.queries.cohorts import subject_relation
from reports.database import Published, Row

_GAPS = """
select g.gap, g.what_to_do, count(*) as pupil_subjects, count(distinct g.pupil_key) as pupils,
    string_agg(distinct g.subject, ', ' order by g.subject) as subjects
from benchmarks.estimate_gap g
join benchmarks.pupil p on p.school_id = g.school_id and p.pupil_key = g.pupil_key
where g.school_id = %(school_id)s and g.academic_year = %(academic_year)s and p.nc_year = %(year_group)s
group by g.gap, g.what_to_do
order by count(*) desc, g.gap
"""


def subjects(db: Published, school_id: int, academic_year: int, year_group: str) -> list[Row]:
    """Return a row per qualification, subject, source, population and challenge level."""
    return db.rows(
        f"""
        select * from benchmarks.{subject_relation(db)}
        where school_id = %(school_id)s and academic_year = %(academic_year)s and year_group = %(year_group)s
        order by qualification, subject, source, population, challenge desc
        """,
        school_id=school_id,
        academic_year=academic_year,
        year_group=year_group,
    )


def gaps(db: Published, school_id: int, academic_year: int, year_group: str) -> list[Row]:
    """Return a row per reason for which pupils have no estimate in a subject."""
    return db.rows(_GAPS, school_id=school_id, academic_year=academic_year, year_group=year_group)
