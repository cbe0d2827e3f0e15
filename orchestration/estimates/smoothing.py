"""Smooth monotone curves through counts that are known by band: a penalised composite-link model, many at once.

For each unit (a subject, or a subject and sex) and each grade threshold, the chance of reaching the threshold is
``logistic(B(x) beta)`` with a cubic B-spline basis B over prior attainment x. What was published is the number who
reached it in a band, whose chance is the mean of the curve over the points of the band. ``beta`` maximises the binomial
likelihood of these numbers less a penalty on the second differences of ``beta - prior`` (deviations from the parent
are smooth) and on falls of ``beta`` (more prior attainment never lowers the chance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline
from scipy.special import expit

from orchestration.estimates.priors import FloatArray, PriorScale

_DEGREE = 3
_FALLS = 1e6  # as a penalty; what is left of falls is below 1e-3 on the logistic scale and is cut off afterwards
_RIDGE = 1e-3
_ROUNDS = 60
_TOLERANCE = 1e-9
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Basis:
    """A cubic B-spline basis at the points of a scale: ``values`` is point x coefficient.

    ``centres`` are the coefficients' places (Greville abscissae): coefficients linear in them make a straight line.
    The first ``apart`` coefficients (0 or 1) are chances of a group that no curve runs through.
    """

    values: FloatArray
    centres: FloatArray
    apart: int

    def rising(self, curves: FloatArray) -> FloatArray:
        """Curves or coefficients (last axis) with falls cut off, but for the group apart."""
        lifted = np.maximum.accumulate(curves[..., self.apart :], axis=-1)
        return np.concatenate([curves[..., : self.apart], lifted], axis=-1)


def basis(scale: PriorScale, pieces: int) -> Basis:
    """The basis over a scale, with equally long pieces; a group below the scale has a coefficient of its own."""
    apart = int(scale.below_scale)
    positions = scale.positions[apart:]
    inner = np.linspace(positions[0], positions[-1], pieces + 1)
    knots = np.concatenate([np.repeat(inner[0], _DEGREE), inner, np.repeat(inner[-1], _DEGREE)])
    number = len(knots) - _DEGREE - 1
    centres = np.array([knots[k + 1 : k + 1 + _DEGREE].mean() for k in range(number)])
    values = np.zeros((len(scale.points), number + apart))
    values[:apart, :apart] = np.eye(apart)
    values[apart:, apart:] = BSpline.design_matrix(positions, knots, _DEGREE).toarray()
    return Basis(values, np.concatenate([scale.positions[:apart], centres]), apart)


@dataclass(frozen=True)
class Curves:
    """Fitted coefficients, unit x threshold x coefficient, and the variance of the logit, unit x threshold x point."""

    coefficients: FloatArray
    logit_variance: FloatArray


def fit(
    reached: FloatArray, entered: FloatArray, weights: FloatArray, spline: Basis, prior: FloatArray, roughness: float
) -> Curves:
    """Fit all units and thresholds.

    Args:
        reached: Pupils at or above the threshold: unit x threshold x band (fractions are allowed).
        entered: Pupils: unit x band.
        weights: Share of each point in its band: unit x band x point.
        spline: The basis.
        prior: Coefficients of the parent: unit x threshold x coefficient.
        roughness: Weight of the penalty on second differences of deviations from the parent.
    """
    units, thresholds, bands = reached.shape
    size = spline.values.shape[1]
    curve = np.eye(size)[spline.apart :]
    second = np.diff(curve, n=2, axis=0)
    first = np.diff(curve, axis=0)
    smooth = roughness * second.T @ second + _RIDGE * np.eye(size)
    flat = units * thresholds
    y = reached.reshape(flat, bands)
    n = np.repeat(entered, thresholds, axis=0)
    w = np.repeat(weights, thresholds, axis=0)
    start = prior.reshape(flat, size)

    def chance(beta: FloatArray) -> tuple[FloatArray, FloatArray]:
        point = expit(beta @ spline.values.T)
        band = np.clip(np.einsum("fbx,fx->fb", w, point), _SMALLEST, 1 - _SMALLEST)
        return point, band

    def loss(beta: FloatArray, band: FloatArray) -> FloatArray:
        likelihood = (y * np.log(band) + (n - y) * np.log1p(-band)).sum(axis=1)
        away = beta - start
        falls = np.minimum(beta @ first.T, 0.0)
        penalty = np.einsum("fi,ij,fj->f", away, smooth, away) + _FALLS * (falls**2).sum(axis=1)
        return np.asarray(penalty / 2 - likelihood)

    beta = start.copy()
    point, band = chance(beta)
    current = loss(beta, band)
    hessian = np.zeros((flat, size, size))
    for _ in range(_ROUNDS):
        slope = (point * (1 - point))[:, :, None] * spline.values[None, :, :]
        jacobian = np.einsum("fbx,fxk->fbk", w, slope, optimize=True)
        spread = band * (1 - band)
        falling = (beta @ first.T < 0).astype(np.float64)
        information = np.einsum("fb,fbi,fbj->fij", n / spread, jacobian, jacobian, optimize=True) + smooth
        hessian = information + _FALLS * np.einsum("fd,di,dj->fij", falling, first, first, optimize=True)
        gradient = np.einsum("fb,fbk->fk", (y - n * band) / spread, jacobian, optimize=True) - (beta - start) @ smooth
        gradient -= _FALLS * (np.minimum(beta @ first.T, 0.0) @ first)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        length = np.ones(flat)
        trial, (trial_point, trial_band) = beta + step, chance(beta + step)
        found = loss(trial, trial_band)
        for _ in range(12):
            worse = found > current + _TOLERANCE * np.abs(current)
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
            trial = beta + length[:, None] * step
            trial_point, trial_band = chance(trial)
            found = loss(trial, trial_band)
        better = found <= current
        gain = np.where(better, current - found, 0.0)
        beta = np.where(better[:, None], trial, beta)
        point = np.where(better[:, None], trial_point, point)
        band = np.where(better[:, None], trial_band, band)
        current = np.where(better, found, current)
        if (gain <= _TOLERANCE * (1 + np.abs(current))).all():
            break
    beta = spline.rising(beta)
    variance = np.einsum("xi,fij,xj->fx", spline.values, np.linalg.inv(hessian), spline.values, optimize=True)
    return Curves(beta.reshape(units, thresholds, size), variance.reshape(units, thresholds, -1))


def chances(coefficients: FloatArray, spline: Basis) -> FloatArray:
    """Chance of each threshold or better, unit x point x threshold: rising in the point, falling in the threshold."""
    curves = spline.rising(expit(np.einsum("utk,xk->utx", coefficients, spline.values)))
    return np.asarray(np.minimum.accumulate(curves, axis=1).transpose(0, 2, 1))
