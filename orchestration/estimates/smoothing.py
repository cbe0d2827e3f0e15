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
_HALVINGS = 12
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
class Observed:
    """What was published of the units.

    Attributes:
        reached: Pupils at or above each threshold: unit x threshold x band (fractions are allowed).
        entered: Pupils: unit x band.
        weights: Share of each point in its band: unit x band x point.
    """

    reached: FloatArray
    entered: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class Curves:
    """Fitted coefficients, unit x threshold x coefficient, and the variance of the logit, unit x threshold x point."""

    coefficients: FloatArray
    logit_variance: FloatArray


def fit(observed: Observed, spline: Basis, prior: FloatArray, roughness: float) -> Curves:
    """Fit all units and thresholds by Fisher scoring; each is halved back until it improves.

    Args:
        observed: The counts.
        spline: The basis.
        prior: Coefficients of the parent: unit x threshold x coefficient.
        roughness: Weight of the penalty on second differences of deviations from the parent.
    """
    units, thresholds, _ = observed.reached.shape
    fits = _Fits(observed, spline, prior, roughness)
    beta = fits.prior.copy()
    current = fits.loss(beta)
    information, gradient = fits.slopes(beta)
    for _ in range(_ROUNDS):
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        length = np.ones(len(beta))
        for _ in range(_HALVINGS):
            found = fits.loss(beta + length[:, None] * step)
            worse = found > current + _TOLERANCE * np.abs(current)
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        better = found <= current
        gain = np.where(better, current - found, 0.0)
        beta = np.where(better[:, None], beta + length[:, None] * step, beta)
        current = np.where(better, found, current)
        information, gradient = fits.slopes(beta)
        if (gain <= _TOLERANCE * (1 + np.abs(current))).all():
            break
    variance = np.einsum("xi,fij,xj->fx", spline.values, np.linalg.inv(information), spline.values, optimize=True)
    return Curves(
        spline.rising(beta).reshape(units, thresholds, -1),
        variance.reshape(units, thresholds, -1),
    )


class _Fits:
    """The penalised likelihoods of all units and thresholds, side by side (first axis: unit, then threshold)."""

    def __init__(self, observed: Observed, spline: Basis, prior: FloatArray, roughness: float) -> None:
        _, thresholds, bands = observed.reached.shape
        size = spline.values.shape[1]
        curve = np.eye(size)[spline.apart :]
        second = np.diff(curve, n=2, axis=0)
        self._steps = np.diff(curve, axis=0)
        self._smooth = roughness * second.T @ second + _RIDGE * np.eye(size)
        self._basis = spline.values
        self._reached = observed.reached.reshape(-1, bands)
        self._entered = np.repeat(observed.entered, thresholds, axis=0)
        self._weights = np.repeat(observed.weights, thresholds, axis=0)
        self.prior = prior.reshape(-1, size)

    def _chances(self, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
        point = expit(beta @ self._basis.T)
        band = np.einsum("fbx,fx->fb", self._weights, point)
        return point, np.clip(band, _SMALLEST, 1 - _SMALLEST)

    def loss(self, beta: FloatArray) -> FloatArray:
        """Half the penalties less the log-likelihood."""
        _, band = self._chances(beta)
        likelihood = (self._reached * np.log(band) + (self._entered - self._reached) * np.log1p(-band)).sum(axis=1)
        away = beta - self.prior
        falls = np.minimum(beta @ self._steps.T, 0.0)
        penalty = np.einsum("fi,ij,fj->f", away, self._smooth, away) + _FALLS * (falls**2).sum(axis=1)
        return np.asarray(penalty / 2 - likelihood)

    def slopes(self, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected information and the direction in which the loss falls."""
        point, band = self._chances(beta)
        slope = (point * (1 - point))[:, :, None] * self._basis[None, :, :]
        jacobian = np.matmul(self._weights, slope)
        spread = band * (1 - band)
        change = beta @ self._steps.T
        weighted = jacobian * (self._entered / spread)[:, :, None]
        information = np.matmul(weighted.transpose(0, 2, 1), jacobian) + self._smooth
        falling = (change < 0)[:, :, None] * self._steps
        information += _FALLS * np.matmul(falling.transpose(0, 2, 1), self._steps)
        gradient = np.einsum("fb,fbk->fk", (self._reached - self._entered * band) / spread, jacobian)
        gradient -= (beta - self.prior) @ self._smooth + _FALLS * (np.minimum(change, 0.0) @ self._steps)
        return information, gradient


def chances(coefficients: FloatArray, spline: Basis) -> FloatArray:
    """Chance of each threshold or better, unit x point x threshold: rising in the point, falling in the threshold."""
    curves = spline.rising(expit(np.einsum("utk,xk->utx", coefficients, spline.values)))
    return np.asarray(np.minimum.accumulate(curves, axis=1).transpose(0, 2, 1))
