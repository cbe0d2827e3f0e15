"""How good estimates are: fitted to one year, scored on the next, beside plain ways of estimating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.benchmarks.queries import calibration as queries
from reports.benchmarks.visit import CohortVisit
from reports.charts.shapes import bars
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, Table, table
from reports.formats import NOT_AVAILABLE, count, percent, points, rounded, sentence
from reports.pages import Page

_STAGES = {
    "ks2_ks4": "GCSE from Key Stage 2",
    "ks4_ks5": "A level from GCSE",
    "ks1_ks2": "Key Stage 2 from Key Stage 1",
}
_SLICES = ("subject", "prior attainment", "sex", "disadvantage")
_NAMES = ("Forecast", "What came")
_MODEL = "model"


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the latest test of the chosen stage: all ways, reliability of the model, and the chosen slice."""
    rows = queries.scores(visit.db)
    stages = [stage for stage in _STAGES if any(row["stage"] == stage for row in rows)]
    stage = visit.choice("stage", stages, stages[0] if stages else "")
    mine = [row for row in rows if row["stage"] == stage]
    slices = [name for name in _SLICES if any(row["slice"] == name for row in mine)]
    chosen = visit.choice("slice", slices, slices[0] if slices else "")
    return {
        "stage": stage,
        "stages": [(each, _STAGES[each]) for each in stages],
        "slice": chosen,
        "slices": [(each, sentence(each)) for each in slices],
        "test": mine[0] if mine else None,
        "ways": _ways([row for row in mine if row["slice"] == "all"]) if mine else None,
        "reliability": _reliability([row for row in queries.reliability(visit.db) if row["stage"] == stage]),
        "sliced": _sliced([row for row in mine if row["slice"] == chosen and row["way"] == _MODEL], chosen),
        "effects": _effects(queries.effects(visit.db, visit.school_id)) if visit.db.has("school_effect") else None,
    }


def _ways(rows: Sequence[Row]) -> Table:
    ordered = sorted(rows, key=lambda row: row["ranked_probability_score"])
    return table(
        "Ways of estimating, the best score first",
        ["Way", "Ranked probability score", "Log loss", "Absolute bias by subject", "Within central 50%", "80%", "95%"],
        [
            [
                sentence(row["way"]),
                _places(row["ranked_probability_score"], 5),
                _places(row["log_loss"], 5),
                _places(row["absolute_bias_by_subject"], 4),
                *(_share(row[column]) for column in ("coverage_50", "coverage_80", "coverage_95")),
            ]
            for row in ordered
        ],
    )


def _reliability(rows: Sequence[Row]) -> Figure | None:
    model = [row for row in rows if row["way"] == _MODEL]
    if not model:
        return None
    names = [f"{10 * (row['bin'] - 1)} to under {10 * row['bin']}%" for row in model]
    title = "Chances forecast, and what came"
    far = max(model, key=lambda row: abs(row["forecast"] - row["observed"]))
    text = (
        "Where the two bars are alike, chances are right on average. The largest difference:"
        f" {_share(far['forecast'])} were forecast to reach a grade, and {_share(far['observed'])} did."
    )
    drawn = [
        {"category": name, "name": kind, "value": 100 * row[column], "label": _share(row[column])}
        for name, row in zip(names, model, strict=True)
        for kind, column in zip(_NAMES, ("forecast", "observed"), strict=True)
    ]
    numbers = table(
        title,
        ["Chance forecast", "Results and grades", *_NAMES, "Difference"],
        [
            [
                name,
                count(row["forecasts"]),
                _share(row["forecast"]),
                _share(row["observed"]),
                points(100 * (row["forecast"] - row["observed"])),
            ]
            for name, row in zip(names, model, strict=True)
        ],
    )
    chart = bars(drawn, names, _NAMES, "% that reach the grade or a better one")
    return Figure("reliability", title, text, to_svg(chart, "reliability", title, text), numbers)


def _sliced(rows: Sequence[Row], chosen: str) -> Table | None:
    if not rows:
        return None
    return table(
        f"Bias by {chosen}: estimate less result, in points of the qualification",
        [sentence(chosen), "Results", "Bias", "Ranked probability score"],
        [
            [
                row["slice_value"],
                count(row["pupils"]),
                _signed(row["bias"]),
                _places(row["ranked_probability_score"], 4),
            ]
            for row in rows
        ],
    )


def _effects(rows: Sequence[Row]) -> Table | None:
    if not rows:
        return None
    return table(
        "What this school adds, given prior attainment, by subject: among the platform's own schools",
        ["Subject", "Results", "Effect", "Standard error", "Place, 1 is best of 100", "Schools in the pool"],
        [
            [
                f"{row['subject']} ({row['qualification']})",
                count(row["results"]),
                _signed(row["effect"]),
                _places(row["effect_se"], 2),
                NOT_AVAILABLE if row["percentile"] is None else str(row["percentile"]),
                count(row["pool_schools"]),
            ]
            for row in rows
        ],
    )


def _share(value: float | None) -> str:
    return percent(None if value is None else 100 * value)


def _places(value: float | None, places: int) -> str:
    return NOT_AVAILABLE if value is None else str(rounded(value, places))


def _signed(value: float | None) -> str:
    if value is None:
        return NOT_AVAILABLE
    number = rounded(value, 3)
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{abs(number)}"


PAGE = Page(
    slug="calibration",
    title="How good estimates are",
    template="benchmarks/calibration.html",
    build=build,
    needs={"estimate_calibration": ("ranked_probability_score",), "estimate_reliability": ("forecast",)},
    note="Nothing: the figures are national. What a school adds is shown from ten results in a subject up.",
)
