"""Level 3 value added: the department's curves of expected points after 16, and distributions with their means.

Methodology section 2.6 [H]: a curve of up to 22 knots for each qualification and subject, linear between them. The
department publishes the mean and the standard deviation of value added, not grades by prior attainment; outside the A
level matrices a distribution is therefore a normal curve cut at the grades' points, moved until its mean is the
department's (an assumption [L], and labelled so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.estimates.priors import FloatArray

METHOD = "level3_mean_and_deviation"
#: Value added is told in grades by dividing points by size and by this, but for technical certificates [H].
POINTS_A_GRADE = 10.0
_NOT_DIVIDED = "Technical certificate"
_HALVINGS = 60


class Level3Error(ValueError):
    """Tables of curves that do not fit together; the message names the qualification."""


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
    reference_year: int
    release: str
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


def _spelled(grades: tuple[str, ...]) -> tuple[str, ...]:
    """Grades as schools write them: the department's table has only the star of A* and of D* (D*D is ``*D`` there)."""
    starred = "A*" if "A" in grades else "D*"
    return tuple(grade.replace("*", starred) for grade in grades)


def read(folder: Path) -> Mapping[int, Curve]:
    """The shipped curves by ``qual_id``, from level3_qualification.csv, level3_knot.csv and level3_grade.csv.

    Raises:
        Level3Error: a qualification without knots, or whose knots fall.
    """
    qualifications = pd.read_csv(folder / "level3_qualification.csv")
    knots = dict(tuple(pd.read_csv(folder / "level3_knot.csv").groupby("qual_id")))
    grades = dict(tuple(pd.read_csv(folder / "level3_grade.csv", keep_default_na=False).groupby("qual_id")))
    found = {}
    for row in qualifications.to_dict("records"):
        name = f"{row['qualification']} {row['subject']} ({row['qual_id']})"
        curve = knots.get(row["qual_id"])
        if curve is None:
            raise Level3Error(f"{name} has no knots.")
        curve = curve.sort_values("knot")
        prior, expected = curve["prior_points"].to_numpy(float), curve["expected_points"].to_numpy(float)
        if (np.diff(prior) < 0).any() or (np.diff(expected) < 0).any():
            raise Level3Error(f"{name}: its knots fall.")
        scale = grades.get(row["qual_id"])
        ordered = None if scale is None else scale.sort_values("points")
        found[int(row["qual_id"])] = Curve(
            qual_id=int(row["qual_id"]),
            cohort=str(row["cohort"]),
            qualification=str(row["qualification"]),
            subject=str(row["subject"]),
            size=float(row["size"]),
            pupils=int(row["pupils"]),
            va_sd=float(row["va_sd"]),
            reference_year=int(row["reference_year"]),
            release=str(row["release"]),
            prior=prior,
            expected=expected,
            grades=() if ordered is None else _spelled(tuple(ordered["grade"])),
            points=np.zeros(0) if ordered is None else ordered["points"].to_numpy(float),
        )
    return found
