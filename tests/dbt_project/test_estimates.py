"""From results and timetables to estimates: raw rows, the engine's own look-ups, seeds, core and marts together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from raw_rows import pupil, put, school

from orchestration.dbt.project import semantic_manifest_path
from orchestration.estimates import lookup, shipped
from orchestration.ingest.categories import Purpose
from orchestration.semantic.layer import SemanticLayer
from orchestration.settings import Settings
from orchestration.warehouse import estimate_lookups as store
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import publish

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds" / "estimates"
#: Reading and mathematics of each pupil; None is no result.
SCORES: dict[str, tuple[str | None, str | None]] = {
    "A1": ("104", "107"),
    "A2": ("104", "107"),
    "A3": ("N", "N"),
    "A4": ("110", "A"),
    "A5": (None, None),
    "A6": ("119", "120"),
    "A7": ("98", "101"),
}
KS2_DAY = date(2022, 7, 5)
TAUGHT = {"ma": "Maths", "en": "English", "sc": "Science", "ph": "Philately"}


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse, dbt: Any) -> Iterator[psycopg.Connection[Any]]:
    """A secondary school with a Year 9 of seven, built and published on look-ups of the latest GCSE results."""
    with module_warehouse.connect(autocommit=True) as opened:
        _use_latest_gcse(opened)
        elm = school(opened, "Elm", "SECONDARY")
        for number, (pupil_id, scores) in enumerate(SCORES.items()):
            pupil(opened, elm, pupil_id, nc_year="9", sex="MF"[number % 2], date_of_birth=date(2010, 10, 1))
            for aspect, score in zip(("Reading", "Mathematics"), scores, strict=True):
                if score is not None:
                    _result(opened, elm, pupil_id, f"KS2 {aspect} scaled score", score)
            _result(opened, elm, pupil_id, "Mathematics working at", "5+", day=date(2025, 3, 20))
        _result(opened, elm, "A1", "House points", "7")
        for code, name in TAUGHT.items():
            put(opened, "subject", school_id=elm, subject_id=code, name=name, extract_id=1)
            put(
                opened,
                "teaching_group",
                school_id=elm,
                group_id=code,
                kind="CLASS",
                subject_id=code,
                nc_year="9",
                academic_year="2024/2025",
                extract_id=1,
            )
            for pupil_id in SCORES if code != "ph" else ["A1"]:
                put(opened, "group_pupil", school_id=elm, group_id=code, pupil_id=pupil_id, extract_id=1)
        dbt("build", "--exclude-resource-type", "unit_test", "--select", "+marts.benchmarks")
        publish(opened, Purpose.BENCHMARKS, "run")
        yield opened


def _use_latest_gcse(connection: psycopg.Connection[Any]) -> None:
    found = max(
        (one for one in shipped.references(SEEDS) if one.stage == "ks2_ks4"), key=lambda reference: reference.year
    )
    recipe = shipped.recipe(SEEDS, found.stage, found.year)
    built = lookup.build(found, recipe)
    store.keep_reference(connection, found, origin="published", loaded_by="test")
    store.keep_run(connection, found, recipe, built, made_by="test")
    store.put_in_use(connection, built.run_id, reason="A test.", used_by="test")


def _result(
    connection: psycopg.Connection[Any], school_id: int, pupil_id: str, aspect: str, value: str, *, day: date = KS2_DAY
) -> None:
    put(connection, "aspect", school_id=school_id, aspect_id=aspect, name=aspect, extract_id=1)
    put(
        connection,
        "result",
        school_id=school_id,
        result_id=f"{pupil_id} {aspect}",
        pupil_id=pupil_id,
        aspect_id=aspect,
        result_date=day,
        value=value,
        extract_id=1,
    )


def _rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def test_the_worked_row_is_published_to_the_engines_last_digit(connection: psycopg.Connection[Any]) -> None:
    """Mathematics with a KS2 mean of 105.5: the estimate is 5 (methodology 2.1.2), for girls and for boys."""
    found = _rows(
        connection,
        "select e.sex_basis, e.estimate_grade, e.method, e.prior_measure, e.expected_points = l.expected_points"
        " and e.chances = l.chances and e.run_id = l.run_id as is_the_engines"
        " from benchmarks.estimate as e join estimates.lookup as l"
        " on (l.qualification, l.subject, l.sex, l.prior_measure, l.prior_value, l.challenge)"
        " = (e.qualification, e.subject, e.sex_basis, 'ks2_mean', 105.5, e.challenge)"
        " where e.subject = 'Mathematics' and e.prior_value = 105.5 and e.challenge = 50 order by 1",
    )
    assert found == [("F", "5", "own_counts", "ks2_mean", True), ("M", "5", "own_counts", "ks2_mean", True)]


def test_every_estimate_says_what_it_stands_on(connection: psycopg.Connection[Any]) -> None:
    """N twice is 79, in the group below 80; a score of one subject only, and none at all, stand on the nation's."""
    assert _rows(
        connection,
        "select person_id, e.prior_measure, e.prior_value::float8, b.prior_value::float8, e.method, e.reference_year"
        " from benchmarks.estimate as e"
        " join benchmarks.pupil_subject as s using (school_id, pupil_key, qualification, subject)"
        " join benchmarks.estimate_basis as b using (basis_key, challenge)"
        " join core.pupil as p using (school_id, pupil_key)"
        " where e.subject = 'Combined Science' and e.challenge = 20"
        " and person_id in ('person-A3', 'person-A4', 'person-A5', 'person-A6')"
        " order by 1",
    ) == [
        ("person-A3", "ks2_mean", 79.0, 79.5, "own_counts", 2024),
        ("person-A4", "national", 1.0, 1.0, "fallback_national_without_prior", 2024),
        ("person-A5", "national", 1.0, 1.0, "fallback_national_without_prior", 2024),
        ("person-A6", "ks2_mean", 119.5, 119.5, "own_counts", 2024),
    ]


def test_higher_challenge_never_expects_less(connection: psycopg.Connection[Any]) -> None:
    found = _rows(
        connection,
        "select array_agg(expected_points order by challenge desc) from benchmarks.estimate"
        " group by school_id, pupil_key, qualification, subject",
    )
    assert len(found) == len(SCORES) * 4  # mathematics, two of English, science
    assert all(low < middle < high for ((low, middle, high),) in found)


def test_what_nobody_mapped_is_shown(connection: psycopg.Connection[Any]) -> None:
    assert _rows(connection, "select aspect, grade, mapping, results from benchmarks.unmapped_attainment") == [
        ("House points", "any", "aspect not mapped", 1)
    ]
    assert _rows(connection, "select qualification, subject, gap from benchmarks.estimate_gap") == [
        ("not known", "Philately", "subject not mapped")
    ]


def test_summaries_are_the_means_of_the_pupils(connection: psycopg.Connection[Any]) -> None:
    assert _rows(
        connection,
        "select summary.pupils, abs(summary.mean_points - e.mean) < 1e-4, abs(grade_4_percent - e.reached) < 1e-4"
        " from benchmarks.subject_summary as summary cross join ("
        "     select avg(expected_points) as mean, 100 * avg(chances[5]) as reached from benchmarks.estimate"
        "     where subject = 'Mathematics' and challenge = 50) as e"
        " where subject = 'Mathematics' and challenge = 50 and population = 'estimated'",
    ) == [(len(SCORES), True, True)]
    assert _rows(
        connection,
        "select group_value, is_suppressed, suppression_reason from benchmarks.group_summary"
        " where group_name in ('all', 'sex') and challenge = 50 and population = 'estimated' order by 1",
    ) == [("F", True, "small"), ("M", True, "small"), ("all", False, None)]


def test_assessments_stand_beside_the_estimates_of_the_same_pupils(connection: psycopg.Connection[Any]) -> None:
    """All are a third above grade 5 in mathematics; nobody is assessed in another subject, and nobody has a target."""
    assert _rows(
        connection,
        "select subject, source, challenge::int, pupils, mean_points::float8, grade_5_percent::float8"
        " from benchmarks.subject_summary where population <> 'estimated' and source <> 'estimate'",
    ) == [("Mathematics", "current", 0, len(SCORES), 5.33, 100.0)]
    assert _rows(
        connection,
        "select assessed.mean_points = estimated.mean_points from benchmarks.subject_summary as assessed"
        " join benchmarks.subject_summary as estimated using (school_id, subject, source, challenge)"
        " where assessed.population = 'assessed' and estimated.population = 'estimated' and challenge = 50",
    ) == [(True,)]
    assert _rows(
        connection,
        "select attainment8::float8, slots_filled::float8 from benchmarks.group_summary"
        " where source = 'current' and group_name = 'all'",
    ) == [(10.66, 2.0)]


@pytest.mark.parametrize(("suffix", "challenge"), [("", 50), ("_20", 20), ("_5", 5)])
def test_a_metric_is_what_sql_by_hand_says(
    connection: psycopg.Connection[Any], dbt_home: Path, suffix: str, challenge: int
) -> None:
    layer = SemanticLayer(json.loads(semantic_manifest_path(Settings(home=dbt_home)).read_text()))
    names = [f"{name}{suffix}" for name in ("estimates", "expected_points", "mean_expected_points")]
    expected = _rows(
        connection,
        "select p.sex, e.subject, count(*), sum(expected_points), round(sum(expected_points)::numeric / count(*), 4)"
        " from benchmarks.estimate as e join benchmarks.pupil as p using (school_id, pupil_key)"
        f" where challenge = {challenge} group by 1, 2 order by 1, 2",
    )
    assert len(expected) == 8
    found = _rows(connection, layer.sql(names, ("sex", "subject")))
    assert [(*row[:3], pytest.approx(row[3]), row[4]) for row in expected] == found
