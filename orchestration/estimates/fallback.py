"""Pupils without KS2 scores: what else may stand for them, in which order, and the wider distributions it gives.

A substitute measure places a pupil among the nation's pupils, and is correlated with the KS2 mean. The pupil's KS2 mean
is then not known but distributed: normal scores of both are bivariate normal with that correlation. The estimate is
the mixture of the estimates over this distribution, so the weaker the substitute, the wider it is; with no correlation
it is the national distribution.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from orchestration.estimates.lookup import Forecast
from orchestration.estimates.model import QualificationModel, Unit
from orchestration.estimates.priors import FloatArray

#: The order in which a basis is looked for.
ORDER = ("ks2_mean", "ks1", "standardised_test", "teacher_assessment", "school", "national")
#: Weight of the national distribution in a school's, in pupils.
SCHOOL_HELD = 50.0
_NODES = 64
#: Below this many pupils without prior attainment a subject has no distribution of its own for them.
_FEWEST_WITHOUT = 30


class FallbackError(ValueError):
    """A substitute that cannot be used; the message says what it lacks."""


def first_available(available: Collection[str]) -> str:
    """The basis to use for a pupil, from those that exist for them.

    Raises:
        FallbackError: none of ``ORDER`` is there, not even the national distribution: there is no estimate.
    """
    for basis in ORDER:
        if basis in available:
            return basis
    raise FallbackError(f"No basis for an estimate: one of {', '.join(ORDER)} is needed.")


@dataclass(frozen=True)
class Substitute:
    """A measure that stands for the KS2 mean, and where its values lie in the nation.

    Attributes:
        measure: One of ``ORDER``.
        values: Values, lowest first: scores, or codes of ordered categories.
        from_share: Share of the nation's pupils below each value.
        to_share: Share at or below it. Equal to ``from_share`` for a score on a fine scale.
        correlation: Correlation of its normal scores with those of the KS2 mean: from 0 to below 1.
        source: Where shares and correlation come from, with the confidence tag.
    """

    measure: str
    values: tuple[float, ...]
    from_share: tuple[float, ...]
    to_share: tuple[float, ...]
    correlation: float
    source: str

    def __post_init__(self) -> None:
        if self.measure not in ORDER[1:4]:
            raise FallbackError(f"A substitute is one of {', '.join(ORDER[1:4])}, not {self.measure}.")
        if not 0 <= self.correlation < 1:
            raise FallbackError(f"The correlation with KS2 must be from 0 to below 1, not {self.correlation}.")
        if not len(self.values) == len(self.from_share) == len(self.to_share) > 0:
            raise FallbackError("Give each value the share of pupils below it and at or below it.")
        pairs = zip(self.from_share, self.to_share, strict=True)
        if any(not (0 <= low <= high <= 1 and high > 0 and low < 1) for low, high in pairs):
            raise FallbackError("Shares of pupils run from 0 to 1, the lower one first.")
        if not self.source:
            raise FallbackError("Say where the correlation and the shares come from.")


def standardised_test(correlation: float, source: str, *, lowest: int = 60, highest: int = 140) -> Substitute:
    """A standardised score with national mean 100 and standard deviation 15 (CAT4 and its like)."""
    values = tuple(float(score) for score in range(lowest, highest + 1))
    below = tuple(float(share) for share in norm.cdf((np.array(values) - 100) / 15))
    return Substitute("standardised_test", values, below, below, correlation, source)


def categories(measure: str, shares: Sequence[float], correlation: float, source: str) -> Substitute:
    """Ordered categories, lowest first, coded 1, 2, ...; ``shares`` of the nation's pupils in each (they sum to 1).

    Raises:
        FallbackError: the shares do not sum to 1.
    """
    if abs(sum(shares) - 1) > 0.01 or min(shares) <= 0:
        raise FallbackError(f"The shares of the categories must be above 0 and sum to 1, not {sum(shares):.3f}.")
    ends = np.cumsum(shares) / sum(shares)
    starts = np.concatenate([[0.0], ends[:-1]])
    codes = tuple(float(code) for code in range(1, len(shares) + 1))
    return Substitute(measure, codes, tuple(starts), tuple(np.minimum(ends, 1.0)), correlation, source)


def point_weights(substitute: Substitute, cohort: FloatArray) -> FloatArray:
    """Distribution of the KS2 point for each value of a substitute: value x point.

    Args:
        substitute: The measure.
        cohort: Share of the nation's pupils at each point (sums to 1).
    """
    edges = norm.ppf(np.clip(np.concatenate([[0.0], np.cumsum(cohort)]), 0.0, 1.0))
    middle = (np.arange(_NODES) + 0.5) / _NODES
    low, high = np.array(substitute.from_share)[:, None], np.array(substitute.to_share)[:, None]
    scores = norm.ppf(low + (high - low) * middle)  # equally likely places within the value's share
    spread = np.sqrt(1 - substitute.correlation**2)
    reach = norm.cdf((edges[None, None, :] - substitute.correlation * scores[:, :, None]) / spread)
    weights = np.diff(reach, axis=2).mean(axis=1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def cohort_shares(fitted: QualificationModel) -> FloatArray:
    """The nation's pupils by point, as the most taken subject shows them (mathematics: 97 of 100 pupils)."""
    subjects = [unit for unit in fitted.units if unit.level == "subject" and unit.sex == "all"]
    return _shares(max(subjects, key=lambda unit: _pupils_by_point(unit).sum()))


def school_weights(counted: FloatArray, cohort: FloatArray) -> FloatArray:
    """KS2 points of a school's pupils, held to the nation's: for pupils of whom only the school is known."""
    return np.asarray((counted + SCHOOL_HELD * cohort) / (counted.sum() + SCHOOL_HELD))


def forecasts(fitted: QualificationModel, substitutes: Sequence[Substitute]) -> list[Forecast]:
    """Distributions for pupils without KS2: by each substitute, and the national ones.

    ``national`` has value 0 for pupils whose cohort sat no tests (all entrants' distribution) and 1 for pupils who have
    no scaled score although their cohort sat them (the published group of such pupils, where it is large enough).
    """
    cohort = cohort_shares(fitted)
    weights = [(substitute, point_weights(substitute, cohort)) for substitute in substitutes]
    return [
        forecast
        for unit in fitted.units
        for forecast in (*(substituted(fitted, unit, by, of) for by, of in weights), *_national(unit))
    ]


def substituted(fitted: QualificationModel, unit: Unit, substitute: Substitute, weights: FloatArray) -> Forecast:
    """A unit's distributions by a substitute: ``weights`` is value x point.

    Who is placed low by a substitute is not therefore one of those who could not sit the tests: the group below the
    scale counts for no more than the lowest score, so that estimates rise with the substitute.
    """
    at_least = unit.at_least.copy()
    if fitted.source.scale.below_scale:
        at_least[0] = np.minimum(at_least[0], at_least[1])
    return _mixture(unit, at_least, substitute.measure, np.array(substitute.values), weights)


def from_school(unit: Unit, weights: FloatArray) -> Forecast:
    """A unit's distribution for pupils of whom only the school is known (``school_weights``); its value is 0."""
    return _mixture(unit, unit.at_least, "school", np.zeros(1), weights[None])


def _mixture(unit: Unit, at_least: FloatArray, measure: str, values: FloatArray, weights: FloatArray) -> Forecast:
    pupils = _pupils_by_point(unit).sum()
    number = len(values)
    return Forecast(
        level=unit.level,
        subject=unit.name,
        family=unit.family,
        sex=unit.sex,
        measure=measure,
        values=values,
        at_least=weights @ at_least,
        method=np.full(number, f"fallback_{measure}"),
        basis=np.full(number, pupils),
        effective=1 / np.maximum(weights**2 @ (1 / np.maximum(unit.effective, 1.0)), 1e-12),
        reliability=np.full(number, "low"),
    )


def _national(unit: Unit) -> Iterator[Forecast]:
    if _pupils_by_point(unit).sum() == 0:
        return
    everyone = _mixture(unit, unit.at_least, "national", np.zeros(1), _shares(unit)[None])
    yield everyone
    without = unit.without_prior.sum()
    if without >= _FEWEST_WITHOUT:
        reached = np.cumsum(unit.without_prior[::-1])[::-1]
        yield Forecast(
            level=unit.level,
            subject=unit.name,
            family=unit.family,
            sex=unit.sex,
            measure="national",
            values=np.ones(1),
            at_least=((reached + SCHOOL_HELD * everyone.at_least[0]) / (without + SCHOOL_HELD))[None],
            method=np.array(["fallback_national_without_ks2"]),
            basis=np.array([without]),
            effective=np.array([without + SCHOOL_HELD]),
            reliability=np.array(["low"]),
        )


def _pupils_by_point(unit: Unit) -> FloatArray:
    return np.asarray(unit.pupils * unit.within)


def _shares(unit: Unit) -> FloatArray:
    held = _pupils_by_point(unit)
    return np.asarray(held / held.sum())
