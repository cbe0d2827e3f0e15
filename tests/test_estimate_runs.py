"""From a reference to what is in use: everything is kept, nothing is undone, every run can be made again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from typer.testing import CliRunner

from orchestration import estimate_runs
from orchestration.commands import estimates as command
from orchestration.estimate_runs import EstimateRunError
from orchestration.estimates import lookup, shipped
from orchestration.estimates.checking import ReferenceError
from orchestration.estimates.lookup import ESTIMATE_KEY
from orchestration.estimates.recipe import Recipe
from orchestration.estimates.years import ReferenceYearError
from orchestration.settings import Settings
from orchestration.warehouse import calibration_tests
from orchestration.warehouse import estimate_lookups as store
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.estimate_lookups import StoreError

SEEDS = Path(__file__).parents[1] / "dbt_project" / "seeds" / "estimates"
_SUBJECTS = {"Mathematics", "Latin"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped files with a few subjects."""
    made = tmp_path_factory.mktemp("references")
    for path in SEEDS.glob("*.csv"):
        with path.open(newline="") as source, (made / path.name).open("w", newline="") as target:
            rows = csv.DictReader(source)
            writer = csv.DictWriter(target, rows.fieldnames or ())
            writer.writeheader()
            writer.writerows(row for row in rows if row.get("subject", "Latin") in _SUBJECTS)
    return made


@pytest.fixture
def connection(warehouse: Warehouse, folder: Path) -> Iterator[psycopg.Connection[Any]]:
    """A warehouse with what is shipped."""
    with warehouse.connect(autocommit=True) as opened:
        estimate_runs.provide(opened, folder)
        yield opened


def _digest(connection: psycopg.Connection[Any], stage: str) -> str:
    return next(of.digest for of in store.references(connection) if of.stage == stage)


def _rows(connection: psycopg.Connection[Any]) -> tuple[Any, ...] | None:
    return connection.execute(
        "select (select count(*) from estimates.reference), (select count(*) from estimates.lookup_run),"
        " (select count(*) from estimates.lookup), (select count(*) from estimates.lookup_use)"
    ).fetchone()


def test_what_is_shipped_is_made_once_and_put_in_use(connection: psycopg.Connection[Any], folder: Path) -> None:
    assert set(store.in_use(connection)) == {"ks2_ks4", "ks4_ks5", "level3"}
    assert [run.in_use for run in store.runs(connection)] == [True] * 3
    before = _rows(connection)
    assert estimate_runs.provide(connection, folder) == []
    assert _rows(connection) == before


def test_pupils_of_2025_and_2026_have_labelled_estimates(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute(
        "select distinct prior_measure, method, reliability from estimates.lookup"
        " where qualification = 'GCSE' and prior_measure <> 'ks2_mean'"
    ).fetchall()
    assert sorted(found) == [
        ("national", "fallback_national", "low"),
        ("national", "fallback_national_without_prior", "low"),
        ("school", "fallback_school", "low"),
        ("standardised_test", "fallback_standardised_test_assumed", "low"),
    ]


def test_look_ups_are_kept_to_the_last_bit(connection: psycopg.Connection[Any]) -> None:
    for stage, run_id in store.in_use(connection).items():
        found = store.read_reference(connection, _digest(connection, stage))
        built = lookup.build(found, store.run(connection, run_id).recipe).estimates
        kept = store.read_lookup(connection, run_id).estimates
        both = (of.sort_values(ESTIMATE_KEY, ignore_index=True) for of in (built, kept))
        one, other = both
        assert all((one[column] == other[column]).all() for column in one.columns)


def test_a_grade_may_be_called_anything(connection: psycopg.Connection[Any], folder: Path, tmp_path: Path) -> None:
    grade = """9, 'the "best" of \\all'"""
    path = _own(folder, tmp_path / "own.csv", 2026)
    rows = pd.read_csv(path, dtype=str)
    rows.replace({"grade": {"9": grade}}).to_csv(path, index=False)
    loaded, _ = estimate_runs.load(connection, path, loaded_by="alice")
    run, _ = estimate_runs.fit(connection, loaded.digest, Recipe(cohort_year=2027), made_by="alice")
    kept = store.read_lookup(connection, run.run_id).estimates
    assert (kept["estimate_grade"] == grade).any()
    assert all(grades[-1] == grade for grades in kept["grades"])


def test_a_switch_of_the_operators_is_never_undone_and_newer_look_ups_are_offered(
    connection: psycopg.Connection[Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, _ = estimate_runs.fit(connection, _digest(connection, "level3"), Recipe(cohort_year=2030), made_by="alice")
    estimate_runs.use(connection, own.run_id, reason="a later cohort", used_by="alice")
    assert estimate_runs.offered(connection) == []  # what was there when alice switched, she has seen
    first = shipped.recipe
    monkeypatch.setattr(shipped, "recipe", lambda *told: replace(first(*told), levels=(50.0, 10.0)))
    made = estimate_runs.provide(connection, folder)
    assert [run.stage for run in made] == ["ks2_ks4", "ks4_ks5", "level3"]
    assert store.in_use(connection)["level3"] == own.run_id
    assert [run.run_id for run in estimate_runs.offered(connection)] == [run.run_id for run in made]


def test_a_run_is_made_again_from_what_is_kept_and_tampering_is_found(connection: psycopg.Connection[Any]) -> None:
    run_id = store.in_use(connection)["ks2_ks4"]
    run, estimates, differing = estimate_runs.reproduce(connection, run_id[:6])
    assert (run.run_id, differing.empty) == (run_id, True)
    assert estimates > 1000
    connection.execute(
        "update estimates.lookup set chances[2] = chances[2] - 0.001 where run_id = %s and subject = 'Latin'"
        " and level = 'subject' and sex = 'F' and prior_measure = 'ks2_mean' and prior_value = 105.5"
        " and challenge = 20",
        [run_id],
    )
    connection.execute(
        "delete from estimates.lookup where run_id = %s and subject = 'Latin' and level = 'subject' and sex = 'M'"
        " and prior_measure = 'national' and challenge = 5",
        [run_id],
    )
    differing = estimate_runs.reproduce(connection, run_id)[2]
    assert set(differing["column"]) == {"row", "chances"}
    chances = differing[differing["column"] == "chances"]
    assert chances[["subject", "sex", "prior_value", "challenge"]].values.tolist() == [["Latin", "F", 105.5, 20.0]]
    assert set(differing.loc[differing["column"] == "row", "prior_measure"]) == {"national"}


def test_a_run_of_another_version_is_not_called_equal(connection: psycopg.Connection[Any]) -> None:
    run_id = store.in_use(connection)["level3"]
    connection.execute("update estimates.lookup_run set method_version = '0' where run_id = %s", [run_id])
    with pytest.raises(EstimateRunError, match="made by version 0"):
        estimate_runs.reproduce(connection, run_id)


def test_a_reference_that_was_changed_is_found(connection: psycopg.Connection[Any]) -> None:
    digest = _digest(connection, "level3")
    connection.execute(
        "update estimates.reference set content = (select content from estimates.reference where stage = 'ks4_ks5')"
        " where digest = %s",
        [digest],
    )
    with pytest.raises(StoreError, match="they were changed"):
        store.read_reference(connection, digest)


def _own(folder: Path, path: Path, year: int) -> Path:
    """An operator's file: the shipped counts as if of another year."""
    path.write_text((folder / "ks4_grade_count_2024.csv").read_text().replace(",2024,revised,", f",{year},own,"))
    return path


def test_an_operators_file_is_loaded_whole_or_not_at_all(
    connection: psycopg.Connection[Any], folder: Path, tmp_path: Path
) -> None:
    before = _rows(connection)
    path = _own(folder, tmp_path / "own.csv", 2026)
    wrong = path.read_text().replace(",F,80.0,89.5,", ",?,80.0,89.5,", 1)
    (tmp_path / "wrong.csv").write_text(wrong)
    with pytest.raises(ReferenceError, match=r"line \d+, sex"):
        estimate_runs.load(connection, tmp_path / "wrong.csv", loaded_by="alice")
    assert _rows(connection) == before
    kept, is_new = estimate_runs.load(connection, path, loaded_by="alice")
    assert (kept.origin, kept.reference_year, kept.loaded_by, is_new) == ("operator", 2026, "alice", True)
    assert estimate_runs.load(connection, path, loaded_by="bob") == (kept, False)


def test_a_reference_graded_differently_is_refused_or_labelled(
    connection: psycopg.Connection[Any], folder: Path, tmp_path: Path
) -> None:
    kept, _ = estimate_runs.load(connection, _own(folder, tmp_path / "own.csv", 2021), loaded_by="alice")
    before = _rows(connection)
    with pytest.raises(ReferenceYearError, match="2021 is no reference"):
        estimate_runs.fit(connection, kept.digest, Recipe(cohort_year=2027), made_by="alice")
    assert _rows(connection) == before
    accepted = Recipe(cohort_year=2027, accept_graded_differently=True)
    run, _ = estimate_runs.fit(connection, kept.digest, accepted, made_by="alice")
    assert run.caveat == "reference year 2021: teacher assessed grades, no examinations"


def test_switches_need_a_reason_and_stay_on_record(connection: psycopg.Connection[Any]) -> None:
    run, is_new = estimate_runs.fit(
        connection, _digest(connection, "ks4_ks5"), Recipe(cohort_year=2031), made_by="alice"
    )
    assert is_new
    assert estimate_runs.fit(connection, run.reference_digest, run.recipe, made_by="bob") == (run, False)
    with pytest.raises(EstimateRunError, match="Give a reason"):
        estimate_runs.use(connection, run.run_id, reason=" ", used_by="alice")
    now = estimate_runs.use(connection, run.run_id, reason="newer", used_by="alice")
    assert now.in_use
    with pytest.raises(EstimateRunError, match="already"):
        estimate_runs.use(connection, run.run_id, reason="again", used_by="alice")
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        connection.execute("delete from estimates.lookup_use")
    told = connection.execute("select reason, used_by from estimates.lookup_use where stage = 'ks4_ks5'").fetchall()
    assert told == [("The first look-ups of the stage.", "platform"), ("newer", "alice")]


def test_runs_of_two_stages_are_not_compared(connection: psycopg.Connection[Any]) -> None:
    used = store.in_use(connection)
    with pytest.raises(EstimateRunError, match="choose one stage"):
        estimate_runs.compare(connection, used["level3"], used["ks2_ks4"])
    with pytest.raises(StoreError, match="No runs have an id that begins with zz"):
        estimate_runs.compare(connection, "zz")


def test_the_method_is_tested_out_of_time_once(connection: psycopg.Connection[Any], folder: Path) -> None:
    assert estimate_runs.calibrate(connection, folder) == 2
    assert estimate_runs.calibrate(connection, folder) == 0
    scores = calibration_tests.latest_scores(connection)
    gcse = [row for row in scores if row["stage"] == "ks2_ks4" and row["way"] == "model"]
    assert {row["slice"] for row in gcse} == {"all", "subject", "prior attainment", "sex", "disadvantage"}
    assert {(row["fitted_year"], row["scored_year"]) for row in gcse} == {(2023, 2024)}
    forecast = connection.execute(
        "select bin, forecast, observed from estimates.calibration_reliability"
        " join estimates.calibration_test using (test_id) where stage = 'ks2_ks4' and way = 'model' order by bin"
    ).fetchall()
    assert [row[0] for row in forecast] == list(range(1, 11))
    assert all(bin_ / 10 - 0.1 <= mean <= bin_ / 10 for bin_, mean, _ in forecast)


def test_an_operator_loads_compares_switches_and_reproduces(
    warehouse: Warehouse, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(database_url=warehouse.url, home=tmp_path)
    monkeypatch.setattr(command, "get_settings", lambda: settings)
    with warehouse.connect() as opened:
        estimate_runs.provide(opened, folder)
    runner = CliRunner()

    def mis(*told: str) -> str:
        result = runner.invoke(command.app, list(told))
        assert result.exit_code == 0, result.output
        return result.output

    loaded = mis("load", str(_own(folder, tmp_path / "own.csv", 2026)), "--by", "alice")
    digest = loaded.split("mis estimates fit ")[1].split()[0]
    fitted = mis("fit", digest, "--level", "50", "--level", "20", "--by", "alice")
    run_id = fitted.split("mis estimates compare ")[1].split()[0]
    assert "Mathematics" in mis("compare", run_id)
    assert "The marts take it up" in mis("use", run_id, "--reason", "newer figures", "--by", "alice")
    assert f"{run_id}: equal" in mis("reproduce", run_id)
    assert run_id in mis("runs")
    assert "own" in mis("references")
    refused = runner.invoke(command.app, ["fit", digest, "--school-effects", "pool"])
    assert refused.exit_code == 1
    assert "has not been fitted" in refused.stderr
    untested = runner.invoke(command.app, ["calibration"])
    assert untested.exit_code == 1
    with warehouse.connect() as opened:
        estimate_runs.calibrate(opened, folder)
    assert "2023" in mis("calibration", "--by", "sex")
