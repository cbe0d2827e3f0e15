"""What is read off a distribution of grades: the estimate, its chances, expected points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestration.estimates.priors import FloatArray, IntArray

#: Chances are kept to this many decimals, so that "at least even odds" does not hang on the last bit of a machine.
DECIMALS = 10


def rounded(at_least: npt.ArrayLike) -> FloatArray:
    """Chances as they are kept."""
    kept: FloatArray = np.asarray(at_least, dtype=np.float64).round(DECIMALS)
    return kept


def probabilities(at_least: FloatArray) -> FloatArray:
    """Chance of exactly each grade, from the chances of each grade or better (last axis: grades, lowest first)."""
    beyond = np.concatenate([at_least[..., 1:], np.zeros_like(at_least[..., :1])], axis=-1)
    return np.asarray(at_least - beyond)


@dataclass(frozen=True)
class Summary:
    """One entry for each distribution.

    Attributes:
        grade: Index of the estimate: the highest grade with at least even odds.
        chance: Chance of that grade or better.
        higher: Chance of at least one grade higher (0 at the top).
        lower: Chance of a lower grade.
        expected: Mean of the points.
        deviation: Standard deviation of the points.
    """

    grade: IntArray
    chance: FloatArray
    higher: FloatArray
    lower: FloatArray
    expected: FloatArray
    deviation: FloatArray


def summarise(at_least: FloatArray, points: FloatArray) -> Summary:
    """Read estimates off distributions: row x grade, the first column 1."""
    grade = (at_least >= 0.5).sum(axis=1) - 1
    rows = np.arange(len(at_least))
    chance = at_least[rows, grade]
    beyond = np.concatenate([at_least, np.zeros((len(at_least), 1))], axis=1)
    exactly = probabilities(at_least)
    expected = exactly @ points
    return Summary(
        grade=grade,
        chance=chance,
        higher=beyond[rows, grade + 1],
        lower=1 - chance,
        expected=expected,
        deviation=np.sqrt(np.maximum(exactly @ points**2 - expected**2, 0.0)),
    )
