"""The seeds by which results and subjects are read, held to the figures that estimates are made from."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from orchestration.estimates import fallback

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
Row = dict[str, str]
#: Stages of which no public figures exist; their names are the platform's own.
WITHOUT_FIGURES = {"ks1_ks2"}


def _seed(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def looked_up() -> dict[tuple[str, str, str], dict[str, float]]:
    """Points of the grades by stage, qualification and subject of the shipped references."""
    found: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for name in ("ks4_grade_count_2024", "ks5_grade_count_2024"):
        for row in _seed(f"estimates/{name}"):
            key = (row["stage"], row["qualification"], row["subject"])
            found[key][row["grade"]] = float(row["points"])
    for row in _seed("estimates/level3_curve_2025"):
        if row["grade"]:
            qualification = f"{row['qualification']} (size {float(row['size']):g}, {row['cohort']})"
            found["level3", qualification, row["subject"]][row["grade"]] = float(row["points"])
    return found


@pytest.fixture(scope="module")
def families() -> set[tuple[str, str]]:
    rows = [*_seed("estimates/ks4_grade_count_2024"), *_seed("estimates/ks5_grade_count_2024")]
    return {(row["qualification"], row["family"]) for row in rows}


@pytest.fixture(scope="module")
def aliases() -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """What the look-ups call a qualification and subject of the platform."""
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for row in _seed("attainment/lookup_alias"):
        found[row["qualification"], row["subject"]].append(
            (row["stage"], row["lookup_qualification"], row["lookup_subject"])
        )
    return found


def _names(
    qualification: str, subject: str, looked_up: dict[tuple[str, str, str], dict[str, float]], aliases: object
) -> list[tuple[str, str, str]]:
    assert isinstance(aliases, dict)
    own = [(stage, qualification, subject) for stage in ("ks2_ks4", "ks4_ks5", "level3")]
    return [key for key in (*aliases.get((qualification, subject), ()), *own) if key in looked_up]


def test_every_alias_is_of_a_look_up(
    looked_up: dict[tuple[str, str, str], dict[str, float]],
    aliases: dict[tuple[str, str], list[tuple[str, str, str]]],
) -> None:
    assert [key for keys in aliases.values() for key in keys if key not in looked_up] == []


def test_every_a_level_of_the_matrices_is_found_in_the_value_added_model(
    looked_up: dict[tuple[str, str, str], dict[str, float]],
    aliases: dict[tuple[str, str], list[tuple[str, str, str]]],
) -> None:
    matrices = {(qualification, subject) for stage, qualification, subject in looked_up if stage == "ks4_ks5"}
    assert matrices == {name for name, keys in aliases.items() if keys[0][0] == "level3"}


def test_a_subject_taught_leads_to_one_that_has_estimates(
    looked_up: dict[tuple[str, str, str], dict[str, float]],
    families: set[tuple[str, str]],
    aliases: dict[tuple[str, str], list[tuple[str, str, str]]],
) -> None:
    unknown = [
        row
        for row in _seed("attainment/taught_subject")
        if row["qualification"]
        and row["stage"] not in WITHOUT_FIGURES
        and not _names(row["qualification"], row["subject"], looked_up, aliases)
        and (row["qualification"], row["family"]) not in families
    ]
    assert unknown == []


def test_a_subject_taught_is_given_once_and_whole() -> None:
    rows = _seed("attainment/taught_subject")
    key = Counter(
        (row["laestab"], row["taught_subject"].lower(), row["key_stage"], row["qualification"], row["subject"])
        for row in rows
    )
    assert [name for name, times in key.items() if times > 1] == []
    assert all(bool(row["stage"]) == bool(row["qualification"]) == bool(row["subject"]) for row in rows)


def test_results_of_examinations_are_on_the_scale_of_their_estimates(
    looked_up: dict[tuple[str, str, str], dict[str, float]],
    aliases: dict[tuple[str, str], list[tuple[str, str, str]]],
) -> None:
    scales: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _seed("attainment/grade_scale"):
        if row["points"] and row["valid_to"] == "9999-12-31":
            scales[row["scale"]][row["grade"]] = float(row["points"])
    compared = 0
    for row in _seed("attainment/attainment_aspect"):
        if row["kind"] != "statutory" or row["stage"] not in {"ks4", "ks5"} or row["scale"] == "technical_award":
            continue
        names = _names(row["qualification"], row["subject"], looked_up, aliases)
        assert names, row
        for name in names:
            assert looked_up[name].items() <= scales[row["scale"]].items(), (row, looked_up[name])
            compared += 1
    assert compared > 500


def test_aspects_that_are_the_same_to_the_reader_are_given_once() -> None:
    names = Counter((row["laestab"], row["aspect"].lower()) for row in _seed("attainment/attainment_aspect"))
    assert [name for name, times in names.items() if times > 1] == []


def test_a_mock_is_no_examination() -> None:
    """A pattern may not take in what stands between its words."""
    statutory = [row["aspect"] for row in _seed("attainment/attainment_aspect") if row["kind"] == "statutory"]
    like = [re.compile(re.escape(aspect).replace("%", ".*"), re.IGNORECASE) for aspect in statutory]
    for mock in ("GCSE Mathematics mock", "GCSE mock Mathematics", "KS2 Reading mock", "A level Biology mock"):
        assert not any(pattern.fullmatch(mock) for pattern in like), mock


def test_points_rise_along_a_scale_at_any_time() -> None:
    scales: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in _seed("attainment/grade_scale"):
        assert bool(row["ordinal"]) or not row["points"], row
        assert row["is_no_result"] == "false" or not row["points"], row
        if row["points"]:
            for day in ("2016-08-25", "2025-08-21"):
                if row["valid_from"] <= day <= row["valid_to"]:
                    scales[row["scale"], day].append(row)
    for name, rows in scales.items():
        rows.sort(key=lambda row: int(row["ordinal"]))
        assert all(float(low["points"]) <= float(high["points"]) for low, high in pairwise(rows)), name
        assert len({row["grade"].upper() for row in rows}) == len(rows), name


def test_outcomes_below_the_ks2_test_have_their_nominal_scores() -> None:
    """Methodology 2.1.4: N is 79, not 80; the pre-key-stage judgements are as in 2016 and 2017."""
    nominal = {
        (row["grade"], row["valid_to"][:4]): row["points"]
        for row in _seed("attainment/grade_scale")
        if row["scale"] == "ks2_test" and row["points"] and float(row["points"]) < 80
    }
    assert nominal == {
        ("N", "9999"): "79",
        ("BLW", "2016"): "70",
        ("BLW", "9999"): "71",
        ("PKF", "9999"): "73",
        ("PKE", "9999"): "76",
        ("PKG", "9999"): "79",
    }


def test_every_spelling_is_of_a_grade_and_not_one_itself() -> None:
    grades = {(row["scale"], row["grade"].upper()) for row in _seed("attainment/grade_scale")}
    for row in _seed("attainment/grade_spelling"):
        assert (row["scale"], row["grade"].upper()) in grades, row
        assert (row["scale"], row["received"].upper()) not in grades, row


def test_measures_are_chosen_in_the_order_of_the_engine() -> None:
    macro = (SEEDS.parent / "macros" / "attainment.sql").read_text(encoding="utf-8")
    body = macro.split("macro prior_measures()")[1].split("endmacro")[0]
    order = re.findall(r"'(\w+)'", body)
    assert [measure for measure in order if measure in fallback.ORDER] == list(fallback.ORDER)
    assert set(order) - set(fallback.ORDER) == {"ks4_mean", "ks1_mean"}
