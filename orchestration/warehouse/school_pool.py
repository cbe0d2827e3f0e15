"""Where the own pool's results come from and where its fits go: ``core.attainment``, ``estimates.pool_*``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import psycopg

from orchestration.estimates import challenge
from orchestration.estimates.challenge import SchoolEffects
from orchestration.estimates.errors import EstimateError
from orchestration.estimates.pool import SubjectFit, SubjectResults

#: By stage of the look-ups: stage of the results, stage and measure of the prior attainment. Substitutes for it are too
#: weak to tell schools' work from their intake.
STAGES = {
    "ks1_ks2": ("ks2", "ks1_ks2", "ks1_mean"),
    "ks2_ks4": ("ks4", "ks2_ks4", "ks2_mean"),
    "ks4_ks5": ("ks5", "ks4_ks5", "ks4_mean"),
    "level3": ("ks5", "ks4_ks5", "ks4_mean"),
}


class PoolError(EstimateError):
    """The pool cannot give what is asked of it; the message says why."""


#: A pupil counts once in a subject, with the first result. Its point is the look-up's at or just below the value; of
#: those below the scale there is one point, and values below it belong to it.
_RESULTS = """
with cell as (
    select qualification, subject, sex, prior_value as point,
           case when row_number() over in_subject = 1 and stage = 'ks2_ks4' then -1 else prior_value end as from_value,
           lead(prior_value) over in_subject as below_value,
           grades, chances
    from core.estimate_lookup
    where stage = %(stage)s and level = 'subject' and prior_measure = %(measure)s and challenge = 50
    window in_subject as (partition by qualification, subject, sex order by prior_value)
),

taken as (
    select distinct on (a.school_id, a.pupil_key, qualification, subject)
        a.school_id, a.pupil_key, a.academic_year, a.grade, p.sex, b.prior_value,
        coalesce(l.lookup_qualification, a.qualification) as qualification,
        coalesce(l.lookup_subject, a.subject) as subject
    from core.attainment as a
    join core.prior_attainment as b
        on b.school_id = a.school_id and b.pupil_key = a.pupil_key
        and b.stage = %(prior_stage)s and b.prior_measure = %(measure)s
    left join core.pupil as p on p.school_id = a.school_id and p.pupil_key = a.pupil_key
    left join reference.lookup_alias as l
        on l.stage = %(stage)s and l.qualification = a.qualification and l.subject = a.subject
    where a.mapping = 'mapped' and a.kind = 'statutory' and a.stage = %(result_stage)s and not a.is_no_result
    order by a.school_id, a.pupil_key, qualification, subject, a.result_date nulls last, a.points desc, a.result_id
)

select t.qualification, t.subject, cell.sex, cell.point, cell.chances, t.school_id,
       array_position(cell.grades, t.grade) - 1 as grade, count(*)::int, array_agg(distinct t.academic_year)
from taken as t
join cell
    on cell.qualification = t.qualification and cell.subject = t.subject
    and cell.sex = case
        when t.sex in ('F', 'M') and exists (
            select from cell as c
            where c.qualification = t.qualification and c.subject = t.subject and c.sex = t.sex
        ) then t.sex else 'all' end
    and t.prior_value >= cell.from_value and (t.prior_value < cell.below_value or cell.below_value is null)
where t.grade = any(cell.grades)
group by 1, 2, 3, 4, 5, 6, 7
order by 1, 2, 3, 4, 6, 7
"""


@dataclass(frozen=True)
class PoolResults:
    """Results of a stage's subjects, the academic years they are of, and the run that their national chances are of."""

    stage: str
    run_id: str
    subjects: tuple[SubjectResults, ...]
    academic_years: tuple[int, ...]

    def fingerprint(self) -> str:
        """SHA-256 of results and look-up; the same inputs give the same fit."""
        told = [self.run_id, *(subject.digest() for subject in self.subjects)]
        return hashlib.sha256("|".join(told).encode()).hexdigest()


def read_results(connection: psycopg.Connection[Any], stage: str, run_id: str) -> PoolResults:
    """Final results of all schools' pupils with prior attainment, by the stage's look-ups, which are in use."""
    result_stage, prior_stage, measure = STAGES[stage]
    rows = connection.execute(
        _RESULTS, {"stage": stage, "result_stage": result_stage, "prior_stage": prior_stage, "measure": measure}
    ).fetchall()
    years = sorted({year for row in rows for year in row[8] if year is not None})
    return PoolResults(stage, run_id, tuple(_subjects(rows)), tuple(years))


def _subjects(rows: Sequence[Sequence[Any]]) -> Iterator[SubjectResults]:
    for (qualification, subject), of in groupby(rows, key=lambda row: (row[0], row[1])):
        held = list(of)
        cells: dict[tuple[str, Any], int] = {}
        places = np.array([cells.setdefault((row[2], row[3]), len(cells)) for row in held])
        first = {place: row[4] for place, row in zip(places[::-1], held[::-1], strict=True)}
        yield SubjectResults(
            qualification=qualification,
            subject=subject,
            at_least=np.array([first[place] for place in range(len(cells))]),
            school=np.array([row[5] for row in held]),
            cell=places,
            grade=np.array([row[6] for row in held]),
            pupils=np.array([row[7] for row in held]),
        )


def latest_use(connection: psycopg.Connection[Any], results: PoolResults) -> int | None:
    """Put the fit of these results in use and return its number; None when they have not been fitted."""
    row = connection.execute(
        "update estimates.pool_fit set last_used_at = clock_timestamp() where stage = %s and inputs_hash = %s"
        " returning fit_id",
        [results.stage, results.fingerprint()],
    ).fetchone()
    return None if row is None else int(row[0])


def record(connection: psycopg.Connection[Any], results: PoolResults, fits: Sequence[SubjectFit]) -> int:
    """Keep a fit beside the earlier ones, put it in use, and return its number."""
    counted = [int(subject.pupils.sum()) for subject in results.subjects]
    schools = {int(school) for subject in results.subjects for school in subject.school}
    reasons = None if any(of.sd is not None for of in fits) else _why_nothing(fits)
    row = connection.execute(
        "insert into estimates.pool_fit (stage, inputs_hash, run_id, academic_years, schools, results, reason,"
        " last_used_at) values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp()) returning fit_id",
        [
            results.stage,
            results.fingerprint(),
            results.run_id,
            list(results.academic_years),
            len(schools),
            sum(counted),
            reasons,
        ],
    ).fetchone()
    assert row is not None
    fit_id = int(row[0])
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into estimates.pool_subject (fit_id, qualification, subject, schools, results, effect_sd,"
            " effect_sd_low, effect_sd_high, reason) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (fit_id, f.qualification, f.subject, f.schools, f.results, f.sd, f.sd_low, f.sd_high, f.reason)
                for f in fits
            ],
        )
        cursor.executemany(
            "insert into estimates.pool_school (fit_id, school_id, qualification, subject, results, effect, effect_se,"
            " percentile) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (fit_id, e.school_id, f.qualification, f.subject, e.results, e.effect, e.standard_error, e.percentile)
                for f in fits
                for e in f.effects
            ],
        )
    return fit_id


def _why_nothing(fits: Sequence[SubjectFit]) -> str:
    largest = max(fits, key=lambda of: (of.schools, of.results), default=None)
    if largest is None or largest.reason is None:
        return "There are no results with prior attainment in subjects that have estimates."
    return f"The pool is too small. In {largest.subject}, where it is largest, {largest.reason}"


def fits_in_use(connection: psycopg.Connection[Any]) -> list[tuple[str, str, int, int, int, str | None]]:
    """Of each stage: the run of its pool, schools, results, subjects that have effects, and why there are none."""
    return connection.execute(
        """
        with latest as (
            select distinct on (stage) * from estimates.pool_fit order by stage, last_used_at desc, fit_id desc
        )
        select stage, run_id, schools, results,
               (select count(effect_sd)::int from estimates.pool_subject as s where s.fit_id = latest.fit_id), reason
        from latest
        order by stage
        """
    ).fetchall()


def pool_effects(connection: psycopg.Connection[Any], stage: str) -> SchoolEffects:
    """How much schools differ by subject as the latest fit of a stage's pool says; other subjects keep the default.

    Raises:
        PoolError: nothing was fitted; the message has the fit's reason.
    """
    row = connection.execute(
        "select fit_id, reason, schools from estimates.pool_fit where stage = %s order by last_used_at desc limit 1",
        [stage],
    ).fetchone()
    if row is None or row[1] is not None:
        why = "It has not been fitted: `mis run` does." if row is None else row[1]
        raise PoolError(f"The pool gives no school effects of stage {stage}. {why}")
    found = connection.execute(
        "select qualification, subject, effect_sd from estimates.pool_subject"
        " where fit_id = %s and effect_sd is not null",
        [row[0]],
    ).fetchall()
    return SchoolEffects(
        by_subject={(qualification, subject): challenge.school_share(sd) for qualification, subject, sd in found},
        source=f"own pool, fit {row[0]} of {row[2]} schools; other subjects: {challenge.DEFAULT_SOURCE}",
    )
