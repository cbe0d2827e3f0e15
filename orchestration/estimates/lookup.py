"""The engine's result: look-up tables of estimates and their distributions, ready to be joined to pupils in SQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from orchestration.estimates import challenge, distributions, years
from orchestration.estimates.challenge import SchoolEffects
from orchestration.estimates.model import Model, QualificationModel, Unit
from orchestration.estimates.priors import FloatArray

#: Changes whenever the same inputs and parameters would give other figures.
METHOD_VERSION = "1"
ESTIMATE_KEY = ["qualification", "level", "subject", "sex", "prior_measure", "prior_value", "challenge"]
#: A cell's own share of its estimate, from which it is called high and medium.
_HIGH, _MEDIUM = 0.9, 0.5


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
class Forecast:
    """Distributions of one subject and sex at several values of one measure of prior attainment, before challenge.

    ``at_least`` is value x grade; the other arrays have an entry a value.
    """

    unit: Unit
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
    label = years.caveat(
        model.reference.stage, model.reference.year, cohort_year, accept_graded_differently=accept_graded_differently
    )
    extra = more or {}
    run = _run_id(model, effects, cohort_year, levels, extra)
    estimates, grades = [], []
    for fitted in model.qualifications:
        found = [*(prior_forecast(fitted, unit) for unit in fitted.units), *extra.get(fitted.source.qualification, ())]
        for forecast in found:
            for level in levels:
                rows = _rows(fitted, forecast, effects, level)
                estimates.append(rows[0])
                grades.append(rows[1])
    return LookUp(
        run,
        pd.concat(estimates, ignore_index=True).assign(
            run_id=run, reference_year=model.reference.year, release=model.reference.release, caveat=label
        ),
        pd.concat(grades, ignore_index=True).assign(run_id=run),
    )


def prior_forecast(fitted: QualificationModel, unit: Unit) -> Forecast:
    """The unit's estimates by prior attainment; points where neither it nor its parent has a pupil are left out."""
    own = unit.pupils > 0
    based = np.flatnonzero(own | (unit.family_pupils > 0))
    share = unit.pupils / np.maximum(unit.pupils + unit.parent_pupils, 1e-9)
    return Forecast(
        unit=unit,
        measure=fitted.source.scale.stage.split("_")[0] + "_mean",
        values=fitted.source.scale.points[based],
        at_least=unit.at_least[based],
        method=np.where(own, "own_counts", "parent_counts")[based],
        basis=np.where(own, unit.pupils, unit.family_pupils)[based],
        effective=unit.effective[based],
        reliability=np.select([share >= _HIGH, share >= _MEDIUM], ["high", "medium"], "low")[based],
    )


def _rows(
    fitted: QualificationModel, forecast: Forecast, effects: SchoolEffects, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    source, unit = fitted.source, forecast.unit
    at_least = distributions.rounded(challenge.at_level(forecast.at_least, level, effects.sd(unit.name)))
    found = distributions.summarise(at_least, source.points)
    key = {
        "qualification": source.qualification,
        "level": unit.level,
        "subject": unit.name,
        "sex": unit.sex,
        "prior_measure": forecast.measure,
        "prior_value": forecast.values,
        "challenge": level,
    }
    estimates = pd.DataFrame(
        {
            **key,
            "family": unit.family,
            "estimate_grade": np.array(source.grades)[found.grade],
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
            "prior_value": np.repeat(forecast.values, len(source.grades)),
            "grade": np.tile(source.grades, len(at_least)),
            "points": np.tile(source.points, len(at_least)),
            "probability": distributions.rounded(distributions.probabilities(at_least)).ravel(),
            "cumulative": at_least.ravel(),
        }
    )
    return estimates, grades


def _run_id(
    model: Model,
    effects: SchoolEffects,
    cohort_year: int,
    levels: Sequence[float],
    more: Mapping[str, Sequence[Forecast]],
) -> str:
    """A hash of everything the tables follow from."""
    digest = hashlib.sha256(
        json.dumps(
            {
                "method": METHOD_VERSION,
                "reference": model.reference.digest,
                "parameters": asdict(model.parameters),
                "school_share": effects.school_share,
                "by_subject": dict(sorted(effects.by_subject.items())),
                "cohort_year": cohort_year,
                "levels": [float(level) for level in levels],
            },
            sort_keys=True,
        ).encode()
    )
    for name in sorted(more):
        for forecast in more[name]:
            digest.update(f"{name}|{forecast.unit.name}|{forecast.unit.sex}|{forecast.measure}|".encode())
            digest.update(forecast.values.tobytes())
            digest.update(distributions.rounded(forecast.at_least).tobytes())
    return digest.hexdigest()[:16]
