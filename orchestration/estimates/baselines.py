"""Plain ways to the same distributions, to measure the model against. Each is fitted to the same published counts.

All take counts of one subject, sex x band x grade, and give the chance of each grade or better by sex and band.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm

from orchestration.estimates.priors import FloatArray


def _cumulative(exactly: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(exactly[..., ::-1], axis=-1)[..., ::-1])


def band_look_up(pupils: FloatArray) -> FloatArray:
    """The shares of each band, sexes together; a band without pupils takes the subject's shares."""
    return _looked_up(np.broadcast_to(pupils.sum(axis=0), pupils.shape), pupils.sum(axis=(0, 1)))


def band_sex_look_up(pupils: FloatArray) -> FloatArray:
    """The shares of each band and sex; a cell without pupils takes the subject's shares."""
    return _looked_up(pupils, pupils.sum(axis=(0, 1)))


def _looked_up(pupils: FloatArray, all_pupils: FloatArray) -> FloatArray:
    total = pupils.sum(axis=-1, keepdims=True)
    return _cumulative(np.where(total > 0, pupils / np.maximum(total, 1), all_pupils / all_pupils.sum()))


def linear_regression(pupils: FloatArray, middle: FloatArray, points: FloatArray) -> FloatArray:
    """Points on prior attainment and sex by least squares, with normal errors cut half way between grades."""
    sexes, bands, _ = pupils.shape
    design = _design(sexes, middle)
    weight = pupils.reshape(sexes * bands, -1)
    total = weight.sum(axis=1)
    mean = weight @ points / np.maximum(total, 1)
    normal = design.T @ (total[:, None] * design) + 1e-9 * np.eye(design.shape[1])
    line = design @ np.linalg.solve(normal, design.T @ (total * mean))
    sd = np.sqrt((weight * (points - line[:, None]) ** 2).sum() / max(total.sum() - design.shape[1], 1))
    cut = (points[1:] + points[:-1]) / 2
    above = norm.sf(cut, line[:, None], max(sd, 1e-6))
    return np.concatenate([np.ones((len(line), 1)), above], axis=1).reshape(pupils.shape)


def ordinal_logit(pupils: FloatArray, middle: FloatArray) -> FloatArray:
    """The proportional-odds model on prior attainment and sex by maximum likelihood (scipy's BFGS)."""
    sexes, bands, grades = pupils.shape
    design = _design(sexes, middle)[:, 1:]
    flat = pupils.reshape(sexes * bands, grades)
    share = _cumulative(flat.sum(axis=0) + 0.5)
    start_cut = np.log(share[1:] / share[0] / (1 - share[1:] / share[0]))  # falling

    def unpack(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        gaps = np.exp(values[1 : grades - 1])
        cuts = values[0] - np.concatenate([[0.0], np.cumsum(gaps)])
        return cuts, values[grades - 1 :]

    def cost(values: FloatArray) -> tuple[float, FloatArray]:
        cuts, slopes = unpack(values)
        above = expit(cuts + (design @ slopes)[:, None])
        edge = np.pad(above, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
        exactly = np.maximum(edge[:, :-1] - edge[:, 1:], 1e-12)
        ratio = flat / exactly
        pull = (ratio[:, 1:] - ratio[:, :-1]) * above * (1 - above)
        by_cut = pull.sum(axis=0)
        gaps = np.exp(values[1 : grades - 1])
        by_gap = -gaps * np.cumsum(by_cut[::-1])[::-1][1:]
        by_slope = design.T @ pull.sum(axis=1)
        gradient = np.concatenate([[by_cut.sum()], by_gap, by_slope])
        total = flat.sum()
        return -float((flat * np.log(exactly)).sum()) / total, -gradient / total

    start = np.concatenate([[start_cut[0]], np.log(np.maximum(-np.diff(start_cut), 1e-3)), np.zeros(design.shape[1])])
    found = minimize(cost, start, jac=True, method="BFGS", options={"maxiter": 500})
    cuts, slopes = unpack(found.x)
    above = expit(cuts + (design @ slopes)[:, None])
    return np.concatenate([np.ones((len(above), 1)), above], axis=1).reshape(pupils.shape)


def multinomial_logit(pupils: FloatArray, middle: FloatArray, iterations: int = 1000) -> FloatArray:
    """scikit-learn's multinomial logistic regression on prior attainment, its square and sex."""
    from sklearn.linear_model import LogisticRegression

    sexes, bands, grades = pupils.shape
    linear = _design(sexes, middle)[:, 1:]
    design = np.concatenate([linear, linear[:, :1] ** 2], axis=1)
    cell, grade = np.nonzero(pupils.reshape(sexes * bands, grades))
    weight = pupils.reshape(sexes * bands, grades)[cell, grade]
    fitted = LogisticRegression(C=1e4, max_iter=iterations).fit(design[cell], grade, sample_weight=weight)
    exactly = np.zeros((sexes * bands, grades))
    exactly[:, fitted.classes_] = fitted.predict_proba(design)
    return _cumulative(exactly).reshape(pupils.shape)


def _design(sexes: int, middle: FloatArray) -> FloatArray:
    """Constant, prior attainment (standardised), sexes but the first; rows as sex x band."""
    prior = np.tile((middle - middle.mean()) / middle.std(), sexes)
    sex = np.repeat(np.eye(sexes)[:, 1:], len(middle), axis=0)
    return np.column_stack([np.ones(len(prior)), prior, sex])
