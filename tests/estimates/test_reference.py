"""A reference is taken whole or not at all, and every fault is named by line and column."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.estimates import counts, files, reference
from orchestration.estimates.checking import ReferenceError
from orchestration.estimates.reference import CountReference

_GOOD = pd.DataFrame(
    [
        ("ks2_ks4", 2025, "final", "A pool", "GCSE", "Languages", "Welsh", sex, low, high, grade, points, 40 + points)
        for sex in ("F", "M")
        for low, high in ((80, 99.5), (100, 120), ("", ""))
        for grade, points in (("U", 0), ("4", 4), ("9", 9))
    ],
    columns=list(reference.COLUMNS),
).astype(str)


def _problems(frame: pd.DataFrame) -> list[tuple[int, str]]:
    with pytest.raises(ReferenceError) as caught:
        reference.check(frame, "pool.csv")
    return [(problem.line, problem.column) for problem in caught.value.problems]


def _with(line: int, column: str, value: str) -> pd.DataFrame:
    frame = _GOOD.copy()
    frame.loc[line - 2, column] = value
    return frame


def test_a_good_file_is_counted_as_it_stands() -> None:
    found = reference.check(_GOOD, "pool.csv")
    (qualification,) = counts.counts(found)
    assert (found.year, found.release, qualification.sexes, qualification.grades) == (
        2025, "final", ("F", "M"), ("U", "4", "9"),
    )  # fmt: skip
    assert qualification.pupils.shape == (1, 2, 2, 3)
    assert qualification.pupils.sum() == 2 * 2 * (40 + 44 + 49)
    assert qualification.without_prior.sum() == 2 * (40 + 44 + 49)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stage", "ks1_ks2"),
        ("reference_year", "2025-26"),
        ("reference_year", "2010"),
        ("sex", "girls"),
        ("points", "-1"),
        ("points", "nan"),
        ("pupils", "c"),
        ("pupils", "3.5"),
        ("release", ""),
        ("subject", " "),
        ("prior_from", "low"),
        ("prior_from", "125"),
        ("prior_to", ""),
        ("release", "revised"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(column: str, value: str) -> None:
    assert (4, "prior_to" if value == "" and column == "prior_to" else column) in _problems(_with(4, column, value))


def test_all_faults_are_told_at_once() -> None:
    frame = _with(3, "pupils", "x")
    frame.loc[6, "sex"] = "?"
    assert _problems(frame) == [(3, "pupils"), (8, "sex")]


def test_rows_that_contradict_each_other_are_refused() -> None:
    assert (20, "grade") in _problems(pd.concat([_GOOD, _GOOD.iloc[[0]]], ignore_index=True))
    assert (10, "points") in _problems(_with(10, "points", "8.5"))
    assert (10, "family") in _problems(_with(10, "family", "Celtic"))
    assert (3, "grade") in _problems(_with(3, "points", "0"))
    both = pd.concat([_GOOD, _GOOD.iloc[[0]].assign(sex="all")], ignore_index=True)
    assert _problems(both) == [(20, "sex")]


def test_overlapping_bands_are_refused() -> None:
    frame = pd.concat([_GOOD, _GOOD.iloc[[0]].assign(prior_from="95", prior_to="105")], ignore_index=True)
    assert set(_problems(frame)) == {(20, "prior_from")}


def test_columns_are_checked_first() -> None:
    assert _problems(_GOOD.drop(columns="release").assign(rank="1")) == [(1, "rank"), (1, "release")]
    assert _problems(_GOOD.iloc[:0]) == [(1, "pupils")]


def test_a_file_that_holds_no_pupil_with_prior_attainment_is_refused() -> None:
    assert _problems(_GOOD.assign(pupils="0")) == [(2, "prior_from")]


@pytest.mark.parametrize("name", ["pool.csv", "pool.parquet"])
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReferenceError, match="line 1, file: It cannot be read"):
        files.read(tmp_path / name)


def test_what_is_kept_of_a_reference_gives_it_back(ks4_2024: CountReference) -> None:
    again = files.restore(ks4_2024.canonical)
    assert again.digest == ks4_2024.digest
    assert (again.stage, again.year, again.pupils) == ("ks2_ks4", 2024, ks4_2024.pupils)


def test_the_message_says_what_to_do() -> None:
    with pytest.raises(ReferenceError, match=r"nothing was loaded.\nline 4, pupils: Must be a whole number"):
        reference.check(_with(4, "pupils", "c"), "pool.csv")


def test_csv_and_parquet_are_the_same_reference(tmp_path: Path) -> None:
    _GOOD.to_csv(tmp_path / "pool.csv", index=False)
    with duckdb.connect() as connection:
        connection.execute(f"copy (from _GOOD) to '{tmp_path / 'pool.parquet'}' (format parquet)")
    assert files.read(tmp_path / "pool.csv").digest == files.read(tmp_path / "pool.parquet").digest


def test_the_order_of_rows_does_not_matter(ks4_2024: CountReference) -> None:
    shuffled = _GOOD.sample(frac=1, random_state=1)
    assert reference.check(shuffled, "a").digest == reference.check(_GOOD, "b").digest
    assert reference.check(shuffled, "a").digest != ks4_2024.digest
