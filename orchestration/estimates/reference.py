"""An operator's or the department's reference: counts of grades by prior attainment, checked.

The format (one row per subject, sex, band of prior attainment and grade; rows of no pupils may be left out) is
described in docs/estimates.md. The shipped references have the same format and come through the same door.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from orchestration.estimates.checking import (
    FIRST_YEAR,
    Cells,
    Problem,
    as_text,
    at,
    faults,
    not_negative,
    number,
    one_release,
    refuse,
    whole,
)
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
_NUMBER_OR_EMPTY: Final = (
    lambda value: value == "" or number(value) is not None,
    "Must be a number, or empty for pupils without one.",
)
_CELLS: Final[Cells] = {
    "stage": (SCALES.__contains__, f"Must be one of {', '.join(SCALES)}."),
    "reference_year": (lambda v: whole(v) and float(v) >= FIRST_YEAR, f"Must be a year from {FIRST_YEAR} on."),
    "sex": (SEXES.__contains__, f"Must be one of {', '.join(SEXES)}."),
    "points": (not_negative, "Must be a number, 0 or more."),
    "pupils": (whole, "Must be a whole number of pupils: leave out subjects with suppressed counts."),
    **dict.fromkeys(_TEXT, (bool, "Must not be empty.")),
    "prior_from": _NUMBER_OR_EMPTY,
    "prior_to": _NUMBER_OR_EMPTY,
}


@dataclass(frozen=True)
class CountReference:
    """Counts of one stage, one year and one release: the rows in canonical order, also as CSV, and a digest of it."""

    stage: str
    year: int
    release: str
    source: str
    rows: pd.DataFrame
    canonical: bytes
    digest: str

    @property
    def pupils(self) -> int:
        """Results behind it."""
        return int(self.rows["pupils"].sum())


def check(frame: pd.DataFrame, name: str) -> CountReference:
    """Check rows in the format of a reference and put them into canonical order.

    Raises:
        ReferenceError: the rows do not have the format; every fault is named by line and column.
    """
    text = as_text(frame, COLUMNS, name)
    refuse(name, faults(text, _CELLS))  # rows are compared with each other only when each can be read
    typed = _typed(text)
    refuse(name, [problem for rule in _RULES for problem in rule(typed)])
    return _reference(typed)


def _typed(text: pd.DataFrame) -> pd.DataFrame:
    typed = text.copy()
    for column in ("reference_year", "pupils"):
        typed[column] = text[column].astype(float).astype("int64")
    for column in ("points", "prior_from", "prior_to"):
        typed[column] = pd.to_numeric(text[column])
    return typed


def _no_duplicates(rows: pd.DataFrame) -> list[Problem]:
    return at(
        rows, rows.duplicated(_KEY), "grade", "The same subject, sex, band and grade stand in an earlier row; add them."
    )


def _sexes_once(rows: pd.DataFrame) -> list[Problem]:
    several = rows.groupby(["qualification", "subject"])["sex"].transform("nunique") > 1
    message = "The subject has F or M too: its pupils would count twice; remove."
    return at(rows, several & (rows["sex"] == "all"), "sex", message)


def _consistent(rows: pd.DataFrame) -> list[Problem]:
    families = rows.groupby(["qualification", "subject"])["family"].transform("first") != rows["family"]
    points = rows.groupby(["qualification", "grade"])["points"].transform("first") != rows["points"]
    grades = rows.groupby(["qualification", "points"])["grade"].transform("first") != rows["grade"]
    return [
        *at(rows, families, "family", "The subject has another family in an earlier row."),
        *at(rows, points, "points", "The grade has other points in an earlier row."),
        *at(rows, grades, "grade", "Another grade of the qualification has the same points: their order is not known."),
    ]


def _bands(rows: pd.DataFrame) -> list[Problem]:
    scale = SCALES[str(rows["stage"].iloc[0])]
    half = rows["prior_from"].isna() != rows["prior_to"].isna()
    problems = at(rows, half, "prior_to", "Give both ends of the band, or neither for pupils without prior attainment.")
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
    if rows.loc[rows["prior_from"].notna(), "pupils"].sum() == 0 and not problems:
        problems.append(Problem(2, "prior_from", "No pupil has prior attainment: there is nothing to estimate from."))
    return problems


_RULES: tuple[Callable[[pd.DataFrame], list[Problem]], ...] = (
    one_release,
    _no_duplicates,
    _sexes_once,
    _consistent,
    _bands,
)


def _reference(typed: pd.DataFrame) -> CountReference:
    rows = typed.loc[typed["pupils"] > 0]
    rows = rows.sort_values(["qualification", "subject", "sex", "prior_from", "points"]).reset_index(drop=True)
    first = typed.iloc[0]
    canonical = rows.to_csv(index=False, float_format="%.6f").encode()
    return CountReference(
        stage=str(first["stage"]),
        year=int(first["reference_year"]),
        release=str(first["release"]),
        source=str(first["source"]),
        rows=rows,
        canonical=canonical,
        digest=hashlib.sha256(canonical).hexdigest(),
    )
