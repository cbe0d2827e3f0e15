"""Out of time: estimates fitted to one year's reference, scored on the next year's pupils, beside plain baselines.

The next year's outcomes are published by sex and band, so each way is scored as it forecasts for sex and band. What
half points add within a band cannot be scored with them (docs/estimates.md says what was looked at instead).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.estimates import baselines, scoring
from orchestration.estimates.counts import QualificationCounts, counts
from orchestration.estimates.distributions import probabilities
from orchestration.estimates.model import Model, QualificationModel
from orchestration.estimates.priors import FloatArray
from orchestration.estimates.reference import CountReference

MODEL = "model"
MODEL_BOTH = "model, sexes together"


class CalibrationError(ValueError):
    """Two references that cannot be scored against each other; the message says why."""


@dataclass(frozen=True)
class Cells:
    """Forecasts and outcomes of one subject: cell (sex x band) x grade; ``forecast`` by way."""

    qualification: str
    subject: str
    sex: tuple[str, ...]
    band: tuple[int, ...]
    points: FloatArray
    counted: FloatArray
    forecast: Mapping[str, FloatArray]


def cells(model: Model, outcomes: CountReference) -> list[Cells]:
    """Forecast every subject that both years have, by the model and each baseline, for the outcomes' sexes and bands.

    Raises:
        CalibrationError: the years differ in stage or in bands.
    """
    if model.reference.stage != outcomes.stage:
        raise CalibrationError(f"The model is of {model.reference.stage}, the outcomes are of {outcomes.stage}.")
    scored = {found.qualification: found for found in counts(outcomes)}
    return [
        found
        for fitted in model.qualifications
        if fitted.source.qualification in scored
        for found in _qualification(fitted, scored[fitted.source.qualification])
    ]


def _qualification(fitted: QualificationModel, scored: QualificationCounts) -> list[Cells]:
    source = fitted.source
    if source.bands != scored.bands or source.sexes != scored.sexes:
        raise CalibrationError(f"{source.qualification}: the two years are not published by the same bands and sexes.")
    columns = _same_grades(source, scored)
    middle = np.array([source.scale.positions[band].mean() for band in source.bands])
    found = []
    for number, subject in enumerate(source.subjects):
        if subject not in scored.subjects:
            continue
        outcome = scored.pupils[scored.subjects.index(subject)]
        counted = np.zeros((*outcome.shape[:2], len(source.grades)))
        counted[:, :, columns] = outcome
        fit_to = source.pupils[number]
        ways = {
            "band look-up": baselines.band_look_up(fit_to),
            "band and sex look-up": baselines.band_sex_look_up(fit_to),
            "linear regression": baselines.linear_regression(fit_to, middle, source.points),
            "ordinal logit (scipy)": baselines.ordinal_logit(fit_to, middle),
            "multinomial logit (scikit-learn)": baselines.multinomial_logit(fit_to, middle),
        }
        by_sex = model_by_band(fitted, subject, source.sexes)
        together = model_by_band(fitted, subject, ("all",) * len(source.sexes))
        forecast = {MODEL: by_sex, MODEL_BOTH: together, **ways}
        shape = (len(source.sexes) * len(source.bands), len(source.grades))
        found.append(
            Cells(
                qualification=source.qualification,
                subject=subject,
                sex=tuple(np.repeat(source.sexes, len(source.bands))),
                band=tuple(np.tile(np.arange(len(source.bands)), len(source.sexes))),
                points=source.points,
                counted=counted.reshape(shape),
                forecast={way: of.reshape(shape) for way, of in forecast.items()},
            )
        )
    return found


def _same_grades(source: QualificationCounts, scored: QualificationCounts) -> list[int]:
    unknown = set(scored.grades) - set(source.grades)
    if unknown:
        raise CalibrationError(f"{source.qualification}: the fitted year has no grade {', '.join(sorted(unknown))}.")
    return [source.grades.index(grade) for grade in scored.grades]


def model_by_band(fitted: QualificationModel, subject: str, sexes: Sequence[str]) -> FloatArray:
    """The model's chances by sex, band and grade: means over the points of the bands as the pupils fall on them."""
    source = fitted.source
    out = np.zeros((len(sexes), len(source.bands), len(source.grades)))
    for number, sex in enumerate(sexes):
        unit = fitted.unit(subject, sex)
        for band_no, band in enumerate(source.bands):
            share = unit.within[band]
            out[number, band_no] = share @ unit.at_least[band]
    return out


def by_subject(found: list[Cells]) -> pd.DataFrame:
    """A row a subject and way: pupils, mean ranked probability score, mean log loss, bias in points."""
    return pd.DataFrame(
        [
            {
                "qualification": of.qualification,
                "subject": of.subject,
                "way": way,
                "pupils": of.counted.sum(),
                "rps": scoring.ranked_probability(at_least, of.counted).sum() / of.counted.sum(),
                "log_loss": scoring.log_loss(at_least, of.counted).sum() / of.counted.sum(),
                "bias": scoring.residual(at_least, of.counted, of.points).sum() / of.counted.sum(),
            }
            for of in found
            for way, at_least in of.forecast.items()
        ]
    )


def overall(found: list[Cells]) -> pd.DataFrame:
    """A row a way: pupil-weighted means over subjects of scores, of absolute bias by subject and by cell, coverage."""
    subjects = by_subject(found)
    rows = []
    for way, of_way in subjects.groupby("way", sort=False):
        weight = of_way["pupils"] / of_way["pupils"].sum()
        pupils = of_way["pupils"].sum()
        by_cell = sum(
            float(np.abs(scoring.residual(of.forecast[str(way)], of.counted, of.points)).sum()) for of in found
        )
        covered = {
            f"coverage_{round(inside * 100)}": sum(
                scoring.coverage(of.forecast[str(way)], of.counted, inside) * of.counted.sum() for of in found
            )
            / pupils
            for inside in (0.5, 0.8, 0.95)
        }
        rows.append(
            {
                "way": way,
                "rps": float((weight * of_way["rps"]).sum()),
                "log_loss": float((weight * of_way["log_loss"]).sum()),
                "bias": float((weight * of_way["bias"]).sum()),
                "absolute_bias_by_subject": float((weight * of_way["bias"].abs()).sum()),
                "absolute_bias_by_cell": by_cell / pupils,
                **covered,
            }
        )
    return pd.DataFrame(rows)


def by_group(found: list[Cells], group: str, way: str = MODEL) -> pd.DataFrame:
    """Bias in points by ``sex`` or ``band``, all subjects together: pupils, bias."""
    residuals = np.concatenate([scoring.residual(of.forecast[way], of.counted, of.points) for of in found])
    pupils = np.concatenate([of.counted.sum(axis=1) for of in found])
    keys = [key for of in found for key in getattr(of, group)]
    table = pd.DataFrame({group: keys, "pupils": pupils, "bias": residuals}).groupby(group, as_index=False).sum()
    table["bias"] /= table["pupils"]
    return table


def reliability(found: list[Cells], way: str = MODEL, bins: int = 10) -> pd.DataFrame:
    """Reliability curve of a way over all subjects and thresholds (``scoring.reliability``)."""
    parts = pd.concat([scoring.reliability(of.forecast[way], of.counted, bins) for of in found])
    for column in ("forecast", "observed"):
        parts[column] *= parts["forecasts"]
    table = parts.groupby("bin", as_index=False).sum()
    for column in ("forecast", "observed"):
        table[column] /= table["forecasts"]
    return table


def by_disadvantage(found: list[Cells], outcomes: pd.DataFrame, bands: list[float], way: str = MODEL) -> pd.DataFrame:
    """Bias in points for disadvantaged and other pupils; the model does not know who is disadvantaged.

    Sex and disadvantage are not published together: both sexes' forecasts are mixed as the sexes stand in the band.

    Args:
        found: Forecasts.
        outcomes: ``qualification, subject, disadvantaged, prior_from, pupils, points_sum``.
        bands: Lower ends of the bands, lowest first.
        way: Whose forecasts.
    """
    expected = {
        (of.qualification, of.subject, bands[band]): value
        for of in found
        for band, value in enumerate(_mean_by_band(of, way))
    }
    keys = zip(outcomes["qualification"], outcomes["subject"], outcomes["prior_from"], strict=True)
    table = outcomes.assign(expected=[expected.get(key, np.nan) for key in keys]).dropna(subset=["expected"])
    table["residual"] = table["expected"] * table["pupils"] - table["points_sum"]
    summed = table.groupby("disadvantaged", as_index=False)[["pupils", "residual"]].sum()
    summed["bias"] = summed["residual"] / summed["pupils"]
    return summed.drop(columns="residual")


def _mean_by_band(of: Cells, way: str) -> FloatArray:
    mean = (probabilities(of.forecast[way]) @ of.points).reshape(len(set(of.sex)), -1)
    pupils = of.counted.sum(axis=1).reshape(mean.shape)
    return np.asarray((mean * (pupils + 1e-9)).sum(axis=0) / (pupils + 1e-9).sum(axis=0))
