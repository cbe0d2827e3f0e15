"""Challenge levels: where a pupil would stand in a school at a given percentile of school effects in the subject.

A school's effect moves all grade thresholds of its pupils alike on the logistic scale. The published distribution is
that of the school in the middle (level 50); level q is the school that q per cent of schools exceed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit, ndtri

from orchestration.estimates.errors import EstimateError
from orchestration.estimates.priors import FloatArray

#: Average, high and very high challenge, as schools know them.
LEVELS = (50.0, 20.0, 5.0)
#: Share of the variance of Progress 8 between schools, 2015/16, as FFT Education Datalab reports it (January 2020) [H];
#: that single subjects vary alike is an assumption [L].
DEFAULT_SCHOOL_SHARE = 0.15
DEFAULT_SOURCE = "Progress 8 of 2015/16, FFT Education Datalab, January 2020; that subjects vary alike is assumed [L]"
_LOGISTIC_VARIANCE = math.pi**2 / 3
_LARGEST = 36.0  # logistic(36) is the last that differs from 1


class ChallengeError(EstimateError):
    """A challenge level or a school share that has no meaning; the message says which have."""


@dataclass(frozen=True)
class SchoolEffects:
    """How much schools differ, given pupils' prior attainment.

    Attributes:
        school_share: Share of the outcome's variance between schools, of every subject not named below; 0 to below 1.
        by_subject: Shares of single subjects by (qualification, subject), where evidence (an own pool) gives them.
        source: Where the shares come from.
    """

    school_share: float = DEFAULT_SCHOOL_SHARE
    by_subject: Mapping[tuple[str, str], float] = field(default_factory=dict)
    source: str = DEFAULT_SOURCE

    def __post_init__(self) -> None:
        for share in (self.school_share, *self.by_subject.values()):
            if not 0 <= share < 1:
                raise ChallengeError(f"The share of variance between schools must be from 0 to below 1, got {share}.")

    def sd(self, qualification: str, subject: str) -> float:
        """Standard deviation of the schools' effects on the logistic scale."""
        return math.sqrt(self.by_subject.get((qualification, subject), self.school_share) * _LOGISTIC_VARIANCE)


def school_share(sd: float) -> float:
    """The share of the outcome's variance that lies between schools whose effects have this standard deviation."""
    return sd**2 / _LOGISTIC_VARIANCE


def shift(level: float, sd: float) -> float:
    """The effect of the school at a level, on the logistic scale.

    Raises:
        ChallengeError: the level is not above 0 and below 100.
    """
    if not 0 < level < 100:
        raise ChallengeError(
            f"A challenge level is the per cent of schools that do better: between 0 and 100, not {level}."
        )
    return float(-ndtri(level / 100) * sd)


def at_level(at_least: FloatArray, level: float, sd: float) -> FloatArray:
    """Chances of each grade or better at a challenge level; the last axis is grades, whose first is certain."""
    with np.errstate(divide="ignore"):
        moved = np.clip(logit(at_least) + shift(level, sd), -_LARGEST, None)
    # Chances of 0 and 1 are the same in every school.
    return np.where(at_least <= 0, 0.0, np.where(at_least >= 1, 1.0, expit(moved)))
