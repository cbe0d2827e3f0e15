"""The risk model: the same in Python and SQL, reproducible, honest about small pools, calibrated on pupils unseen."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jinja2
import numpy as np
import psycopg
import pytest

from orchestration.estimates.attendance_risk import (
    EVERYBODY,
    FOLDS,
    HELD_OUT_FOLD,
    INPUTS,
    TEST_HELD_OUT,
    TEST_IN_TURN,
    TEST_LATEST_YEAR,
    Examples,
    fit,
    inputs,
    probability,
)
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.risk_fits import latest_use, read_examples, record

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros" / "looking_ahead.sql"
WEEKS = np.arange(2, 38, 2)


def world(pupils: int, years: tuple[int, ...] = (202324, 202425), seed: int = 1) -> Examples:
    """Pupils who each miss sessions at a rate of their own, the same all year; 10 sessions a week, 38 weeks."""
    chance = np.random.default_rng(seed)
    rate = chance.beta(0.9, 11, size=pupils)
    keys = chance.choice(2**47, size=pupils, replace=False)
    rows = []
    last: np.ndarray | None = None
    for year in years:
        missed = chance.binomial(10, rate[:, None], size=(pupils, 38))
        total = missed.sum(axis=1)
        for place, key in enumerate(keys):
            before = -1 if last is None else int(10 * last[place] >= 380)
            for week in WEEKS:
                recent = missed[place, max(0, week - 4) : week]
                counts = (10 * week, missed[place, :week].sum(), 10 * len(recent), recent.sum(), 380)
                phase = "Primary" if place % 2 else "Secondary"
                rows.append((1, key, year, week, phase, *counts, before, 10 * total[place] >= 380))
        last = total
    columns = list(zip(*rows, strict=True))
    numbers = [np.array(column, dtype=np.int64) for column in (*columns[:4], *columns[5:11])]
    return Examples(
        *numbers[:4],
        np.array(columns[4], dtype=np.str_),
        *numbers[4:],
        np.array(columns[11], dtype=np.bool_),
        {"sex": np.where(np.array(columns[1]) % 2 == 0, "F", "M")},
    )


@pytest.fixture(scope="module")
def examples() -> Examples:
    return world(600)


def test_sql_and_python_agree_on_inputs_and_probability(warehouse: Warehouse, examples: Examples) -> None:
    macros = jinja2.Environment(autoescape=False).from_string(MACROS.read_text()).module  # noqa: S701
    edges = replace(
        examples[np.arange(len(examples)) < 6],
        possible=np.array([20, 20, 379, 379, 100, 90]),
        absence=np.array([0, 20, 379, 0, 10, 9]),
        expected_possible=np.array([380, 21, 380, 380, 380, 95]),
        recent_possible=np.array([0, 20, 0, 40, 40, 10]),
        recent_absence=np.array([0, 20, 0, 0, 40, 1]),
        was_persistent=np.array([-1, 0, 1, 1, 0, -1]),
        groups={},
    )
    model = fit(examples).models[EVERYBODY]
    for sample in (examples[examples.week_number == 12], edges):
        values = inputs(sample)
        with warehouse.connect() as connection:
            connection.execute(
                "create temporary table example (place int, possible_sessions int, absence_sessions int,"
                " recent_possible_sessions int, recent_absence_sessions int, expected_possible_sessions int,"
                " was_persistently_absent boolean)"
            )
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into example values (%s, %s, %s, %s, %s, %s, nullif(%s, -1) = 1)",
                    [
                        tuple(map(int, row))
                        for row in zip(
                            range(len(sample)),
                            sample.possible,
                            sample.absence,
                            sample.recent_possible,
                            sample.recent_absence,
                            sample.expected_possible,
                            sample.was_persistent,
                            strict=True,
                        )
                    ],
                )
            named = ", ".join(f"{value!r}::double precision as {name}" for name, value in model.named().items())
            query = (
                f"with input as (select example.place, {macros.risk_inputs('example')} from example),"
                f" fitted as (select {named})"
                " select input.pace, input.pace * input.elapsed, input.missed_last_4_weeks, input.elapsed,"
                " input.persistent_last_year, input.unknown_last_year,"
                f" {macros.risk_probability('fitted', 'input')}"
                " from input cross join fitted order by input.place"
            )
            found = np.array(connection.execute(query.encode()).fetchall(), dtype=np.float64)
        assert np.abs(found[:, : len(INPUTS)] - values).max() < 1e-9
        assert np.abs(found[:, -1] - probability(model, values)).max() < 1e-9


def test_the_inputs_of_a_pupil_computed_by_hand() -> None:
    one = replace(
        world(1, (202425,))[WEEKS == 2],
        possible=np.array([100]),
        absence=np.array([11]),
        recent_possible=np.array([40]),
        recent_absence=np.array([6]),
        expected_possible=np.array([380]),
        was_persistent=np.array([1]),
    )
    # 38 of 380 are the line: 27 more of the 280 that are left.
    pace = np.log(12.2 / 120) - np.log(27 / 280)
    assert inputs(one)[0] == pytest.approx([pace, pace * 100 / 380, 0.15, 100 / 380, 1, 0])


def test_the_same_examples_give_the_same_coefficients_in_another_process(examples: Examples) -> None:
    here = fit(examples)
    assert fit(world(600)) == here
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from test_attendance_risk import world; from orchestration.estimates.attendance_risk import fit;"
        "print({phase: model.named() for phase, model in fit(world(600)).models.items()})"
    )
    there = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)], capture_output=True, text=True, check=True
    ).stdout
    assert there.strip() == str({phase: model.named() for phase, model in here.models.items()})


def test_held_out_pupils_do_not_move_the_model(examples: Examples) -> None:
    turned = replace(
        examples,
        is_persistent=np.where(examples.fold == HELD_OUT_FOLD, ~examples.is_persistent, examples.is_persistent),
    )
    before, after = fit(examples), fit(turned)
    assert before.models == after.models
    tests = [
        next(row.brier for row in fitted.reliability if (row.test, row.slice, row.bin) == (TEST_HELD_OUT, "all", 0))
        for fitted in (before, after)
    ]
    assert tests[1] > 3 * tests[0]


def test_it_is_calibrated_and_better_than_the_base_rate_and_the_naive_rule(examples: Examples) -> None:
    fitted = fit(examples)
    for test in (TEST_HELD_OUT, TEST_IN_TURN, TEST_LATEST_YEAR):
        rows = [row for row in fitted.reliability if row.test == test and row.slice == "all"]
        whole, bins = rows[0], rows[1:]
        assert whole.bin == 0
        assert whole.predictions == sum(row.predictions for row in bins)
        assert whole.brier < whole.brier_over_ten_now < whole.brier_base_rate
        assert whole.predicted_mean == pytest.approx(whole.observed_share, abs=0.05)
        for row in bins:
            assert (row.bin - 1) / 10 <= row.predicted_mean <= row.bin / 10
            # Three standard errors of as many independent pupils, and a little for what the model leaves out.
            error = 3 * np.sqrt(row.predicted_mean * (1 - row.predicted_mean) / row.pupils)
            assert row.predicted_mean == pytest.approx(row.observed_share, abs=error + 0.05), row


def test_each_pupil_is_tested_by_group_and_small_groups_are_left_out(examples: Examples) -> None:
    few = replace(examples, groups={"sex": np.where(examples.pupil_key == examples.pupil_key[0], "M", "F")})
    slices = {(row.test, row.slice, row.slice_value) for row in fit(few).reliability}
    assert (TEST_IN_TURN, "sex", "F") in slices
    assert (TEST_IN_TURN, "phase", "Primary") in slices
    assert not any(value == "M" for _, _, value in slices)


def test_a_phase_with_enough_pupils_has_a_model_of_its_own() -> None:
    fitted = fit(world(1400))
    assert set(fitted.models) == {EVERYBODY, "Primary", "Secondary"}
    assert set(fit(world(600)).models) == {EVERYBODY}


def test_a_pool_that_is_too_small_has_no_model_and_says_why(examples: Examples) -> None:
    nobody = examples[np.zeros(len(examples), dtype=bool)]
    few = world(60)
    one_sided = replace(examples, is_persistent=np.zeros(len(examples), dtype=bool))
    for pool, reason in [
        (nobody, "no school has a completed academic year"),
        (few, "fewer than 200"),
        (one_sided, "0 ended persistently absent, and fewer than 70 of either outcome"),
    ]:
        fitted = fit(pool)
        assert fitted.models == {}
        assert fitted.reliability == ()
        assert fitted.reason is not None
        assert reason in fitted.reason


def test_about_one_pupil_in_five_is_held_out(examples: Examples) -> None:
    shares = [examples[examples.fold == fold].pupils() / examples.pupils() for fold in range(FOLDS)]
    assert sum(shares) == pytest.approx(1)
    assert all(0.13 < share < 0.27 for share in shares)


@pytest.fixture
def core(warehouse: Warehouse, examples: Examples) -> Warehouse:
    """A warehouse with the examples as core holds them, and pupils without characteristics."""
    with warehouse.connect() as connection:
        connection.execute(
            """
            create schema if not exists core;
            create table core.risk_example (school_id int, pupil_key bigint, academic_year int, week_number smallint,
                model_phase text, possible_sessions int, absence_sessions int, recent_possible_sessions int,
                recent_absence_sessions int, expected_possible_sessions int, was_persistently_absent boolean,
                is_persistently_absent boolean);
            create table core.pupil (school_id int, pupil_key bigint, sex text);
            create table core.pupil_characteristics (school_id int, pupil_key bigint, is_fsm6 boolean, sen_status text,
                ethnicity_group text)
            """
        )
        columns = [value for name, value in vars(examples).items() if name != "groups"]
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into core.risk_example values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, nullif(%s, -1) = 1, %s)",
                [tuple(value.item() for value in row) for row in zip(*columns, strict=True)],
            )
        connection.execute(
            "insert into core.pupil select distinct school_id, pupil_key, 'F' from core.risk_example"
            " where pupil_key % 2 = 0"
        )
    return warehouse


def test_fits_are_kept_and_the_one_of_the_present_examples_is_in_use(core: Warehouse) -> None:
    def in_use(connection: psycopg.Connection) -> int:
        row = connection.execute("select fit_id from estimates.risk_fit order by last_used_at desc limit 1").fetchone()
        assert row is not None
        return int(row[0])

    with core.connect(autocommit=True) as connection:
        assert latest_use(connection, read_examples(connection).fingerprint()) is None
        first = record(connection, fit(read_examples(connection)))
        assert in_use(connection) == first
        connection.execute("update core.risk_example set is_persistently_absent = false where absence_sessions = 4")
        second = record(connection, fit(read_examples(connection)))
        assert in_use(connection) == second != first
        connection.execute("delete from core.risk_example where week_number > 2")
        connection.execute("delete from core.risk_example where pupil_key % 2 = 0")
        assert latest_use(connection, read_examples(connection).fingerprint()) is None
        kept = connection.execute("select fit_id, count(*) from estimates.risk_coefficient group by 1 order by 1")
        assert kept.fetchall() == [(first, 7), (second, 7)]


def test_what_is_read_back_is_what_was_written_and_a_sample_is_of_whole_pupils(
    core: Warehouse, examples: Examples
) -> None:
    with core.connect() as connection:
        read = read_examples(connection)
        sample = read_examples(connection, most_pupil_years=300)
    assert len(read) == len(examples)
    assert read.absence.sum() == examples.absence.sum()
    assert set(np.unique(read.groups["sex"])) == {"", "F"}
    assert 0.1 < sample.pupils() / read.pupils() < 0.45
    assert len(sample) == sample.pupils() * 2 * len(WEEKS)
    assert set(np.unique(sample.fold)) == set(range(FOLDS))
