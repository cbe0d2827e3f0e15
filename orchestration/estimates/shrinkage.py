"""How many pupils' weight the parent has in a cell: estimated from the counts themselves (empirical Bayes)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from orchestration.estimates.priors import FloatArray

#: The estimate is kept between these; the methodology's own range for a plain parent is 30 to 50.
LEAST, MOST = 20.0, 500.0
_SMALLEST = 1e-6


def pupils_of_parent(counted: FloatArray, expected: FloatArray) -> float:
    """The weight k, in pupils, that makes the counts likeliest when each cell's chances vary about its parent's.

    The counts are taken as Dirichlet-multinomial: ``counted ~ DM(k * expected)``. A large k says that children differ
    from their (moved) parents little more than chance makes them differ.

    Args:
        counted: Pupils by cell x grade.
        expected: The parent's chances by cell x grade.
    """
    cells = counted.sum(axis=1) > 0
    n, p = counted[cells], np.maximum(expected[cells], _SMALLEST)
    p = p / p.sum(axis=1, keepdims=True)
    if len(n) == 0:
        return LEAST

    def cost(log_k: float) -> float:
        k = np.exp(log_k)
        cell = gammaln(k) - gammaln(k + n.sum(axis=1))
        grade = (gammaln(n + k * p) - gammaln(k * p)).sum(axis=1)
        return -float((cell + grade).sum())

    found = minimize_scalar(cost, bounds=(np.log(LEAST), np.log(MOST)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))
