"""Level 3 value added: the department's curves of expected points after 16, and distributions with their means.

Methodology section 2.6 [H]: a curve of up to 22 knots for each qualification and subject, linear between them. The
department publishes the mean and the standard deviation of value added, not grades by prior attainment; outside the A
level matrices a distribution is therefore a normal curve cut at the grades' points, moved until its mean is the
department's (an assumption [L], and labelled so).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.estimates.checking import (
    FIRST_YEAR,
    Cells,
    Problem,
    as_text,
    at,
    faults,
    number,
    one_release,
    refuse,
    whole,
)
from orchestration.estimates.errors import EstimateError
from orchestration.estimates.priors import FloatArray

STAGE = "level3"
METHOD = "level3_mean_and_deviation"
#: Value added is told in grades by dividing points by size and by this, but for technical certificates [H].
POINTS_A_GRADE = 10.0
_NOT_DIVIDED = "Technical certificate"
_HALVINGS = 60


class Level3Error(EstimateError):
    """A curve that cannot give what is asked of it; the message names the qualification."""


COLUMNS = (
    "stage",
    "reference_year",
    "release",
    "source",
    "qual_id",
    "cohort",
    "qualification",
    "subject",
    "size",
    "pupils",
    "va_sd",
    "prior_points",
    "expected_points",
    "grade",
    "points",
)
_OF_THE_CURVE = ("cohort", "qualification", "subject", "size", "pupils", "va_sd")
_NUMBERS = ("size", "va_sd", "prior_points", "expected_points", "points")
_POSITIVE: Final = (lambda value: (number(value) or 0) > 0, "Must be a number above 0.")
_NUMBER_OR_EMPTY: Final = (lambda value: value == "" or number(value) is not None, "Must be a number, or empty.")
_CELLS: Final[Cells] = {
    "stage": (STAGE.__eq__, f"Must be {STAGE}."),
    "reference_year": (lambda v: whole(v) and float(v) >= FIRST_YEAR, f"Must be a year from {FIRST_YEAR} on."),
    "qual_id": (whole, "Must be a whole number, the curve's."),
    "pupils": (lambda v: whole(v) and float(v) > 0, "Must be a whole number of pupils above 0."),
    **dict.fromkeys(("release", "source", "cohort", "qualification", "subject"), (bool, "Must not be empty.")),
    "size": _POSITIVE,
    "va_sd": _POSITIVE,
    "prior_points": _NUMBER_OR_EMPTY,
    "expected_points": _NUMBER_OR_EMPTY,
    "points": _NUMBER_OR_EMPTY,
}


@dataclass(frozen=True)
class Curve:
    """One qualification and subject of the department's model.

    Attributes:
        qual_id: The department's number of qualification, subject and cohort.
        cohort: A level, Academic, Applied general, Tech level ...
        pupils: Cases behind the curve.
        va_sd: Standard deviation of value added, in grades.
        prior: Knots: mean KS4 points.
        expected: Knots: points of the qualification.
        grades: Lowest first; empty where the scale is not one of grades.
        points: Points of the grades.
    """

    qual_id: int
    cohort: str
    qualification: str
    subject: str
    size: float
    pupils: int
    va_sd: float
    prior: FloatArray
    expected: FloatArray
    grades: tuple[str, ...]
    points: FloatArray

    def estimate(self, prior: npt.ArrayLike) -> FloatArray:
        """Expected points; NaN outside the knots, as the department flags such students."""
        return np.asarray(
            np.interp(np.asarray(prior, dtype=np.float64), self.prior, self.expected, left=np.nan, right=np.nan)
        )

    def value_added(self, points: npt.ArrayLike, prior: npt.ArrayLike) -> FloatArray:
        """Actual less expected, in grades of one A level's size (technical certificates: in points by size)."""
        divisor = 1.0 if self.cohort == _NOT_DIVIDED else POINTS_A_GRADE
        return np.asarray((np.asarray(points) - self.estimate(prior)) / self.size / divisor)

    def at_least(self, prior: npt.ArrayLike) -> FloatArray:
        """Chances of each grade or better, prior x grade, with exactly the curve's means.

        A few curves (6 of 442 in 2025) run beyond the points of their listed grades; there the end of the scale stands.

        Raises:
            Level3Error: the qualification has no scale of grades.
        """
        if not self.grades:
            raise Level3Error(f"{self.qualification} {self.subject} ({self.qual_id}) has no scale of grades.")
        mean = self.estimate(prior)
        divisor = 1.0 if self.cohort == _NOT_DIVIDED else POINTS_A_GRADE
        return _with_mean(mean, self.points, self.va_sd * self.size * divisor)


@dataclass(frozen=True)
class CurveReference:
    """Curves of one year and one release in the order of ``qual_id``, their rows as canonical CSV, and its digest."""

    year: int
    release: str
    source: str
    curves: tuple[Curve, ...]
    canonical: bytes
    digest: str

    @property
    def stage(self) -> str:
        """Always level3."""
        return STAGE

    @property
    def pupils(self) -> int:
        """Results behind it."""
        return sum(curve.pupils for curve in self.curves)


def _with_mean(mean: FloatArray, points: FloatArray, sd: float) -> FloatArray:
    """Chances proportional to a normal density at the points, its centre moved by halving until the mean is right."""
    span = points[-1] - points[0]
    wanted = np.clip(mean, points[0] + 1e-4 * span, points[-1] - 1e-4 * span)[:, None]
    # The mean rises with the centre; so far away that even the outermost grades can take all.
    reach = span + 40 * sd**2 / np.diff(points).min()
    low, high = np.full_like(wanted, points[0] - reach), np.full_like(wanted, points[-1] + reach)
    for _ in range(_HALVINGS):
        centre = (low + high) / 2
        above = _normal(centre, points, sd) @ points[:, None] > wanted
        low, high = np.where(above, low, centre), np.where(above, centre, high)
    exactly = _normal((low + high) / 2, points, sd)
    at_least = np.cumsum(exactly[:, ::-1], axis=1)[:, ::-1]
    at_least[:, 0] = 1.0
    at_least[np.isnan(mean)] = np.nan
    return np.asarray(at_least)


def _normal(centre: FloatArray, points: FloatArray, sd: float) -> FloatArray:
    exponent = -((points - centre) ** 2) / (2 * sd**2)
    density = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return np.asarray(density / density.sum(axis=1, keepdims=True))


def check(frame: pd.DataFrame, name: str) -> CurveReference:
    """Check rows in the format of a reference of curves: a row is a knot or a grade of a curve (docs/estimates.md).

    Raises:
        ReferenceError: the rows do not have the format; every fault is named by line and column.
    """
    text = as_text(frame, COLUMNS, name)
    refuse(name, faults(text, _CELLS))  # rows are compared with each other only when each can be read
    typed = text.assign(
        **{column: text[column].astype(float).astype("int64") for column in ("reference_year", "qual_id", "pupils")},
        **{column: pd.to_numeric(text[column]) for column in _NUMBERS},
    )
    rules = (one_release, _knot_or_grade, _consistent, _rising, _scales)
    refuse(name, [problem for rule in rules for problem in rule(typed)])
    rows = typed.sort_values(["qual_id", "prior_points", "expected_points", "points"]).reset_index(drop=True)
    first = rows.iloc[0]
    canonical = rows.to_csv(index=False).encode()
    return CurveReference(
        year=int(first["reference_year"]),
        release=str(first["release"]),
        source=str(first["source"]),
        curves=tuple(_curves(rows)),
        canonical=canonical,
        digest=hashlib.sha256(canonical).hexdigest(),
    )


def _knot_or_grade(rows: pd.DataFrame) -> list[Problem]:
    knot = rows["prior_points"].notna() & rows["expected_points"].notna()
    grade = (rows["grade"] != "") & rows["points"].notna()
    half = (rows["prior_points"].notna() != rows["expected_points"].notna()) | (
        (rows["grade"] != "") != rows["points"].notna()
    )
    message = "A row is either a knot (prior_points and expected_points) or a grade (grade and points) of its curve."
    return at(rows, half | (knot == grade), "prior_points", message)


def _consistent(rows: pd.DataFrame) -> list[Problem]:
    return [
        problem
        for column in _OF_THE_CURVE
        for problem in at(
            rows,
            rows.groupby("qual_id")[column].transform("first") != rows[column],
            column,
            "Differs from an earlier row of the same qual_id.",
        )
    ]


def _rising(rows: pd.DataFrame) -> list[Problem]:
    knots = rows[rows["prior_points"].notna()].sort_values(["qual_id", "prior_points", "expected_points"])
    falls = knots.groupby("qual_id")["expected_points"].diff() < 0
    number = rows["prior_points"].notna().groupby(rows["qual_id"]).transform("sum")
    first = ~rows.duplicated("qual_id")
    return [
        *at(knots, falls, "expected_points", "The curve falls: more prior attainment must not lower what is expected."),
        *at(rows, first & (number < 2), "qual_id", "The curve has fewer than two knots."),
    ]


def _scales(rows: pd.DataFrame) -> list[Problem]:
    grades = rows[rows["grade"] != ""]
    twice = grades.duplicated(["qual_id", "grade"]) | grades.duplicated(["qual_id", "points"])
    alone = grades.groupby("qual_id")["grade"].transform("size") == 1
    return [
        *at(grades, twice, "grade", "An earlier row of the curve has the same grade or the same points."),
        *at(grades, alone, "grade", "A scale has at least two grades; leave it out where there is none."),
    ]


def _curves(rows: pd.DataFrame) -> Iterator[Curve]:
    """The curves of checked rows, which are in the order of ``qual_id``, each with its knots before its grades."""
    starts = np.flatnonzero(~rows.duplicated("qual_id"))
    columns = {name: rows[name].to_numpy() for name in ("prior_points", "expected_points", "grade", "points")}
    knot = rows["prior_points"].notna().to_numpy()
    named = rows.iloc[starts].to_dict("records")
    for first, start, end in zip(named, starts, [*starts[1:], len(rows)], strict=True):
        middle = start + int(knot[start:end].sum())
        knots, grades = slice(start, middle), slice(middle, end)
        yield Curve(
            qual_id=int(first["qual_id"]),
            cohort=str(first["cohort"]),
            qualification=str(first["qualification"]),
            subject=str(first["subject"]),
            size=float(first["size"]),
            pupils=int(first["pupils"]),
            va_sd=float(first["va_sd"]),
            prior=columns["prior_points"][knots].astype(float),
            expected=columns["expected_points"][knots].astype(float),
            grades=tuple(columns["grade"][grades]),
            points=columns["points"][grades].astype(float),
        )
