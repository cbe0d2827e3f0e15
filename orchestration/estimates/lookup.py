"""The engine's result: look-up tables of estimates and their distributions, ready to be joined to pupils in SQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from orchestration.estimates import challenge, distributions, level3, years
from orchestration.estimates.challenge import SchoolEffects
from orchestration.estimates.level3 import Curve
from orchestration.estimates.model import Model, QualificationModel, Unit
from orchestration.estimates.priors import FloatArray

#: Changes whenever the same inputs and parameters would give other figures.
METHOD_VERSION = "1"
ESTIMATE_KEY = ["qualification", "level", "subject", "sex", "prior_measure", "prior_value", "challenge"]
#: A cell's own share of its estimate, from which it is called high and medium.
_HIGH, _MEDIUM = 0.9, 0.5
_LEVEL3_BANDS = 20
#: Students behind a curve from which it is called medium: 30 a band, the methodology's least for a cell.
_LEVEL3_MEDIUM = 30 * _LEVEL3_BANDS


@dataclass(frozen=True)
class LookUp:
    """Look-up tables of one run.

    ``estimates`` has a row per ``ESTIMATE_KEY``; ``distributions`` a row per ``ESTIMATE_KEY`` and grade. Columns are
    described in docs/estimates.md. ``subject`` holds the family's name where ``level`` is family.
    """

    run_id: str
    estimates: pd.DataFrame
    distributions: pd.DataFrame


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


def build(
    model: Model,
    effects: SchoolEffects,
    *,
    cohort_year: int,
    levels: Sequence[float] = challenge.LEVELS,
    accept_graded_differently: bool = False,
    more: Mapping[str, Sequence[Forecast]] | None = None,
) -> LookUp:
    """Estimates of every subject, sex and point of prior attainment at each challenge level.

    Args:
        model: The fitted reference.
        effects: How much schools differ.
        cohort_year: Year in which the pupils are examined.
        levels: Challenge levels, per cent of schools that do better.
        accept_graded_differently: See ``years.caveat``.
        more: Further forecasts by qualification (``fallback.forecasts``), for pupils without prior attainment.

    Raises:
        ReferenceYearError, ChallengeError: as ``years.caveat`` and ``challenge.shift``.
    """
    reference = model.reference
    label = years.caveat(
        reference.stage, reference.year, cohort_year, accept_graded_differently=accept_graded_differently
    )
    extra = more or {}
    found = [
        (GradeScale(fitted.source.qualification, fitted.source.grades, fitted.source.points), forecast)
        for fitted in model.qualifications
        for forecast in (
            *(prior_forecast(fitted, unit) for unit in fitted.units),
            *extra.get(fitted.source.qualification, ()),
        )
    ]
    inputs = {
        "reference": reference.digest,
        "parameters": asdict(model.parameters),
        "cohort_year": cohort_year,
        "more": _digest([forecast for name in sorted(extra) for forecast in extra[name]]),
    }
    return _tables(found, effects, levels, inputs, (reference.year, reference.release, label))


def build_level3(
    curves: Iterable[Curve],
    effects: SchoolEffects,
    *,
    cohort_year: int,
    levels: Sequence[float] = challenge.LEVELS,
    accept_graded_differently: bool = False,
) -> LookUp:
    """Estimates after 16 from the department's value-added curves, at tenths of a point of mean KS4 points.

    Curves without a scale of grades have none. ``qualification`` is followed by size and cohort, because one name may
    come in several; ``family`` is the cohort (A level, Applied general ...); ``sex`` is all.

    Args:
        curves: Curves of one year and release.
        effects: How much schools differ.
        cohort_year: Year in which the students are examined.
        levels: As of ``build``.
        accept_graded_differently: As of ``build``.

    Raises:
        ReferenceYearError, ChallengeError: as ``build``.
        ValueError: the curves are not all of one year and release, or there are none.
    """
    graded = sorted((curve for curve in curves if curve.grades), key=lambda curve: curve.qual_id)
    releases = {(curve.reference_year, curve.release) for curve in graded}
    if len(releases) != 1:
        raise ValueError(f"Give curves of one year and release; these are of {sorted(releases) or 'none'}.")
    ((year, release),) = releases
    label = years.caveat("ks4_ks5", year, cohort_year, accept_graded_differently=accept_graded_differently)
    found = [
        (
            GradeScale(level3_qualification(curve), curve.grades, curve.points),
            _level3(curve),
        )
        for curve in graded
    ]
    inputs = {"curves": _digest([forecast for _, forecast in found]), "cohort_year": cohort_year}
    return _tables(found, effects, levels, inputs, (year, release, label))


def prior_forecast(fitted: QualificationModel, unit: Unit) -> Forecast:
    """The unit's estimates by prior attainment; points where neither it nor its parent has a pupil are left out."""
    own = unit.pupils > 0
    based = np.flatnonzero(own | (unit.family_pupils > 0))
    share = unit.pupils / np.maximum(unit.pupils + unit.parent_pupils, 1e-9)
    return Forecast(
        level=unit.level,
        subject=unit.name,
        family=unit.family,
        sex=unit.sex,
        measure=fitted.source.scale.stage.split("_")[0] + "_mean",
        values=fitted.source.scale.points[based],
        at_least=unit.at_least[based],
        method=np.where(own, "own_counts", "parent_counts")[based],
        basis=np.where(own, unit.pupils, unit.family_pupils)[based],
        effective=unit.effective[based],
        reliability=np.select([share >= _HIGH, share >= _MEDIUM], ["high", "medium"], "low")[based],
    )


def level3_qualification(curve: Curve) -> str:
    """Name of a curve's qualification in the look-ups: with size and cohort, because one name may come in several."""
    return f"{curve.qualification} (size {curve.size:g}, {curve.cohort})"


def _level3(curve: Curve) -> Forecast:
    tenths = np.arange(np.ceil(curve.prior[0] * 10), np.floor(curve.prior[-1] * 10) + 1) / 10
    number = len(tenths)
    return Forecast(
        level="subject",
        subject=curve.subject,
        family=curve.cohort,
        sex="all",
        measure="ks4_mean",
        values=tenths,
        at_least=curve.at_least(tenths),
        method=np.full(number, level3.METHOD),
        basis=np.full(number, float(curve.pupils)),
        # The department's curve has 20 bands of equally many students.
        effective=np.full(number, curve.pupils / _LEVEL3_BANDS),
        reliability=np.full(number, "medium" if curve.pupils >= _LEVEL3_MEDIUM else "low"),
    )


def _tables(
    found: Sequence[tuple[GradeScale, Forecast]],
    effects: SchoolEffects,
    levels: Sequence[float],
    inputs: Mapping[str, object],
    origin: tuple[int, str, str],
) -> LookUp:
    """The tables of all forecasts at all levels; ``origin`` is reference year, release and caveat."""
    run = _run_id({**inputs, "effects": asdict(effects), "levels": [float(level) for level in levels]})
    rows = [_rows(scale, forecast, effects, level) for scale, forecast in found for level in levels]
    year, release, label = origin
    return LookUp(
        run,
        pd.concat([estimates for estimates, _ in rows], ignore_index=True).assign(
            run_id=run, reference_year=year, release=release, caveat=label
        ),
        pd.concat([grades for _, grades in rows], ignore_index=True).assign(run_id=run),
    )


def _rows(
    scale: GradeScale, forecast: Forecast, effects: SchoolEffects, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    at_least = distributions.rounded(challenge.at_level(forecast.at_least, level, effects.sd(forecast.subject)))
    found = distributions.summarise(at_least, scale.points)
    key = {
        "qualification": scale.qualification,
        "level": forecast.level,
        "subject": forecast.subject,
        "sex": forecast.sex,
        "prior_measure": forecast.measure,
        "prior_value": forecast.values,
        "challenge": level,
    }
    estimates = pd.DataFrame(
        {
            **key,
            "family": forecast.family,
            "estimate_grade": np.array(scale.grades)[found.grade],
            "chance": found.chance,
            "chance_higher": found.higher,
            "chance_lower": found.lower,
            "expected_points": found.expected,
            "points_sd": found.deviation,
            "standard_error": found.deviation / np.sqrt(np.maximum(forecast.effective, 1.0)),
            "basis_n": forecast.basis.astype(np.int64),
            "effective_n": forecast.effective,
            "reliability": forecast.reliability,
            "method": forecast.method,
        }
    )
    grades = pd.DataFrame(
        {
            **key,
            "prior_value": np.repeat(forecast.values, len(scale.grades)),
            "grade": np.tile(scale.grades, len(at_least)),
            "points": np.tile(scale.points, len(at_least)),
            "probability": distributions.rounded(distributions.probabilities(at_least)).ravel(),
            "cumulative": at_least.ravel(),
        }
    )
    return estimates, grades


def _run_id(inputs: Mapping[str, object]) -> str:
    """A hash of everything the tables follow from."""
    told = json.dumps({"method": METHOD_VERSION, **inputs}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _digest(forecasts: Sequence[Forecast]) -> str:
    digest = hashlib.sha256()
    for forecast in forecasts:
        digest.update(f"{forecast.level}|{forecast.subject}|{forecast.sex}|{forecast.measure}|".encode())
        digest.update(forecast.values.tobytes())
        digest.update(distributions.rounded(forecast.at_least).tobytes())
    return digest.hexdigest()
