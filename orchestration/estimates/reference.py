"""An operator's or the department's reference: counts of grades by prior attainment, read from a file and checked.

The format (one row per subject, sex, band of prior attainment and grade; rows of no pupils may be left out) is
described in docs/estimates.md. The shipped references have the same format and come through the same door.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from orchestration.estimates.priors import SCALES, PriorError

COLUMNS = (
    "stage",
    "reference_year",
    "release",
    "source",
    "qualification",
    "family",
    "subject",
    "sex",
    "prior_from",
    "prior_to",
    "grade",
    "points",
    "pupils",
)
SEXES = ("F", "M", "all")
_TEXT = ("release", "source", "qualification", "family", "subject", "grade")
_KEY = ["qualification", "subject", "sex", "prior_from", "prior_to", "grade"]
_FIRST_YEAR = 2017  # of grades 9 to 1
_SHOWN = 20


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong with one row: its line in the file (the heading is line 1), the column, what to do."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


class ReferenceError(ValueError):
    """A reference that cannot be used. ``problems`` has every row's fault, in the order of the file."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        lines = "\n".join(str(problem) for problem in self.problems[:_SHOWN])
        super().__init__(f"{name} cannot be used as a reference; nothing was loaded.\n{lines}{more}")


@dataclass(frozen=True)
class Reference:
    """Counts of one stage, one year and one release: the rows in canonical order, and a digest of them."""

    stage: str
    year: int
    release: str
    source: str
    rows: pd.DataFrame
    digest: str


def read(path: Path) -> Reference:
    """Read a reference from a CSV or Parquet file.

    Raises:
        ReferenceError: the file does not have the format; every fault is named by line and column.
    """
    parquet = path.suffix == ".parquet"
    return check(_parquet(path) if parquet else pd.read_csv(path, dtype=str, keep_default_na=False), path.name)


def check(frame: pd.DataFrame, name: str) -> Reference:
    """Check rows in the format of a reference and put them into canonical order.

    Raises:
        ReferenceError: as ``read``.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    unknown = [str(column) for column in frame.columns if column not in COLUMNS]
    heading = [Problem(1, column, "The column is missing; add it.") for column in missing]
    heading += [Problem(1, column, "This is no column of a reference; remove it.") for column in unknown]
    if not heading and frame.empty:
        heading = [Problem(1, "pupils", "The file has no rows.")]
    if heading:
        raise ReferenceError(name, heading)
    text = frame.loc[:, list(COLUMNS)].reset_index(drop=True).map(_as_text)
    problems = _cells(text)
    if problems:  # rows are compared with each other only when each can be read
        raise ReferenceError(name, problems)
    typed = _typed(text)
    problems = [problem for rule in _RULES for problem in rule(typed)]
    if problems:
        raise ReferenceError(name, problems)
    return _reference(typed)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        import duckdb
    except ImportError as error:
        raise ReferenceError(
            path.name, [Problem(1, "file", "Reading Parquet needs the package duckdb: install it, or give a CSV file.")]
        ) from error
    with duckdb.connect() as connection:
        found: pd.DataFrame = connection.read_parquet(str(path)).df()
    return found


def _as_text(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip()


def _number(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if found - found == 0 else None  # neither infinite nor NaN


def _whole(value: str) -> bool:
    found = _number(value)
    return found is not None and found >= 0 and found == int(found)


def _cells(text: pd.DataFrame) -> list[Problem]:
    """Faults of single cells."""
    problems: list[Problem] = []

    def look(column: str, holds: Callable[[str], bool], message: str) -> None:
        wrong = ~text[column].map(holds)
        problems.extend(
            Problem(int(line) + 2, column, f"{message} Found {text.at[line, column]!r}.") for line in text.index[wrong]
        )

    look("stage", SCALES.__contains__, f"Must be one of {', '.join(SCALES)}.")
    look("reference_year", lambda v: _whole(v) and float(v) >= _FIRST_YEAR, f"Must be a year from {_FIRST_YEAR} on.")
    look("sex", SEXES.__contains__, f"Must be one of {', '.join(SEXES)}.")
    look("points", lambda v: (_number(v) or 0.0) >= 0 and _number(v) is not None, "Must be a number, 0 or more.")
    look("pupils", _whole, "Must be a whole number of pupils: leave out subjects with suppressed counts.")
    for column in _TEXT:
        look(column, bool, "Must not be empty.")
    for column in ("prior_from", "prior_to"):
        look(column, lambda v: v == "" or _number(v) is not None, "Must be a number, or empty for pupils without one.")
    return problems


def _typed(text: pd.DataFrame) -> pd.DataFrame:
    typed = text.copy()
    for column in ("reference_year", "pupils"):
        typed[column] = text[column].astype(float).astype("int64")
    for column in ("points", "prior_from", "prior_to"):
        typed[column] = pd.to_numeric(text[column])
    return typed


def _at(rows: pd.DataFrame, wrong: pd.Series[bool], column: str, message: str) -> list[Problem]:
    return [Problem(int(line) + 2, column, message) for line in rows.index[wrong]]


def _one_release(rows: pd.DataFrame) -> list[Problem]:
    return [
        problem
        for column in ("stage", "reference_year", "release", "source")
        for problem in _at(
            rows,
            rows[column] != rows[column].iloc[0],
            column,
            f"Differs from the first row ({rows[column].iloc[0]}): one file holds one release of one year.",
        )
    ]


def _no_duplicates(rows: pd.DataFrame) -> list[Problem]:
    return _at(
        rows, rows.duplicated(_KEY), "grade", "The same subject, sex, band and grade stand in an earlier row; add them."
    )


def _sexes_once(rows: pd.DataFrame) -> list[Problem]:
    several = rows.groupby(["qualification", "subject"])["sex"].transform("nunique") > 1
    message = "The subject has F or M too: its pupils would count twice; remove."
    return _at(rows, several & (rows["sex"] == "all"), "sex", message)


def _consistent(rows: pd.DataFrame) -> list[Problem]:
    families = rows.groupby(["qualification", "subject"])["family"].transform("first") != rows["family"]
    points = rows.groupby(["qualification", "grade"])["points"].transform("first") != rows["points"]
    grades = rows.groupby(["qualification", "points"])["grade"].transform("first") != rows["grade"]
    return [
        *_at(rows, families, "family", "The subject has another family in an earlier row."),
        *_at(rows, points, "points", "The grade has other points in an earlier row."),
        *_at(
            rows, grades, "grade", "Another grade of the qualification has the same points: their order is not known."
        ),
    ]


def _bands(rows: pd.DataFrame) -> list[Problem]:
    scale = SCALES[str(rows["stage"].iloc[0])]
    half = rows["prior_from"].isna() != rows["prior_to"].isna()
    problems = _at(
        rows, half, "prior_to", "Give both ends of the band, or neither for pupils without prior attainment."
    )
    bands = rows.loc[rows["prior_from"].notna() & ~half].drop_duplicates(["prior_from", "prior_to"])
    taken: dict[int, str] = {}
    for line, lowest, highest in zip(bands.index, bands["prior_from"], bands["prior_to"], strict=True):
        try:
            points = scale.within(lowest, highest)
        except PriorError as error:
            problems.append(Problem(int(line) + 2, "prior_from", str(error)))
            continue
        others = {taken.setdefault(point, f"{lowest} to {highest}") for point in range(points.start, points.stop)}
        problems += [
            Problem(int(line) + 2, "prior_from", f"The band {lowest} to {highest} overlaps the band {other}.")
            for other in sorted(others - {f"{lowest} to {highest}"})
        ]
    if bands.empty and not problems:
        problems.append(Problem(2, "prior_from", "No row has prior attainment: there is nothing to estimate from."))
    return problems


_RULES: tuple[Callable[[pd.DataFrame], list[Problem]], ...] = (
    _one_release,
    _no_duplicates,
    _sexes_once,
    _consistent,
    _bands,
)


def _reference(typed: pd.DataFrame) -> Reference:
    rows = typed.loc[typed["pupils"] > 0]
    rows = rows.sort_values(["qualification", "subject", "sex", "prior_from", "points"]).reset_index(drop=True)
    first = typed.iloc[0]
    canonical = rows.to_csv(index=False, float_format="%.6f").encode()
    return Reference(
        stage=str(first["stage"]),
        year=int(first["reference_year"]),
        release=str(first["release"]),
        source=str(first["source"]),
        rows=rows,
        digest=hashlib.sha256(canonical).hexdigest(),
    )
