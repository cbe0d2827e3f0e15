"""Suites are complete and agree with what owns the names in them; a broken one says what to mend."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from quality_tables import EXPECTATIONS, PROJECT, dbt_columns

from orchestration.ingest.categories import CATEGORIES
from orchestration.quality.suites import Suite, SuiteError, load_suite, load_suites

SUITES = {suite.source: suite for suite in load_suites(EXPECTATIONS)}
SEEDS = PROJECT / "dbt_project" / "seeds"


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predicate(rule_id: str) -> str:
    return next(check.predicate for s in SUITES.values() for rule, check in s.row_rules() if rule.rule_id == rule_id)


def quoted(rule_id: str) -> set[str]:
    """The text values in a rule's SQL."""
    return set(re.findall(r"'([^']*)'", predicate(rule_id)))


def test_every_raw_table_has_a_suite_with_the_tables_own_key() -> None:
    for spec in CATEGORIES.values():
        for table in spec.all_tables:
            suite = SUITES[f"expectations/raw/{table.name}.json"]
            assert (suite.stage, suite.relation, suite.table) == ("raw", f"raw.{table.name}", table.name)
            assert suite.key == ("school_id", *table.key)


def test_every_core_and_mart_suite_is_about_a_model() -> None:
    columns = dbt_columns()
    built = [suite for suite in SUITES.values() if suite.stage in ("core", "mart")]
    assert {suite.relation for suite in built} <= set(columns)
    for suite in built:
        assert set(suite.key) <= set(columns[suite.relation])


def test_every_purpose_with_a_schema_has_a_suite() -> None:
    purposes = {folder.name for folder in (PROJECT / "dbt_project" / "models" / "marts").iterdir() if folder.is_dir()}
    assert {folder.name for folder in (EXPECTATIONS / "marts").iterdir()} == purposes


@pytest.mark.parametrize("source", SUITES)
def test_a_suite_file_is_plain_and_readable(source: str) -> None:
    document = json.loads((PROJECT / source).read_text(encoding="utf-8"))
    assert set(document) == {"name", "meta", "expectations"}  # no random ids, no version stamps
    for expectation in document["expectations"]:
        assert set(expectation) == {"type", "kwargs", "severity", "meta"}
        meta = expectation["meta"]
        assert re.fullmatch(r"[A-Z]{3}-\d{3}", meta["id"])
        assert meta["message"].endswith(".")
        assert meta["what_to_do"].endswith(".")
        critical = expectation["severity"] == "critical"
        assert critical or "must" not in meta["message"]  # "must" blocks, "should" warns


@pytest.mark.parametrize("source", SUITES)
def test_great_expectations_reads_the_file_as_its_own_suite(source: str) -> None:
    from great_expectations.core import ExpectationSuite

    import orchestration.quality.expectations  # noqa: F401 - registers our two types

    document = json.loads((PROJECT / source).read_text(encoding="utf-8"))
    suite = ExpectationSuite(**document)
    assert [e.meta["id"] for e in suite.expectations] == [e["meta"]["id"] for e in document["expectations"]]
    assert [e.severity.value for e in suite.expectations] == [e["severity"] for e in document["expectations"]]


def test_the_known_register_codes_are_those_of_the_seed() -> None:
    rows = [row for row in seed("standard_attendance_code") if row["code"] != "?"]  # ? stands for a code not known
    codes = {row["code"] for row in rows}
    assert quoted("ATT-005") == codes
    assert quoted("ACO-004") == codes
    ended = codes - {row["code"] for row in rows if row["valid_to"] > "2024-08-18"}
    begun = codes - {row["code"] for row in rows if row["valid_from"] < "2024-08-19"}
    assert quoted("ATT-007") == ended | {"2024-08-19"}
    assert quoted("ATT-008") == begun | {"2024-08-19"}


def test_other_code_sets_are_those_of_the_seeds() -> None:
    assert quoted("EXC-003") == {row["received"] for row in seed("exclusion_type")}
    assert quoted("EXC-008") == {row["reason_code"] for row in seed("exclusion_reason")}
    assert quoted("DEM-002") == {row["code"] for row in seed("ethnicity") if len(row["code"]) == 4}
    assert quoted("DEM-004") == {row["received"] for row in seed("sen_status") if len(row["received"]) == 1}
    assert quoted("PUP-011") == {row["nc_year"] for row in seed("nc_year")}


def write(folder: Path, **changes: Any) -> Path:
    rule = {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "pupil_id"},
        "severity": "critical",
        "meta": {"id": "PUP-001", "message": "A pupil must have an id.", "owner": "us", "what_to_do": "Mend it."},
    }
    meta = {"title": "Pupils", "stage": "raw", "relation": "raw.pupil", "key": ["school_id", "pupil_id"]}
    document = {"name": "raw_pupil", "meta": meta, "expectations": [rule]} | changes.pop("document", {})
    document["meta"] = {**meta, **changes.pop("meta", {})}
    rule |= changes
    path = folder / "pupil.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_suite_is_read(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path))
    assert isinstance(suite, Suite)
    assert (suite.name, suite.title, suite.key) == ("raw_pupil", "Pupils", ("school_id", "pupil_id"))
    assert suite.rules[0].what_to_do == "Mend it."


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"severity": "fatal"}, "PUP-001: severity must be one of critical, warning, info"),
        ({"severity": None}, "PUP-001: severity must be one of"),
        ({"meta": {}, "document": {"expectations": []}}, "has no expectations"),
        ({"type": "expect_the_best"}, "PUP-001: unknown expectation type"),
        ({"kwargs": {}}, "PUP-001: kwarg column is missing"),
        ({"kwargs": None}, "PUP-001: kwargs is missing"),
        ({"document": {"name": "raw.pupil"}}, "name must not hold a dot"),
        ({"document": {"expectations": ["x"]}}, "rule 1: is not an object"),
        ({"meta": {"stage": "bronze"}}, "meta: stage must be one of raw, batch, core, mart"),
        ({"meta": {"relation": "pupil"}}, "meta: relation must be schema.table"),
        ({"meta": {"key": []}}, "meta: key must be a list of column names"),
        ({"meta": {"title": " "}}, "meta: title is missing"),
        ({"meta": {"where": ""}}, "meta: where is missing"),
        ({"meta": {"where": "pupil_key % 50 = 0"}}, "meta: where must not hold a % sign"),
    ],
)
def test_a_broken_suite_names_the_file_and_what_to_mend(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(SuiteError) as raised:
        load_suite(path)
    assert str(path) in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize("name", ["id", "message", "owner", "what_to_do"])
def test_a_rule_without_its_story_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["expectations"][0]["meta"][name]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SuiteError, match=f"{name} is missing"):
        load_suite(path)


def test_all_troubles_are_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, severity="fatal", kwargs={}, meta={"title": ""})
    with pytest.raises(SuiteError, match=r"severity.*kwarg column.*title"):
        load_suite(path)


def test_ids_are_unique_in_a_suite_and_over_all(tmp_path: Path) -> None:
    path = write(tmp_path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | {"expectations": document["expectations"] * 2}), encoding="utf-8")
    with pytest.raises(SuiteError, match="used twice: PUP-001"):
        load_suite(path)
    path.write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "more").mkdir()
    write(tmp_path / "more")
    with pytest.raises(SuiteError, match="in more than one suite: PUP-001, raw_pupil"):
        load_suites(tmp_path)


def test_a_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SuiteError, match="not valid JSON"):
        load_suite(path)
