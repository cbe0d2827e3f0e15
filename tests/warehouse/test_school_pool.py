"""The own pool's results as they stand in core, and its fits as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from scipy.special import expit, logit

from orchestration.estimates import challenge, pool
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.school_pool import (
    PoolError,
    fits_in_use,
    latest_use,
    pool_effects,
    read_results,
    record,
)

_CORE = """
create schema if not exists core;
create table core.estimate_lookup (
    stage text, qualification text, subject text, level text, sex text, prior_measure text, prior_value numeric(6, 2),
    challenge numeric(5, 2), grades text[], chances double precision[]
);
create table core.attainment (
    school_id integer, result_id text, pupil_key bigint, mapping text, stage text, kind text, qualification text,
    subject text, grade text, points numeric, is_no_result boolean, result_date date, academic_year integer
);
create table core.prior_attainment (
    school_id integer, pupil_key bigint, stage text, prior_measure text, prior_value numeric
);
create table core.pupil (school_id integer, pupil_key bigint, sex text);
create table reference.lookup_alias (
    stage text, lookup_qualification text, lookup_subject text, qualification text, subject text
);
insert into reference.lookup_alias values ('ks2_ks4', 'GCSE', 'Other Sciences', 'GCSE', 'Astronomy');
insert into estimates.reference (digest, stage, reference_year, release, source, origin, pupils, content, loaded_by)
values ('d', 'ks2_ks4', 2024, 'revised', 'test', 'published', 1, '', 'test');
insert into estimates.lookup_run (run_id, stage, reference_digest, reference_year, release, source, method_version,
    cohort_year, levels, inputs, caveat, made_by)
values ('r', 'ks2_ks4', 'd', 2024, 'revised', 'test', '1', 2025, '{50}', '{}', '', 'test');
"""
_GRADES = ["U", "4", "9"]
#: By sex and point: chances of U, 4, 9 or better.
_CHANCES = {
    (sex, point): [1.0, round(float(expit(place + lift)), 6), round(float(expit(place + lift - 3)), 6)]
    for sex, lift in (("F", 0.3), ("M", -0.3), ("all", 0.0))
    for point, place in ((79.5, -1.0), (100.0, 0.5), (100.5, 0.7), (110.0, 2.0))
}


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with warehouse.connect(autocommit=True) as opened:
        opened.execute(_CORE.encode())
        with opened.cursor() as cursor:
            cursor.executemany(
                "insert into core.estimate_lookup"
                " values ('ks2_ks4', 'GCSE', %s, 'subject', %s, 'ks2_mean', %s, 50, %s, %s)",
                [
                    (subject, sex, point, _GRADES, chances)
                    for subject in ("History", "Other Sciences")
                    for (sex, point), chances in _CHANCES.items()
                ],
            )
        yield opened


def _result(
    connection: psycopg.Connection[Any],
    pupil: int,
    prior: float,
    grade: str,
    *,
    school: int = 1,
    sex: str | None = "F",
    subject: str = "History",
    kind: str = "statutory",
    date: str = "2025-08-21",
) -> None:
    connection.execute(
        "insert into core.attainment values (%s, %s, %s, 'mapped', 'ks4', %s, 'GCSE', %s, %s, 0, false, %s, 202425)",
        [school, f"{pupil}{date}{subject}", pupil, kind, subject, grade, date],
    )
    connection.execute(
        "insert into core.prior_attainment select %s, %s, 'ks2_ks4', 'ks2_mean', %s where not exists"
        " (select from core.prior_attainment where school_id = %s and pupil_key = %s)",
        [school, pupil, prior, school, pupil],
    )
    connection.execute(
        "insert into core.pupil select %s, %s, %s where not exists"
        " (select from core.pupil where school_id = %s and pupil_key = %s)",
        [school, pupil, sex, school, pupil],
    )


def test_results_meet_the_nations_chances_of_their_sex_and_point(connection: psycopg.Connection[Any]) -> None:
    _result(connection, 1, 72.0, "4")  # below the scale: its one point
    _result(connection, 2, 100.4, "9")
    _result(connection, 3, 100.4, "9", sex=None)
    _result(connection, 4, 120.0, "U", sex="M")
    _result(connection, 5, 100.4, "4", subject="Astronomy")  # estimated as another subject
    _result(connection, 6, 100.4, "4", kind="current")  # a mock is no result
    _result(connection, 7, 100.4, "U")
    _result(connection, 7, 100.4, "9", date="2026-01-15")  # a resit does not count
    _result(connection, 8, 100.4, "merit")  # no grade of the scale
    found = read_results(connection, "ks2_ks4", "r")
    assert found.academic_years == (202425,)
    history, other = found.subjects
    assert (other.subject, other.pupils.tolist()) == ("Other Sciences", [1])
    rows = zip(history.at_least[history.cell].tolist(), history.grade.tolist(), history.pupils.tolist(), strict=True)
    assert sorted(rows) == sorted(
        [
            (_CHANCES["F", 79.5], 1, 1),
            (_CHANCES["F", 100.0], 2, 1),
            (_CHANCES["all", 100.0], 2, 1),
            (_CHANCES["M", 110.0], 0, 1),
            (_CHANCES["F", 100.0], 0, 1),
        ]
    )


def _pool_of(connection: psycopg.Connection[Any], schools: int) -> None:
    rng = np.random.default_rng(1)
    for school in range(1, schools + 1):
        connection.execute(
            "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
            " values (%s, 'wonde', %s, 'Oak', 'approved')",
            [school, f"A{school}"],
        )
        effect = 0.6 * rng.standard_normal()
        moved = expit(logit(np.array(_CHANCES["F", 100.0][1:])) + effect)
        for pupil in range(30):
            grade = _GRADES[int((rng.uniform() < moved).sum())]
            _result(connection, 1000 * school + pupil, 100.0, grade, school=school)


def test_a_pool_that_is_large_enough_gives_effects_and_is_fitted_once(connection: psycopg.Connection[Any]) -> None:
    _pool_of(connection, 24)
    results = read_results(connection, "ks2_ks4", "r")
    assert latest_use(connection, results) is None
    fit_id = record(connection, results, [pool.fit(subject) for subject in results.subjects])
    assert latest_use(connection, read_results(connection, "ks2_ks4", "r")) == fit_id
    assert fits_in_use(connection) == [("ks2_ks4", "r", 24, 720, 1, None)]
    row = connection.execute("select effect_sd, effect_sd_low, effect_sd_high from estimates.pool_subject").fetchone()
    assert row is not None
    assert row[1] < 0.6 < row[2]
    effects = pool_effects(connection, "ks2_ks4")
    assert effects.by_subject == {("GCSE", "History"): pytest.approx(challenge.school_share(row[0]))}
    assert effects.source.startswith(f"own pool, fit {fit_id} of 24 schools")
    assert effects.sd("GCSE", "History") == pytest.approx(row[0])
    kept = connection.execute("select count(*), min(percentile), max(percentile) from estimates.pool_school").fetchone()
    assert kept == (24, 5, 100)


def test_a_pool_that_is_too_small_gives_its_reason(connection: psycopg.Connection[Any]) -> None:
    _pool_of(connection, 3)
    results = read_results(connection, "ks2_ks4", "r")
    record(connection, results, [pool.fit(subject) for subject in results.subjects])
    with pytest.raises(PoolError, match="3 schools have 10 results or more; 20 are needed"):
        pool_effects(connection, "ks2_ks4")


def test_no_results_are_no_pool(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(PoolError, match="has not been fitted"):
        pool_effects(connection, "ks2_ks4")
    record(connection, read_results(connection, "ks2_ks4", "r"), [])
    with pytest.raises(PoolError, match="There are no results with prior attainment"):
        pool_effects(connection, "ks2_ks4")
