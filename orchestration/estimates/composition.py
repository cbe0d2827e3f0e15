"""How the pupils of a published band spread over its points of prior attainment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from orchestration.estimates.priors import FloatArray


def within_bands(pupils: FloatArray, bands: Sequence[slice], points: int) -> FloatArray:
    """Shares of each point in its band, unit x point; they sum to 1 in each band and are 0 outside the bands.

    The cumulative count of pupils is known at the ends of the bands and is drawn monotonically (Fritsch and Carlson's
    cubic) between them, so that points near a fuller neighbouring band hold more of their own band's pupils.

    Args:
        pupils: Pupils by unit x band, each above 0.
        bands: The points of each band, lowest first.
        points: How many points the scale has.
    """
    shares = np.zeros((len(pupils), points))
    # A run of bands without a gap is drawn as one curve.
    for run in _runs(bands):
        edges = np.array([bands[run[0]].start, *(bands[number].stop for number in run)], dtype=np.float64)
        totals = np.cumsum(np.pad(pupils[:, run], ((0, 0), (1, 0))), axis=1)
        each = np.arange(edges[0], edges[-1] + 1)
        drawn = np.diff(PchipInterpolator(edges, totals, axis=1)(each), axis=1)
        shares[:, int(edges[0]) : int(edges[-1])] = np.maximum(drawn, 0.0)
    for band in bands:
        shares[:, band] /= shares[:, band].sum(axis=1, keepdims=True)
    return shares


def _runs(bands: Sequence[slice]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number, band in enumerate(bands):
        if runs and bands[runs[-1][-1]].stop == band.start:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
