"""The platform's own pool: how much its schools differ in a subject, given prior attainment, and each school's part.

A mixed ordinal model. Each pupil's national distribution (by prior attainment and sex, from the look-up) is the offset
on the logistic scale; the school's effect moves all thresholds of its pupils alike, as in ``challenge.at_level``.
Effects are normal about the pool's own middle, which is estimated too: a summer graded more kindly, or a pool of good
schools, is no difference between schools. Their standard deviation has maximum marginal likelihood, its interval is the
profile's.

The integral over a school's effect is a sum over equally spaced places of the prior. For a smooth function that dies
away on both sides this rule gains digits exponentially, and it needs no search for each school's mode.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize_scalar
from scipy.sparse import csr_array
from scipy.special import expit, logit, logsumexp

from orchestration.estimates.priors import FloatArray, IntArray

#: A standard deviation from n schools is known to about 1 / sqrt(2n): to a sixth at 20, before any sampling of pupils.
FEWEST_SCHOOLS = 20
#: Ten results tell a school's effect to about 0.6 on the logistic scale, which is as much as schools usually differ.
FEWEST_RESULTS = 10
_LARGEST_SD = 2.0
_SMALLEST_SD = 1e-3
_LARGEST_MIDDLE = 3.0
_GRID = np.arange(-100, 101) / 10
_PLACES = np.linspace(-8, 8, 321)
_CHI_SQUARE_95 = 3.841458820694124
_LEAST_CHANCE = 1e-6


@dataclass(frozen=True)
class SubjectResults:
    """Results of one subject, counted by school, cell of the look-up and grade.

    Attributes:
        qualification: As in the look-up.
        subject: As in the look-up.
        at_least: National chances of each grade or better, cell x grade, the first column 1.
        school: School of each row.
        cell: Cell of each row.
        grade: Grade of each row, as its place in the scale.
        pupils: Results of each row.
    """

    qualification: str
    subject: str
    at_least: FloatArray
    school: IntArray
    cell: IntArray
    grade: IntArray
    pupils: IntArray

    def digest(self) -> str:
        """SHA-256 of all of it; the same results and look-up have the same."""
        told = hashlib.sha256(f"{self.qualification}|{self.subject}|".encode())
        order = np.lexsort((self.grade, self.cell, self.school))
        for values in (self.school, self.cell, self.grade, self.pupils):
            told.update(np.ascontiguousarray(values[order], dtype=np.int64).tobytes())
        told.update(np.ascontiguousarray(self.at_least).tobytes())
        return told.hexdigest()


@dataclass(frozen=True)
class SchoolEffect:
    """One school's effect in a subject on the logistic scale, drawn towards the middle the fewer its results.

    ``effect`` above 0 is better than the nation; ``percentile`` is the place among the pool's schools, 1 is best.
    """

    school_id: int
    results: int
    effect: float
    standard_error: float
    percentile: int


@dataclass(frozen=True)
class SubjectFit:
    """How much the pool's schools differ in a subject; ``sd`` is None and ``reason`` says why where it is too small.

    ``schools`` and ``results`` are those of schools with enough results.
    """

    qualification: str
    subject: str
    schools: int
    results: int
    sd: float | None
    sd_low: float | None
    sd_high: float | None
    reason: str | None
    effects: tuple[SchoolEffect, ...]


def fit(found: SubjectResults) -> SubjectFit:
    """Fit one subject on the schools that have at least ``FEWEST_RESULTS`` results in it."""
    numbers = np.bincount(found.school, found.pupils)
    enough = np.flatnonzero(numbers >= FEWEST_RESULTS)
    results = int(numbers[enough].sum())
    if len(enough) < FEWEST_SCHOOLS:
        reason = (
            f"{len(enough)} schools have {FEWEST_RESULTS} results or more; {FEWEST_SCHOOLS} are needed:"
            " the spread of fewer is not known to better than a fifth."
        )
        return SubjectFit(found.qualification, found.subject, len(enough), results, None, None, None, reason, ())
    pool = _Pool(_log_likelihoods(found, enough))
    sd, best = _largest(lambda of: pool.profile(of)[1], _SMALLEST_SD, _LARGEST_SD)

    def short_of_it(of: float) -> float:
        return 2 * (best - pool.profile(of)[1]) - _CHI_SQUARE_95

    low = brentq(short_of_it, _SMALLEST_SD, sd, xtol=1e-4) if short_of_it(_SMALLEST_SD) > 0 else 0.0
    high = brentq(short_of_it, sd, _LARGEST_SD, xtol=1e-4) if short_of_it(_LARGEST_SD) > 0 else _LARGEST_SD
    mean, error = pool.effects(pool.profile(sd)[0], sd)
    better = (mean[:, None] < mean[None, :]).sum(axis=1)  # ties share the better place
    effects = tuple(
        SchoolEffect(
            int(school),
            int(numbers[school]),
            float(mean[n]),
            float(error[n]),
            math.ceil(100 * (better[n] + 1) / len(mean)),
        )
        for n, school in enumerate(enough)
    )
    return SubjectFit(found.qualification, found.subject, len(enough), results, sd, low, high, None, effects)


def _log_likelihoods(found: SubjectResults, schools: IntArray) -> FloatArray:
    """Log-likelihood of each school's results at each effect of the grid: school x grid.

    Rows of one cell and grade have the same chance, so the chances are worked out once a cell and grade.
    """
    cells, grades = found.at_least.shape
    thresholds = logit(np.clip(found.at_least[:, 1:], _LEAST_CHANCE, 1 - _LEAST_CHANCE))
    at_least = np.ones((cells, grades + 1, len(_GRID)))
    at_least[:, 1:-1] = expit(thresholds[:, :, None] + _GRID)
    at_least[:, -1] = 0.0
    exactly = np.log(np.maximum(at_least[:, :-1] - at_least[:, 1:], 1e-300)).reshape(cells * grades, -1)
    place = np.full(int(found.school.max()) + 1, -1)
    place[schools] = np.arange(len(schools))
    taken = place[found.school] >= 0
    counted = csr_array(
        (
            found.pupils[taken].astype(np.float64),
            (place[found.school[taken]], found.cell[taken] * grades + found.grade[taken]),
        ),
        shape=(len(schools), cells * grades),
    )
    return np.asarray(counted @ exactly)


class _Pool:
    """The schools' log-likelihoods as smooth functions of the effect."""

    def __init__(self, log_likelihoods: FloatArray) -> None:
        self._curves = CubicSpline(_GRID, log_likelihoods, axis=1)

    def profile(self, sd: float) -> tuple[float, float]:
        """The likeliest middle of the pool at a standard deviation, and the log-likelihood there."""
        return _largest(lambda middle: self._marginal(middle, sd), -_LARGEST_MIDDLE, _LARGEST_MIDDLE)

    def _marginal(self, middle: float, sd: float) -> float:
        return float(logsumexp(self._joint(middle, sd), axis=1).sum())

    def _joint(self, middle: float, sd: float) -> FloatArray:
        """Log of likelihood times prior at the places, school x place, as shares of the sum over places."""
        prior = -(_PLACES**2) / 2
        effects = np.clip(middle + sd * _PLACES, _GRID[0], _GRID[-1])
        return np.asarray(self._curves(effects) + prior - logsumexp(prior))

    def effects(self, middle: float, sd: float) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of each school's effect, given its results and the pool."""
        joint = self._joint(middle, sd)
        weights = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        effects = middle + sd * _PLACES
        mean = weights @ effects
        return np.asarray(mean), np.sqrt(weights @ effects**2 - mean**2)


def _largest(of: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    found = minimize_scalar(lambda value: -of(value), bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    return float(found.x), float(-found.fun)
