"""National figures that the generator reproduces, read from ``sandbox/data``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
DATA_DIR = Path(__file__).parent / "data"

#: Quantile tables hold the absence rate at (i + 0.5) / QUANTILES.
QUANTILES = 2000
#: Edges of the published absence bands. Absence above one half is one open band.
_BAND_EDGES = np.array([0.0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 1.0])


class AbsenceCell(msgspec.Struct, frozen=True):
    """Distribution of yearly absence among one kind of pupil: share of pupils per 10,000 in each band."""

    phase: str
    nc_year: int
    fsm: bool
    sen: bool
    female: bool
    share: float
    per_10k_by_band: list[float]


class Scale(msgspec.Struct, frozen=True):
    """From the year of the bands to the year simulated: rates times ``factor``, then bent about one tenth.

    ``bend`` above 1 lowers the rates on either side of one tenth, which itself stays: by a power below, by a slope
    above.
    """

    factor: float
    bend: float

    def apply(self, rates: FloatArray) -> FloatArray:
        """Moved rates, at most 1."""
        moved = self.factor * rates
        bent = np.where(moved > 0.1, 0.1 + (moved - 0.1) / self.bend, 0.1 * (moved / 0.1) ** self.bend)
        return np.minimum(bent, 1.0)


class AttendanceLevel(msgspec.Struct, frozen=True):
    """National rates of one academic year and phase; shares of possible sessions, codes per 10,000 of them."""

    academic_year: str
    phase: str
    absence: float
    authorised: float
    unauthorised: float
    illness: float
    persistent_absence: float
    scale: Scale
    per_10k_possible: dict[str, float]


class AttendanceParameters(msgspec.Struct, frozen=True):
    """Contents of ``attendance.json``."""

    cells: list[AbsenceCell]
    levels: list[AttendanceLevel]
    schools_by_phase: dict[str, int]

    def level(self, phase: str, academic_year: int) -> AttendanceLevel:
        """The level of a phase in the academic year that starts in ``academic_year``.

        A year without published figures takes those of the nearest year that has them.
        """
        mine = [level for level in self.levels if level.phase == phase]
        return min(mine, key=lambda level: abs(int(level.academic_year[:4]) - academic_year))


class Gcse(msgspec.Struct, frozen=True):
    """Entry rate and grade distribution of one subject in each of the eleven KS2 bands and "no score"."""

    subject: str
    grades: list[str]
    entry_per_1k_by_band: list[int]
    per_10k_by_band: list[list[int]]


class ALevel(msgspec.Struct, frozen=True):
    """Grade distribution of one A-level subject by band of mean GCSE points (under 1, 1 to under 2, ... 9)."""

    subject: str
    entries: int
    grades: list[str]
    per_10k_by_band: list[list[int]]


class AttainmentParameters(msgspec.Struct, frozen=True):
    """Contents of ``attainment.json``."""

    ks2_band_edges: list[float]
    ks2_band_share: list[float]
    ks2_unknown_share: float
    shifts: dict[str, float]
    gcse: list[Gcse]
    a_level: list[ALevel]


class LocalAuthority(msgspec.Struct, frozen=True):
    """A real local authority: three-digit code, name, region."""

    code: str
    name: str
    region: str


class _LocalAuthorities(msgspec.Struct, frozen=True):
    local_authorities: list[LocalAuthority]


def quantile_table(band_counts: FloatArray) -> FloatArray:
    """Absence rate at ``QUANTILES`` equally likely points, from counts in the published bands.

    Above 5 % there are fewer pupils the higher the rate, within bands too: spreading them evenly overstates the
    published overall rate of the same year by a tenth. The open band thins out quickest (mean about 0.57).
    """
    cumulative = np.concatenate([[0.0], np.cumsum(band_counts)]) / band_counts.sum()
    points = (np.arange(QUANTILES) + 0.5) / QUANTILES
    band = np.clip(np.searchsorted(cumulative, points, side="right") - 1, 0, len(band_counts) - 1)
    width = cumulative[band + 1] - cumulative[band]
    within = (points - cumulative[band]) / np.where(width > 0, width, 1.0)
    within = np.where(band == 0, within**1.4, np.where(band == len(band_counts) - 1, within**6, within**1.5))
    rates: FloatArray = _BAND_EDGES[band] + within * (_BAND_EDGES[band + 1] - _BAND_EDGES[band])
    return rates


@cache
def attendance_parameters() -> AttendanceParameters:
    """Absence distributions, levels and code rates."""
    return msgspec.json.decode((DATA_DIR / "attendance.json").read_bytes(), type=AttendanceParameters)


@cache
def attainment_parameters() -> AttainmentParameters:
    """KS2, GCSE and A-level distributions."""
    return msgspec.json.decode((DATA_DIR / "attainment.json").read_bytes(), type=AttainmentParameters)


@cache
def local_authorities() -> list[LocalAuthority]:
    """Every local authority in England that the attendance series knows."""
    return msgspec.json.decode(
        (DATA_DIR / "local_authorities.json").read_bytes(), type=_LocalAuthorities
    ).local_authorities
