"""What every way of estimating gives: distributions of grades by prior attainment, before challenge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.estimates.priors import FloatArray


@dataclass(frozen=True)
class GradeScale:
    """The grades of a qualification, lowest first, and their points."""

    qualification: str
    grades: tuple[str, ...]
    points: FloatArray


@dataclass(frozen=True)
class Forecast:
    """Distributions of one subject and sex at several values of one measure of prior attainment, before challenge.

    ``at_least`` is value x grade; the other arrays have an entry a value.
    """

    level: str
    subject: str
    family: str
    sex: str
    measure: str
    values: FloatArray
    at_least: FloatArray
    method: np.typing.NDArray[np.str_]
    basis: FloatArray
    effective: FloatArray
    reliability: np.typing.NDArray[np.str_]
