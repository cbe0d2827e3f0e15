"""The scales of prior attainment: which points there are, and which point a pupil's value belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestration.estimates.errors import EstimateError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


class PriorError(EstimateError):
    """A value that is not on the scale of prior attainment; the message says which are."""


@dataclass(frozen=True)
class PriorScale:
    """A scale of prior attainment as the points at which estimates are made.

    ``points`` are the published labels, ``positions`` the places on the axis along which curves are smooth (they differ
    where one point stands for a range). Values from ``lowest`` to the first point belong to the first point, values
    from the last point to ``highest`` to the last; between, a value belongs to the point at or just below it.
    ``below_scale`` says that the first point is no measured score but the group of those without one on the scale: it
    is fitted by itself, and estimates need not rise from it to the next point.
    """

    stage: str
    measure: str
    step: float
    points: FloatArray
    positions: FloatArray
    lowest: float
    highest: float
    below_scale: bool

    def locate(self, values: npt.ArrayLike) -> IntArray:
        """Indices of the points the values belong to.

        Raises:
            PriorError: a value is missing or off the scale.
        """
        given = np.asarray(values, dtype=np.float64)
        wrong = ~((given >= self.lowest) & (given <= self.highest))
        if wrong.any():
            shown = ", ".join(str(value) for value in given[wrong][:5])
            raise PriorError(
                f"{self.measure} must lie between {self.lowest} and {self.highest}, got {shown}. A pupil without it"
                " needs an estimate from another basis (see docs/estimates.md, pupils without KS2)."
            )
        # Binary fractions: 5.3 / 0.1 is 52.999..., which must not fall to 5.2.
        steps = np.floor(given / self.step + 1e-6) * self.step
        return np.clip(np.searchsorted(self.points, steps + self.step / 4) - 1, 0, len(self.points) - 1)

    def within(self, lowest: float, highest: float) -> slice:
        """The points of a published band that runs from ``lowest`` to ``highest``, both included.

        Raises:
            PriorError: no point of the scale lies in the band.
        """
        first, last = int(self.locate([lowest])[0]), int(self.locate([highest])[0])
        if last < first:
            raise PriorError(f"A band of {self.measure} runs backwards: {lowest} to {highest}.")
        return slice(first, last + 1)


def _ks2() -> PriorScale:
    # Below 80 there are only nominal scores for outcomes without a scaled score, and one published band: one point. Its
    # entrants do better than those with 80 to 89.5 (2024: mathematics 1.61 against 1.55, French 3.32 against 2.40): one
    # monotone curve through both was 0.21 grade too low for them a year later, a group apart 0.06 (2023 to 2024).
    scored = np.arange(160, 241) / 2
    return PriorScale(
        stage="ks2_ks4",
        measure="Mean of the KS2 reading and mathematics scaled scores",
        step=0.5,
        points=np.concatenate([[79.5], scored]),
        positions=np.concatenate([[77.0], scored]),
        lowest=59.0,
        highest=120.0,
        below_scale=True,
    )


def _ks4() -> PriorScale:
    # The last band is "9 and over" (AS levels score up to 10.75): one point.
    points = np.arange(0, 91) / 10
    return PriorScale(
        stage="ks4_ks5",
        measure="Mean points of the GCSEs and equivalents",
        step=0.1,
        points=points,
        positions=points + 0.05,
        lowest=0.0,
        highest=10.75,
        below_scale=False,
    )


def _ks1() -> PriorScale:
    # Average points of reading, writing and mathematics as KS1-2 progress used them: W 3, 1 9, 2C 13 ... 3 21, 4 27.
    points = np.arange(0, 55) / 2
    return PriorScale(
        stage="ks1_ks2",
        measure="KS1 average points",
        step=0.5,
        points=points,
        positions=points,
        lowest=0.0,
        highest=27.0,
        below_scale=False,
    )


#: By stage: KS2 to KS4, KS4 to KS5, and KS1 to KS2, of which only operators have references.
SCALES = {scale.stage: scale for scale in (_ks2(), _ks4(), _ks1())}
