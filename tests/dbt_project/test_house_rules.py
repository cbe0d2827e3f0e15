from __future__ import annotations

import copy
import csv
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import house_rules
import pytest

from orchestration.ingest.categories import CATEGORIES, Purpose

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"


@pytest.mark.parametrize(
    "rule",
    [
        house_rules.forbidden_categories,
        house_rules.wrong_steps,
        house_rules.views_over_other_schemas,
        house_rules.undescribed,
        house_rules.without_contract,
        house_rules.named_constraints,
        house_rules.incremental_keys_without_school,
        house_rules.snapshots_that_forget,
        house_rules.not_imported,
        house_rules.star_at_the_end,
        house_rules.hard_to_distribute,
    ],
)
def test_the_project_keeps_the_rule(manifest: dict[str, Any], rule: Any) -> None:
    assert rule(manifest) == []


def test_a_mart_that_reaches_a_forbidden_category_is_found_with_the_way_to_it(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    doctored["nodes"]["model.mis.school_day"]["depends_on"]["nodes"].append("model.mis.teaching_group")
    found = house_rules.forbidden_categories(doctored)
    assert (
        "attendance__school_day (attendance) reads timetable: attendance__school_day <- school_day <- teaching_group"
        " <- stg_teaching_group <- teaching_group"
    ) in found
    assert not any("provisioning" in line for line in found)


def test_a_mart_that_reaches_a_forbidden_category_through_a_fitted_model_is_found(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    fit = next(node for node in doctored["sources"].values() if node["name"] == "risk_coefficient")
    fit["config"]["meta"]["fitted_from"].append("result")
    found = house_rules.forbidden_categories(doctored)
    assert any(
        line.startswith("attendance__pupil_outlook (attendance) reads assessment")
        and "risk_coefficient <- result" in line
        for line in found
    )


def test_provisioning_may_not_read_pupils_nor_pupil_marts_staff(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    doctored["nodes"]["model.mis.provisioning__staff"]["depends_on"]["nodes"].append("model.mis.pupil")
    doctored["nodes"]["model.mis.tracking__pupil"]["depends_on"]["nodes"].append("model.mis.staff")
    found = house_rules.forbidden_categories(doctored)
    assert sorted(line.split(":")[0] for line in found) == [
        "provisioning__staff (provisioning) reads basic",
        "tracking__pupil (tracking) reads staff",
    ]


def test_a_mart_that_reads_staging_or_another_purpose_is_found(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    doctored["nodes"]["model.mis.tracking__pupil"]["depends_on"]["nodes"] += [
        "model.mis.stg_pupil",
        "model.mis.benchmarks__pupil",
    ]
    assert house_rules.wrong_steps(doctored) == [
        "tracking__pupil reads stg_pupil",
        "tracking__pupil reads benchmarks__pupil",
    ]


@pytest.mark.parametrize(
    ("rule", "raw_code"),
    [
        (house_rules.not_imported, "with\n\na as (\n\n    select 1\n\n)\n\nselect b.x from {{ ref('pupil') }} as b"),
        (house_rules.star_at_the_end, "with\n\na as (\n\n    select * from {{ ref('pupil') }}\n\n)\n\nselect * from a"),
        (house_rules.hard_to_distribute, "select x from a group by grouping sets ((x), ())"),
    ],
)
def test_sql_that_breaks_a_rule_is_found(manifest: dict[str, Any], rule: Any, raw_code: str) -> None:
    doctored = copy.deepcopy(manifest)
    doctored["nodes"]["model.mis.provisioning__staff"]["raw_code"] = raw_code
    assert rule(doctored) == ["provisioning__staff"]


def test_a_snapshot_that_loses_withdrawn_schools_is_found(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    node = doctored["nodes"]["snapshot.mis.snapshot__pupil_upn"]
    node["depends_on"]["nodes"].append("source.mis.ops.school")
    assert house_rules.snapshots_that_forget(doctored) == ["snapshot__pupil_upn"]


def test_a_mart_that_reads_what_the_platform_remembers_is_found(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    doctored["nodes"]["model.mis.tracking__pupil"]["depends_on"]["nodes"].append("snapshot.mis.snapshot__pupil_status")
    assert house_rules.wrong_steps(doctored) == ["tracking__pupil reads snapshot__pupil_status"]


def test_a_table_without_key_or_description_is_found(manifest: dict[str, Any]) -> None:
    doctored = copy.deepcopy(manifest)
    node = doctored["nodes"]["model.mis.attendance__pupil_year"]
    node["constraints"] = []
    node["columns"]["year_group"]["description"] = ""
    assert house_rules.without_contract(doctored) == ["attendance__pupil_year: no primary key"]
    assert house_rules.undescribed(doctored) == ["attendance__pupil_year.year_group"]


def test_every_raw_table_is_a_source_of_its_category_with_one_staging_view(manifest: dict[str, Any]) -> None:
    declared = {table.name: spec.category.value for spec in CATEGORIES.values() for table in spec.all_tables}
    sources = {node["name"]: node for node in manifest["sources"].values() if node["source_name"] == "raw"}
    assert {name: node["config"]["meta"]["category"] for name, node in sources.items()} == declared
    staged = {
        parent: node["name"]
        for node in house_rules.models(manifest)
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("source.mis.raw.")
    }
    assert staged == {node["unique_id"]: f"stg_{name}" for name, node in sources.items()}


def test_every_mart_is_built_in_the_schema_of_its_purpose(manifest: dict[str, Any]) -> None:
    marts = [node for node in house_rules.models(manifest) if house_rules.stage(node) == "marts"]
    assert {node["schema"] for node in marts} == {f"build_{purpose.value}" for purpose in Purpose}
    for node in marts:
        assert node["schema"] == f"build_{house_rules.purpose(node)}"
        assert node["name"] == f"{house_rules.purpose(node)}__{node['alias']}"
        assert node["config"]["group"] == house_rules.purpose(node)


def test_names_and_upn_stand_in_the_name_tables_alone(manifest: dict[str, Any]) -> None:
    identifying = {
        "forename",
        "surname",
        "legal_forename",
        "legal_surname",
        "upn",
        "upi",
        "person_id",
        "date_of_birth",
        "pupil_id",
    }
    assert {
        node["alias"]
        for node in house_rules.models(manifest)
        if house_rules.stage(node) == "marts"
        and house_rules.purpose(node) != Purpose.PROVISIONING
        and identifying & set(node["columns"])
    } == {"pupil_name"}


def test_every_measure_is_expected_by_a_unit_test(manifest: dict[str, Any]) -> None:
    tests = manifest["unit_tests"].values()
    for model in ("pupil_day", "pupil_term", "pupil_year", "school_week", "school_year"):
        node = manifest["nodes"][f"model.mis.attendance__{model}"]
        expected: set[str] = set()
        for test in tests:
            if test["model"] == node["name"]:
                expected |= {column for row in test["expect"]["rows"] for column in row}
        # Longer periods sum the counts of days; what they add are rates, head counts and thresholds.
        endings = ("_sessions",) if model == "pupil_day" else ("_rate", "_enrolments", "_absent")
        measures = {name for name in node["columns"] if name.endswith(endings)}
        assert measures <= expected, model


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_code_has_one_meaning_on_any_date() -> None:
    spans: dict[str, list[tuple[date, date]]] = {}
    for row in _seed("standard_attendance_code"):
        span = (date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_to"]))
        spans.setdefault(row["code"], []).append(span)
    for code, dates in spans.items():
        dates.sort()
        assert all(first <= last for first, last in dates), code
        assert all(earlier[1] < later[0] for earlier, later in pairwise(dates)), code


def test_half_terms_cover_every_day_of_the_years_they_are_given_for() -> None:
    rows = _seed("half_term")
    for before, after in pairwise(rows):
        assert date.fromisoformat(after["starts_on"]) == date.fromisoformat(before["ends_on"]) + timedelta(days=1)
    assert [row["half_term"] for row in rows] == [str(number) for _ in range(len(rows) // 6) for number in range(1, 7)]


def test_national_rates_are_complete_and_agree_with_each_other() -> None:
    rates = {
        (row["academic_year"], row["national_phase"], row["measure"]): float(row["rate"])
        for row in _seed("national_attendance")
    }
    assert len(rates) == 3 * 4 * 5
    for (year, phase, measure), rate in rates.items():
        if measure == "absence_rate":
            assert rate + rates[year, phase, "attendance_rate"] == pytest.approx(100, abs=2e-6)
            parts = rates[year, phase, "authorised_rate"] + rates[year, phase, "unauthorised_rate"]
            assert rate == pytest.approx(parts, abs=2e-6)
    # Published totals, methodology 3.6.
    assert rates["202425", "Total", "absence_rate"] == pytest.approx(6.8702, abs=5e-5)
    assert rates["202324", "Total", "persistent_absence_rate"] == pytest.approx(20.6567, abs=5e-5)
