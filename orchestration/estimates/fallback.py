"""Pupils without KS2 scores: what else may stand for them, in which order, and the wider distributions it gives.

A substitute measure places a pupil among the nation's pupils, and is correlated with the KS2 mean. The pupil's KS2 mean
is then not known but distributed: normal scores of both are bivariate normal with that correlation. The estimate is
the mixture of the estimates over this distribution, so the weaker the substitute, the wider it is; with no correlation
it is the national distribution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import norm

from orchestration.estimates.forecast import Forecast
from orchestration.estimates.model import QualificationModel, Unit
from orchestration.estimates.priors import FloatArray
from orchestration.estimates.substitute import MEASURES, Substitute

#: The order in which a basis is looked for.
ORDER = ("ks2_mean", *MEASURES, "school", "national")
#: Schools' mean KS2 scores for which there are estimates; of England's schools all but a handful lie between.
SCHOOL_MEANS = np.arange(90.0, 116.0)
#: Weight of all entrants in the distribution of those without prior attainment, in pupils.
_HELD = 50.0
_HALVINGS = 60
_NODES = 64
#: Below this many pupils without prior attainment a subject has no distribution of its own for them.
_FEWEST_WITHOUT = 30


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


def school_weights(means: FloatArray, points: FloatArray, cohort: FloatArray) -> FloatArray:
    """KS2 points of a school's pupils, for each mean of the school: mean x point.

    Of all distributions with the mean, the one that is nearest to the nation's (exponential tilting: least relative
    entropy), so a school in the middle has the nation's.

    Args:
        means: Mean KS2 score of the school's pupils.
        points: Scores of the points.
        cohort: Share of the nation's pupils at each point.
    """
    away = points - points @ cohort
    low, high = np.full((len(means), 1), -1.0), np.full((len(means), 1), 1.0)
    for _ in range(_HALVINGS):
        tilt = (low + high) / 2
        above = (_tilted(tilt, away, cohort) @ points > means)[:, None]
        low, high = np.where(above, low, tilt), np.where(above, tilt, high)
    return _tilted((low + high) / 2, away, cohort)


def _tilted(tilt: FloatArray, away: FloatArray, cohort: FloatArray) -> FloatArray:
    weights = cohort * np.exp(tilt * away)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def forecasts(fitted: QualificationModel, substitutes: Sequence[Substitute]) -> list[Forecast]:
    """Distributions for pupils without prior attainment: the national ones; without KS2 by substitute and school too.

    ``national`` has value 0 for pupils whose cohort sat no tests (all entrants' distribution) and 1 for pupils who have
    no scaled score although their cohort sat them (the published group of such pupils, where it is large enough).
    ``school`` has the mean KS2 score of the school's pupils who have one.
    """
    if not fitted.source.scale.below_scale:
        return [forecast for unit in fitted.units for forecast in _national(unit)]
    cohort = cohort_shares(fitted)
    weights = [(substitute, point_weights(substitute, cohort)) for substitute in substitutes]
    schools = school_weights(SCHOOL_MEANS, fitted.source.scale.points, cohort)
    return [
        forecast
        for unit in fitted.units
        for forecast in (
            *(substituted(fitted, unit, by, of) for by, of in weights),
            _mixture(unit, _without_below(fitted, unit), ("school", "fallback_school"), SCHOOL_MEANS, schools),
            *_national(unit),
        )
    ]


def substituted(fitted: QualificationModel, unit: Unit, substitute: Substitute, weights: FloatArray) -> Forecast:
    """A unit's distributions by a substitute: ``weights`` is value x point.

    Who is placed low by a substitute is not therefore one of those who could not sit the tests: the group below the
    scale counts for no more than the lowest score (for schools too), so that estimates rise with what places a pupil.
    """
    named = (substitute.measure, substitute.method)
    return _mixture(unit, _without_below(fitted, unit), named, np.array(substitute.values), weights)


def _without_below(fitted: QualificationModel, unit: Unit) -> FloatArray:
    """The unit's chances with the group below the scale counting for no more than the lowest score."""
    if not fitted.source.scale.below_scale:
        return unit.at_least
    return np.concatenate([np.minimum(unit.at_least[:1], unit.at_least[1:2]), unit.at_least[1:]])


def _mixture(
    unit: Unit, at_least: FloatArray, named: tuple[str, str], values: FloatArray, weights: FloatArray
) -> Forecast:
    """Mixtures of a unit's distributions; ``named`` is measure and method."""
    pupils = _pupils_by_point(unit).sum()
    number = len(values)
    return Forecast(
        level=unit.level,
        subject=unit.name,
        family=unit.family,
        sex=unit.sex,
        measure=named[0],
        values=values,
        at_least=weights @ at_least,
        method=np.full(number, named[1]),
        basis=np.full(number, pupils),
        effective=1 / np.maximum(weights**2 @ (1 / np.maximum(unit.effective, 1.0)), 1e-12),
        reliability=np.full(number, "low"),
    )


def _national(unit: Unit) -> Iterator[Forecast]:
    if _pupils_by_point(unit).sum() == 0:
        return
    everyone = _mixture(unit, unit.at_least, ("national", "fallback_national"), np.zeros(1), _shares(unit)[None])
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
            at_least=((reached + _HELD * everyone.at_least[0]) / (without + _HELD))[None],
            method=np.array(["fallback_national_without_prior"]),
            basis=np.array([without]),
            effective=np.array([without + _HELD]),
            reliability=np.array(["low"]),
        )


def _pupils_by_point(unit: Unit) -> FloatArray:
    return np.asarray(unit.pupils * unit.within)


def _shares(unit: Unit) -> FloatArray:
    held = _pupils_by_point(unit)
    return np.asarray(held / held.sum())
