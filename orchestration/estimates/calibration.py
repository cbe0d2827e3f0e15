"""Out of time: estimates fitted to one year's reference, scored on the next year's pupils, beside plain baselines.

The next year's outcomes are published by sex and band, so each way is scored as it forecasts for sex and band. What
half points add within a band cannot be scored with them (docs/estimates.md says what was looked at instead).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.estimates import baselines, model, scoring
from orchestration.estimates.counts import QualificationCounts, counts
from orchestration.estimates.distributions import probabilities
from orchestration.estimates.errors import EstimateError
from orchestration.estimates.model import Model, QualificationModel
from orchestration.estimates.priors import FloatArray, PriorScale
from orchestration.estimates.reference import CountReference
from orchestration.estimates.threads import one_thread

#: Central intervals whose coverage is looked at.
INSIDE = (0.5, 0.8, 0.95)
MODEL = "model"
MODEL_BOTH = "model, sexes together"


class CalibrationError(EstimateError):
    """Two references that cannot be scored against each other; the message says why."""


@dataclass(frozen=True)
class Cells:
    """Forecasts and outcomes of one subject: cell (sex x band) x grade; ``forecast`` by way.

    ``band`` numbers the bands; ``band_from`` and ``band_to`` are their first and last points of ``scale``.
    """

    qualification: str
    subject: str
    scale: PriorScale
    sex: tuple[str, ...]
    band: tuple[int, ...]
    band_from: tuple[float, ...]
    band_to: tuple[float, ...]
    points: FloatArray
    counted: FloatArray
    forecast: Mapping[str, FloatArray]


def cells(fitted: Model, outcomes: CountReference) -> list[Cells]:
    """Forecast every subject that both years have, by the model and each baseline, for the outcomes' sexes and bands.

    Raises:
        CalibrationError: the years differ in stage or in bands.
    """
    if fitted.reference.stage != outcomes.stage:
        raise CalibrationError(f"The model is of {fitted.reference.stage}, the outcomes are of {outcomes.stage}.")
    scored = {found.qualification: found for found in counts(outcomes)}
    with one_thread():
        return [
            found
            for of in fitted.qualifications
            if of.source.qualification in scored
            for found in _qualification(of, scored[of.source.qualification])
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
                scale=source.scale,
                sex=tuple(np.repeat(source.sexes, len(source.bands))),
                band=tuple(np.tile(np.arange(len(source.bands)), len(source.sexes))),
                band_from=tuple(float(source.scale.points[band.start]) for band in source.bands),
                band_to=tuple(float(source.scale.points[band.stop - 1]) for band in source.bands),
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
    """Scores by subject and way: pupils, rps, log_loss, bias in points, coverage."""
    return pd.DataFrame(
        [
            {
                "qualification": of.qualification,
                "subject": of.subject,
                "way": way,
                **_scores([(at_least, of.counted, of.points)]),
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
        parts = [(of.forecast[str(way)], of.counted, of.points) for of in found]
        by_cell = sum(float(np.abs(scoring.residual(*part)).sum()) for part in parts)
        rows.append(
            {
                "way": way,
                **_scores(parts),
                "absolute_bias_by_subject": float((of_way["pupils"] * of_way["bias"].abs()).sum())
                / float(of_way["pupils"].sum()),
                "absolute_bias_by_cell": by_cell / float(of_way["pupils"].sum()),
            }
        )
    return pd.DataFrame(rows)


def by_group(found: list[Cells], group: str, way: str = MODEL) -> pd.DataFrame:
    """Scores by ``sex`` or ``band``, all subjects together: pupils, rps, log_loss, bias in points, coverage.

    Columns as of ``overall``, without the absolute biases.
    """
    values = sorted({value for of in found for value in getattr(of, group)})
    return pd.DataFrame([{group: value, **_scores(_parts(found, way, group, value))} for value in values])


#: Chances, counts and points of cells.
_Part = tuple[FloatArray, FloatArray, FloatArray]


def _parts(found: list[Cells], way: str, group: str, value: object) -> list[_Part]:
    cells_of = [(of, np.array([key == value for key in getattr(of, group)])) for of in found]
    return [(of.forecast[way][of_group], of.counted[of_group], of.points) for of, of_group in cells_of]


def _scores(parts: list[_Part]) -> dict[str, float]:
    pupils = sum(float(counted.sum()) for _, counted, _ in parts)
    entered = [part for part in parts if part[1].sum() > 0]
    summed = {
        "rps": sum(scoring.ranked_probability(at_least, counted).sum() for at_least, counted, _ in entered),
        "log_loss": sum(scoring.log_loss(at_least, counted).sum() for at_least, counted, _ in entered),
        "bias": sum(scoring.residual(*part).sum() for part in entered),
        **{
            f"coverage_{round(inside * 100)}": sum(
                scoring.coverage(at_least, counted, inside) * counted.sum() for at_least, counted, _ in entered
            )
            for inside in INSIDE
        },
    }
    return {"pupils": pupils, **{name: float(value / pupils) for name, value in summed.items()}}


def reliability(found: list[Cells], way: str = MODEL, bins: int = 10) -> pd.DataFrame:
    """Reliability curve of a way over all subjects and thresholds (``scoring.reliability``)."""
    parts = pd.concat([scoring.reliability(of.forecast[way], of.counted, bins) for of in found])
    for column in ("forecast", "observed"):
        parts[column] *= parts["forecasts"]
    table = parts.groupby("bin", as_index=False).sum()
    for column in ("forecast", "observed"):
        table[column] /= table["forecasts"]
    return table


def by_disadvantage(found: list[Cells], outcomes: pd.DataFrame, way: str = MODEL) -> pd.DataFrame:
    """Bias in points for disadvantaged and other pupils; the model does not know who is disadvantaged.

    Sex and disadvantage are not published together: both sexes' forecasts are mixed as the sexes stand in the band.

    Args:
        found: Forecasts.
        outcomes: ``qualification, subject, disadvantaged, prior_from, pupils, points_sum``.
        way: Whose forecasts.
    """
    expected = {
        (of.qualification, of.subject, of.scale.locate([start])[0]): value
        for of in found
        for start, value in zip(of.band_from, _mean_by_band(of, way), strict=True)
    }
    located = found[0].scale.locate(outcomes["prior_from"].to_numpy())
    keys = zip(outcomes["qualification"], outcomes["subject"], located, strict=True)
    table = outcomes.assign(expected=[expected.get(key, np.nan) for key in keys]).dropna(subset=["expected"])
    table["residual"] = table["expected"] * table["pupils"] - table["points_sum"]
    summed = table.groupby("disadvantaged", as_index=False)[["pupils", "residual"]].sum()
    summed["bias"] = summed["residual"] / summed["pupils"]
    return summed.drop(columns="residual")


def _mean_by_band(of: Cells, way: str) -> FloatArray:
    mean = (probabilities(of.forecast[way]) @ of.points).reshape(len(set(of.sex)), -1)
    pupils = of.counted.sum(axis=1).reshape(mean.shape)
    return np.asarray((mean * (pupils + 1e-9)).sum(axis=0) / (pupils + 1e-9).sum(axis=0))


@dataclass(frozen=True)
class Report:
    """A test's figures as they are kept.

    ``scores`` has a row a way, slice (all, subject, prior attainment, sex, disadvantage) and value: pupils, rps,
    log_loss, bias, absolute_bias_by_subject, coverage_50, coverage_80, coverage_95; what a slice does not have is NaN.
    ``reliability`` has a row a way and bin: forecasts, forecast, observed.
    """

    scores: pd.DataFrame
    reliability: pd.DataFrame


def report(fitted: CountReference, scored: CountReference, by: pd.DataFrame | None = None) -> Report:
    """Fit one year's reference and score the estimates, and each baseline's, on another year's results.

    Args:
        fitted: The year that is fitted.
        scored: The year that is scored.
        by: The scored year's results by disadvantage (``by_disadvantage``), where they are published.

    Raises:
        CalibrationError: as ``cells``, or the two have no subject in common.
    """
    found = cells(model.fit(fitted), scored)
    if not found:
        raise CalibrationError("The two references have no subject in common.")
    subjects = by_subject(found)
    several = subjects["qualification"].nunique() > 1
    names = subjects["qualification"] + " " + subjects["subject"] if several else subjects["subject"]
    slices = [
        overall(found).drop(columns="absolute_bias_by_cell").assign(slice="all", slice_value="all"),
        subjects.drop(columns=["qualification", "subject"]).assign(slice="subject", slice_value=names),
    ]
    curves = []
    bands = _band_names(found[0])
    for way in found[0].forecast:
        of_bands, of_sexes = by_group(found, "band", way), by_group(found, "sex", way)
        slices += [
            of_bands.drop(columns="band").assign(
                way=way, slice="prior attainment", slice_value=[bands[band] for band in of_bands["band"]]
            ),
            of_sexes.drop(columns="sex").assign(way=way, slice="sex", slice_value=of_sexes["sex"]),
        ]
        if by is not None:
            of_pupils = by_disadvantage(found, by, way)
            told = of_pupils["disadvantaged"].map({True: "disadvantaged", False: "others"})
            slices.append(
                of_pupils.drop(columns="disadvantaged").assign(way=way, slice="disadvantage", slice_value=told)
            )
        curves.append(reliability(found, way).assign(way=way))
    return Report(pd.concat(slices, ignore_index=True), pd.concat(curves, ignore_index=True))


def _band_names(of: Cells) -> list[str]:
    names = [f"{low:g} to {high:g}" for low, high in zip(of.band_from, of.band_to, strict=True)]
    return [f"below {of.scale.points[1]:g}", *names[1:]] if of.scale.below_scale else names
