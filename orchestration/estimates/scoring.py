"""How good distributions of grades were: proper scores, calibration, coverage, bias. Counts stand for pupils."""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.estimates.distributions import probabilities
from orchestration.estimates.priors import FloatArray


def ranked_probability(at_least: FloatArray, counted: FloatArray) -> FloatArray:
    """Ranked probability score summed over the pupils of each row, in grades: 0 is perfect.

    Each threshold between neighbouring grades adds the square of (chance - outcome).

    Args:
        at_least: Chance of each grade or better, row x grade.
        counted: Pupils who got each grade, row x grade.
    """
    reached = np.cumsum(counted[:, ::-1], axis=1)[:, ::-1][:, 1:]
    total = counted.sum(axis=1, keepdims=True)
    chance = at_least[:, 1:]
    return np.asarray((reached * (1 - chance) ** 2 + (total - reached) * chance**2).sum(axis=1))


def log_loss(at_least: FloatArray, counted: FloatArray) -> FloatArray:
    """Negative log-likelihood summed over the pupils of each row (chances below 1e-6 count as 1e-6)."""
    return np.asarray(-(counted * np.log(np.maximum(probabilities(at_least), 1e-6))).sum(axis=1))


def residual(at_least: FloatArray, counted: FloatArray, points: FloatArray) -> FloatArray:
    """Expected points less actual points, summed over the pupils of each row."""
    return np.asarray(counted.sum(axis=1) * (probabilities(at_least) @ points) - counted @ points)


def coverage(at_least: FloatArray, counted: FloatArray, inside: float) -> float:
    """Share of pupils within the central ``inside`` of their distribution; right is ``inside`` itself.

    A grade covers a stretch of the cumulative distribution; the share of the stretch inside the interval counts (the
    expectation of the randomised probability integral transform).
    """
    low, high = (1 - inside) / 2, (1 + inside) / 2
    exactly = probabilities(at_least)
    below = 1 - at_least
    overlap = np.clip(np.minimum(below + exactly, high) - np.maximum(below, low), 0.0, None)
    share = np.divide(overlap, exactly, out=((below > low) & (below < high)).astype(np.float64), where=exactly > 1e-12)
    return float((counted * share).sum() / counted.sum())


def reliability(at_least: FloatArray, counted: FloatArray, bins: int = 10) -> pd.DataFrame:
    """Reliability curve over all thresholds: in each bin of forecast chances the mean forecast and the share who did.

    Columns: ``bin`` (lower end), ``forecasts`` (pupil-thresholds), ``forecast``, ``observed``.
    """
    chance = at_least[:, 1:]
    reached = np.cumsum(counted[:, ::-1], axis=1)[:, ::-1][:, 1:]
    total = np.repeat(counted.sum(axis=1, keepdims=True), chance.shape[1], axis=1)
    place = np.minimum((chance * bins).astype(int), bins - 1).ravel()
    weight = np.bincount(place, total.ravel(), bins)
    forecast = np.bincount(place, (total * chance).ravel(), bins)
    observed = np.bincount(place, reached.ravel(), bins)
    filled = weight > 0
    return pd.DataFrame(
        {
            "bin": np.arange(bins)[filled] / bins,
            "forecasts": weight[filled],
            "forecast": forecast[filled] / weight[filled],
            "observed": observed[filled] / weight[filled],
        }
    )
