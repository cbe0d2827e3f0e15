"""The pupils of a year group."""

from __future__ import annotations

from reports.database import Published, Row

_PUPILS = """
select p.pupil_key, p.nc_year, s.subjects, s.estimated, s.prior_measure, s.prior_value,
    coalesce(t.targets, 0) as targets
from benchmarks.pupil p
left join (
    select pupil_key, count(*) as subjects, count(basis_key) as estimated,
        (array_agg(prior_measure order by prior_measure is null, prior_measure))[1] as prior_measure,
        (array_agg(prior_value order by prior_measure is null, prior_measure))[1] as prior_value
    from benchmarks.pupil_subject
    where school_id = %(school_id)s and academic_year = %(academic_year)s
    group by pupil_key
) s using (pupil_key)
left join (
    select pupil_key, count(*) filter (where status <> 'superseded') as targets
    from targets.current_target
    where school_id = %(school_id)s and academic_year = %(academic_year)s
    group by pupil_key
) t using (pupil_key)
where p.school_id = %(school_id)s and coalesce(p.nc_year, 'not known') = %(year_group)s
order by p.pupil_key
"""

_NAMES = """
select pupil_key, forename, surname, upn
from benchmarks.pupil_name
where school_id = %(school_id)s
"""


def pupils(db: Published, school_id: int, academic_year: int, year_group: str) -> list[Row]:
    """Return a row per pupil on roll: subjects studied, with an estimate, with a target; prior attainment."""
    return db.rows(_PUPILS, school_id=school_id, academic_year=academic_year, year_group=year_group)


def names(db: Published, school_id: int) -> dict[int, Row]:
    """Return forename, surname and UPN by pupil."""
    return {row["pupil_key"]: row for row in db.rows(_NAMES, school_id=school_id)}
