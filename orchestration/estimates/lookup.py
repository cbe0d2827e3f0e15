"""The engine's result: look-up tables of estimates with their distributions, ready to be joined to pupils in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.estimates import challenge, distributions, fallback, level3, model, years
from orchestration.estimates.errors import EstimateError
from orchestration.estimates.files import Reference
from orchestration.estimates.forecast import Forecast, GradeScale
from orchestration.estimates.level3 import Curve, CurveReference
from orchestration.estimates.model import QualificationModel, Unit
from orchestration.estimates.recipe import Recipe
from orchestration.estimates.reference import CountReference

ESTIMATE_KEY = ["qualification", "subject", "level", "sex", "prior_measure", "prior_value", "challenge"]
#: A cell's own share of its estimate, from which it is called high and medium.
_HIGH, _MEDIUM = 0.9, 0.5
_LEVEL3_BANDS = 20
#: Students behind a curve from which it is called medium: 30 a band, the methodology's least for a cell.
_LEVEL3_MEDIUM = 30 * _LEVEL3_BANDS


class RecipeError(EstimateError):
    """A recipe that does not go with its reference; the message says why."""


@dataclass(frozen=True)
class LookUp:
    """Look-ups of one run.

    ``estimates`` has a row per ``ESTIMATE_KEY``, its distribution in the lists ``grades``, ``points`` and ``chances``;
    columns are described in docs/estimates.md. ``subject`` holds the family's name where ``level`` is family.
    ``caveat`` says how the reference was graded differently; it is empty where it was not.
    """

    run_id: str
    caveat: str
    estimates: pd.DataFrame

    def distributions(self) -> pd.DataFrame:
        """A row per ``ESTIMATE_KEY`` and grade: points, ``cumulative`` (that grade or better), ``probability``."""
        rows = self.estimates[[*ESTIMATE_KEY, "grades", "points", "chances"]].explode(["grades", "points", "chances"])
        rows = rows.rename(columns={"grades": "grade", "chances": "cumulative"}).astype(
            {"points": float, "cumulative": float}
        )
        beyond = rows["cumulative"].groupby(level=0).shift(-1).fillna(0.0)
        rows["probability"] = distributions.rounded(rows["cumulative"] - beyond)
        return rows.reset_index(drop=True)


def build(reference: Reference, recipe: Recipe) -> LookUp:
    """Estimates of every subject, sex and point of prior attainment at each challenge level.

    Pupils without prior attainment have the fallbacks of ``fallback.forecasts``. In stage level3 the points are tenths
    of mean KS4 points between the ends of the curve, curves without a scale of grades have no estimates,
    ``qualification`` is followed by size and cohort (one name may come in several), ``family`` is the cohort (A level,
    Applied general ...) and ``sex`` is all.

    Raises:
        ReferenceYearError, ChallengeError: as ``years.caveat`` and ``challenge.shift``.
        RecipeError: there are substitutes for KS2, and the reference has no KS2.
    """
    label = years.caveat(
        reference.stage,
        reference.year,
        recipe.cohort_year,
        accept_graded_differently=recipe.accept_graded_differently,
    )
    if recipe.substitutes and reference.stage != "ks2_ks4":
        raise RecipeError(f"Substitutes stand for KS2; a reference of {reference.stage} has none. Leave them out.")
    parts = [_columns(scale, forecast, recipe) for scale, forecast in _forecasts(reference, recipe)]
    # One frame of all: a frame for each of a thousand forecasts took longer than the estimates themselves.
    rows = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return LookUp(recipe.run_id(reference.digest), label, rows)


def _forecasts(reference: Reference, recipe: Recipe) -> Iterator[tuple[GradeScale, Forecast]]:
    match reference:
        case CountReference():
            for fitted in model.fit(reference, recipe.parameters).qualifications:
                scale = GradeScale(fitted.source.qualification, fitted.source.grades, fitted.source.points)
                for unit in fitted.units:
                    yield scale, prior_forecast(fitted, unit)
                for forecast in fallback.forecasts(fitted, recipe.substitutes):
                    yield scale, forecast
        case CurveReference():
            for curve in reference.curves:
                if curve.grades:
                    named = f"{curve.qualification} (size {curve.size:g}, {curve.cohort})"
                    yield GradeScale(named, curve.grades, curve.points), _level3(curve)


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


def _columns(scale: GradeScale, forecast: Forecast, recipe: Recipe) -> dict[str, npt.NDArray[Any]]:
    """Columns of the forecast's estimates, one level after the other."""
    sd = recipe.effects.sd(scale.qualification, forecast.subject)
    levels = [challenge.at_level(forecast.at_least, level, sd) for level in recipe.levels]
    at_least = distributions.rounded(np.concatenate(levels))
    found = distributions.summarise(at_least, scale.points)
    number, times = len(at_least), len(levels)
    effective = np.tile(forecast.effective, times)
    named = {
        "qualification": scale.qualification,
        "level": forecast.level,
        "subject": forecast.subject,
        "family": forecast.family,
        "sex": forecast.sex,
        "prior_measure": forecast.measure,
    }
    return {
        **{name: _repeated(value, number) for name, value in named.items()},
        "prior_value": np.tile(forecast.values.round(2), times),
        "challenge": np.repeat(recipe.levels, len(forecast.values)),
        "estimate_grade": np.array(scale.grades, dtype=object)[found.grade],
        "estimate_points": scale.points[found.grade],
        "chance": found.chance,
        "chance_higher": found.higher,
        "chance_lower": found.lower,
        "expected_points": distributions.rounded(found.expected),
        "points_sd": distributions.rounded(found.deviation),
        "standard_error": distributions.rounded(found.deviation / np.sqrt(np.maximum(effective, 1.0))),
        "basis_n": np.tile(forecast.basis.astype(np.int64), times),
        "effective_n": distributions.rounded(effective),
        "reliability": np.tile(forecast.reliability, times),
        "method": np.tile(forecast.method, times),
        "grades": _repeated(list(scale.grades), number),
        "points": _repeated(scale.points.tolist(), number),
        "chances": np.fromiter(at_least.tolist(), dtype=object, count=number),
    }


def _repeated(value: object, number: int) -> npt.NDArray[Any]:
    column = np.empty(number, dtype=object)
    column.fill(value)
    return column
