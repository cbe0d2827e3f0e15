"""A parent's curves moved to a child's level: three numbers a child, estimated from its own counts."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from orchestration.estimates.priors import FloatArray
from orchestration.estimates.smoothing import Basis, Observed

_ROUNDS = 40
_SMALLEST = 1e-9
#: Information added for each of the three numbers at 0, so that a child of a few pupils stays where its parent is.
_HOLD = 20.0


def moved(observed: Observed, spline: Basis, parent: FloatArray) -> FloatArray:
    """Coefficients of the parent moved for each child by level, slope in prior attainment and stretch of the grades.

    The thresholds of a pupil are not independent; as estimating equations they still give a consistent move.

    Args:
        observed: Counts of the children.
        spline: The basis.
        parent: Coefficients of each child's parent: unit x threshold x coefficient.
    """
    reached, entered, weights = observed.reached, observed.entered, observed.weights
    thresholds = parent.shape[1]
    along = (spline.centres - spline.centres.mean()) / np.ptp(spline.centres)
    across = np.linspace(-0.5, 0.5, thresholds) if thresholds > 1 else np.zeros(1)
    # How each of the three numbers enters the coefficients: number x threshold x coefficient.
    shape = np.stack(
        [
            np.ones((thresholds, len(along))),
            np.tile(along, (thresholds, 1)),
            np.tile(across[:, None], (1, len(along))),
        ]
    )
    direction = np.einsum("dtk,xk->dtx", shape, spline.values)
    base = np.einsum("utk,xk->utx", parent, spline.values)
    move = np.zeros((len(parent), len(shape)))
    for _ in range(_ROUNDS):
        point = expit(base + np.einsum("ud,dtx->utx", move, direction))
        band = np.clip(np.einsum("ubx,utx->utb", weights, point), _SMALLEST, 1 - _SMALLEST)
        jacobian = np.einsum("ubx,utx,dtx->utbd", weights, point * (1 - point), direction, optimize=True)
        spread = band * (1 - band)
        information = np.einsum("utb,utbd,utbe->ude", entered[:, None, :] / spread, jacobian, jacobian, optimize=True)
        information += _HOLD * np.eye(len(shape))
        gradient = np.einsum("utb,utbd->ud", (reached - entered[:, None, :] * band) / spread, jacobian, optimize=True)
        step = np.linalg.solve(information, (gradient - _HOLD * move)[:, :, None])[:, :, 0]
        move += np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    return spline.rising(parent + np.einsum("ud,dtk->utk", move, shape))
