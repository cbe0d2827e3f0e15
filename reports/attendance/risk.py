"""How good the risk of persistent absence is: what was foretold of pupils the model had not seen, and what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.queries import risk as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import bars
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Card, Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, percent, points, rounded, sentence, year_name
from reports.group_names import GROUPS, value_name
from reports.pages import Page

#: The tests in plain words.
_TESTS = {
    "held-out pupils": "Pupils the model never saw",
    "each pupil in turn": "Every pupil, each by a model that did not see them",
    "latest year": "The latest year, by a model of the years before",
}
#: The slices of pupils, with the group whose names for values they share.
_SLICES = {
    "phase": ("Phase", ""),
    "part of year": ("Part of the year", ""),
    "sex": ("Sex", "sex"),
    "fsm6": (GROUPS["fsm6"], "fsm6"),
    "sen_status": (GROUPS["sen"], "sen"),
    "ethnicity_group": (GROUPS["ethnicity"], "ethnicity"),
}
_THIRDS = ("first third", "second third", "last third")
_INPUTS = {
    "intercept": "Where everybody begins",
    "pace": "How fast sessions are missed, beside the pace that ends at 10%",
    "pace_by_elapsed": "The same, times the share of the year that is over",
    "missed_last_4_weeks": "Share missed in the last four weeks",
    "elapsed": "Share of the year that is over",
    "persistent_last_year": "Persistently absent here last year",
    "unknown_last_year": "Not counted here last year",
}
_NAMES = ("Foretold", "What came")
#: A bin of fewer pupils is too much chance to be named as the worst.
_FEW_PUPILS = 30


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the model in use, the chosen test of it, and the whole of it for whoever wants to compute by hand."""
    models = queries.models(visit.db)
    rows = queries.reliability(visit.db)
    tests = [test for test in _TESTS if any(row["test"] == test for row in rows)]
    test = visit.choice("test", tests, tests[0] if tests else "")
    mine = [row for row in rows if row["test"] == test]
    whole = next((row for row in mine if row["slice"] == "all" and row["bin"] == 0), None)
    has_coefficients = visit.db.has("risk_model_coefficient")
    return {
        "model": models[0] if models else None,
        "years": [year_name(int(year)) for year in models[0]["academic_years"].split(", ") if year] if models else [],
        "test": test,
        "tests": [(each, _TESTS[each]) for each in tests],
        "whole": whole,
        "cards": _cards(whole) if whole else [],
        "bins": _bins([row for row in mine if row["bin"] > 0]) if whole else None,
        "slices": _slices(mine),
        "has_coefficients": has_coefficients,
        "coefficients": _coefficients(queries.coefficients(visit.db), models) if has_coefficients else None,
    }


def _cards(whole: Row) -> list[Card]:
    return [
        Card(
            "Foretold on average",
            _share(whole, "predicted_mean"),
            beside=[("What came", _share(whole, "observed_share"))],
        ),
        Card(
            "Error (Brier score)",
            _error(whole, "brier"),
            "0 is perfect; lower is better",
            [
                ("Everybody the average", _error(whole, "brier_base_rate")),
                ("Over 10% now stays over", _error(whole, "brier_over_ten_now")),
            ],
        ),
        Card(
            "Tested on",
            count(whole["pupils"]),
            "pupils",
            [("Predictions, one every 4th week", count(whole["predictions"]))],
        ),
    ]


def _bins(rows: Sequence[Row]) -> Figure:
    title = "What was foretold, and what came"
    shown = [row for row in rows if row["observed_share"] is not None and row["pupils"] >= _FEW_PUPILS]
    text = "Where the two bars are alike, the risk is right on average."
    if shown:
        far = max(shown, key=_gap)
        text += (
            f" The largest difference, of chances of {_bin(far)}: {_share(far, 'predicted_mean')} were foretold to end"
            f" the year persistently absent, and {_share(far, 'observed_share')} did."
        )
    drawn = [
        {
            "category": _bin(row),
            "name": name,
            "value": 100 * float(row[column] or 0),
            "label": _share(row, column),
        }
        for row in rows
        for name, column in zip(_NAMES, ("predicted_mean", "observed_share"), strict=True)
    ]
    chart = bars(drawn, [_bin(row) for row in rows], _NAMES, "% of predictions that the pupil ends persistently absent")
    numbers = table(
        "Foretold and come, by chance of persistent absence",
        ["Chance foretold", "Pupils", "Predictions", *_NAMES, "Difference"],
        [[sentence(_bin(row)), *_line(row)] for row in rows],
    )
    return Figure("bins", title, text, to_svg(chart, "bins", title, text), numbers)


def _slices(rows: Sequence[Row]) -> Table:
    lines = [
        [f"{name}: {sentence(value_name(group, row['slice_value']))}", *_line(row)]
        for slice_, (name, group) in _SLICES.items()
        for row in sorted((row for row in rows if row["slice"] == slice_), key=_place)
    ]
    return table(
        "Foretold and come, by kind of pupil and part of the year",
        ["Pupils", "Pupils (n)", "Predictions", *_NAMES, "Difference"],
        lines,
    )


def _place(row: Row) -> tuple[int, str]:
    value = row["slice_value"]
    return (_THIRDS.index(value) if value in _THIRDS else 0, value)


def _line(row: Row) -> list[str]:
    gap = None if row["observed_share"] is None else 100 * (row["observed_share"] - row["predicted_mean"])
    return [
        count(row["pupils"]),
        count(row["predictions"]),
        _share(row, "predicted_mean"),
        _share(row, "observed_share"),
        SUPPRESSED if row["is_suppressed"] else points(gap),
    ]


def _coefficients(rows: Sequence[Row], models: Sequence[Row]) -> Table:
    phases = [row["phase"] for row in models]
    by_place = {(row["input"], row["phase"]): row["coefficient"] for row in rows}
    lines = [
        [f"{text} ({name})", *(_coefficient(by_place.get((name, phase))) for phase in phases)]
        for name, text in _INPUTS.items()
    ]
    return table("The whole model: what each input adds to the log odds", ["Input", *phases], lines)


def _coefficient(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else f"{rounded(value, 3)}".replace("-", "−")


def _bin(row: Row) -> str:
    low = 10 * (row["bin"] - 1)
    return "under 10%" if low == 0 else f"{low}% to 100%" if low == 90 else f"{low}% to under {low + 10}%"


def _gap(row: Row) -> float:
    return float(abs(row["observed_share"] - row["predicted_mean"]))


def _share(row: Row, column: str) -> str:
    if row[column] is None:
        return SUPPRESSED if row["is_suppressed"] else NOT_AVAILABLE
    return percent(100 * row[column])


def _error(row: Row, column: str) -> str:
    return NOT_AVAILABLE if row[column] is None else f"{rounded(row[column], 3)}"


PAGE = Page(
    slug="risk",
    title="How good the risk is",
    template="attendance/risk.html",
    build=build,
    needs={"risk_model": ("reason", "academic_years"), "risk_reliability": ("observed_share", "is_suppressed")},
    note="What came of fewer than six pupils, shown as c. The figures are of all schools of this platform together and"
    " name none.",
    in_menu=False,
)
