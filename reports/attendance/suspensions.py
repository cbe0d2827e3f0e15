"""Suspensions and permanent exclusions: how many, why, when, and of which groups."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.queries import suspensions as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import bars, stacked_bars
from reports.charts.theme import SCHOOL, to_svg
from reports.database import Row
from reports.figures import Card, Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, previous_year, rounded, sentence, year_name
from reports.group_names import GROUPS, group_values, value_name
from reports.pages import Page

_SCHOOL_MONTHS = (9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7)


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the counts of two years, groups, and for who may see single suspensions reasons and months."""
    year, before = visit.year.academic_year, previous_year(visit.year.academic_year)
    years = [year, before]
    rows = queries.groups(visit.db, visit.school_id, years)
    whole = {row["academic_year"]: row for row in rows if row["group_name"] == "all"}
    has_rows = visit.db.has("exclusion", "exclusion_type", "reason", "reconciliation")
    reasons = queries.reasons(visit.db, visit.school_id, years) if has_rows else []
    months = queries.months(visit.db, visit.school_id, years) if has_rows else {}
    mine = whole.get(year)
    return {
        "pupils": mine["headcount"] if mine else None,
        "mine": mine,
        "cards": _cards(mine, whole.get(before), year_name(before)) if mine else [],
        "has_rows": has_rows,
        "reasons": _reasons(reasons, year, before),
        "months": _months(months, year, before) if months else None,
        "groups": _groups([row for row in rows if row["academic_year"] == year], year),
        "agreement": _agreement(queries.agreement(visit.db, visit.school_id, year)) if has_rows else None,
    }


def _cards(mine: Row, before: Row | None, before_name: str) -> list[Card]:
    return [
        Card(
            "Suspensions",
            _cell(mine, "suspensions"),
            f"{_cell(mine, 'days_lost')} days lost",
            [
                (f"{before_name}, whole year", _cell(before, "suspensions")),
                ("By 100 pupils", _cell(mine, "suspension_rate")),
                ("England, by 100 pupils", _cell(mine, "national_suspension_rate")),
            ],
        ),
        Card(
            "Pupils suspended",
            _cell(mine, "suspended_pupils"),
            f"{_cell(mine, 'repeatedly_suspended_pupils')} more than once",
            [(f"{before_name}, whole year", _cell(before, "suspended_pupils"))],
        ),
        Card(
            "Permanent exclusions",
            _cell(mine, "permanent_exclusions"),
            beside=[
                (f"{before_name}, whole year", _cell(before, "permanent_exclusions")),
                ("By 100 pupils", _cell(mine, "permanent_exclusion_rate")),
                ("England, by 100 pupils", _cell(mine, "national_permanent_exclusion_rate")),
            ],
        ),
    ]


def _groups(rows: Sequence[Row], year: int) -> Table:
    columns = {
        "headcount": "Pupils",
        "suspensions": "Suspensions",
        "suspension_rate": "By 100 pupils",
        "suspended_pupils": "Pupils suspended",
        "repeatedly_suspended_pupils": "More than once",
        "days_lost": "Days lost",
        "permanent_exclusions": "Permanent",
    }
    lines = []
    for group, name in {"all": "Whole school", **GROUPS}.items():
        by_value = {row["group_value"]: row for row in rows if row["group_name"] == group}
        for value in group_values(group, set(by_value)):
            label = name if group == "all" else f"{name}: {value_name(group, value)}"
            lines.append([label, *(_cell(by_value[value], column) for column in columns)])
    return table(
        f"Suspensions and permanent exclusions by group, {year_name(year)}", ["Group", *columns.values()], lines
    )


def _agreement(rows: Sequence[Row]) -> Table:
    lines = [[sentence(row["reconciliation"] or "not compared"), count(row["suspensions"])] for row in rows]
    return table("Suspensions beside the register's marks of code E", ["The register", "Suspensions"], lines)


def _cell(row: Row | None, column: str) -> str:
    """A figure; c where it is hidden, a dash where there is none."""
    if row is None or row[column] is None:
        return SUPPRESSED if row is not None and row["is_suppressed"] else NOT_AVAILABLE
    if column.endswith("_rate"):
        return f"{rounded(row[column], 2)}"
    return f"{rounded(row[column])}" if column == "days_lost" else count(row[column])


def _reasons(rows: Sequence[Row], year: int, before: int) -> Figure | None:
    by_place = {(row["academic_year"], row["reason"]): row for row in rows}
    names = sorted({row["reason"] for row in rows}, key=lambda name: (-_suspensions(by_place, year, name), name))
    if not any(_suspensions(by_place, at, name) for at in (year, before) for name in names):
        return None
    drawn = [
        {"category": name, "name": year_name(at), "value": number, "label": count(number)}
        for name in names
        for at in (year, before)
        if (number := _suspensions(by_place, at, name)) or at == year
    ]
    title = "Suspensions by reason"
    first = names[0]
    text = f"The most frequent in {year_name(year)}: {first.lower()}, {count(_suspensions(by_place, year, first))}."
    chart = bars(drawn, names, [year_name(year), year_name(before)], "Suspensions")
    numbers = table(
        f"Suspensions and permanent exclusions by reason, {year_name(year)} and {year_name(before)}",
        ["Reason", "Suspensions", "Sessions", "Permanent", "Lunchtime", f"Suspensions {year_name(before)}"],
        [
            [
                name,
                *(count(by_place.get((year, name), {}).get(k, 0)) for k in ("suspensions", "sessions", "permanent")),
                count(by_place.get((year, name), {}).get("lunchtime", 0)),
                count(_suspensions(by_place, before, name)),
            ]
            for name in names
        ],
    )
    return Figure("reasons", title, text, to_svg(chart, "reasons", title, text), numbers)


def _suspensions(by_place: Mapping[tuple[int, str], Row], year: int, reason: str) -> int:
    row = by_place.get((year, reason))
    return int(row["suspensions"]) if row else 0


def _months(numbers: Mapping[tuple[int, int], int], year: int, before: int) -> Figure:
    names = {month: calendar.month_abbr[month] for month in _SCHOOL_MONTHS}
    title = "Suspensions by month"
    text = f"By first day, {year_name(year)}: " + ", ".join(
        f"{names[month]} {numbers.get((year, month), 0)}" for month in _SCHOOL_MONTHS
    )
    values = [
        {"x": names[month], "part": "Suspensions", "value": numbers.get((year, month), 0)} for month in _SCHOOL_MONTHS
    ]
    chart = stacked_bars(values, list(names.values()), {"Suspensions": SCHOOL}, ("Month", "Suspensions"), height=180)
    rows = [
        [names[month], count(numbers.get((year, month), 0)), count(numbers.get((before, month), 0))]
        for month in _SCHOOL_MONTHS
    ]
    numbers_table = table(
        f"Suspensions by month, {year_name(year)}", ["Month", year_name(year), year_name(before)], rows
    )
    return Figure("months", title, text + ".", to_svg(chart, "months", title, text), numbers_table)


PAGE = Page(
    slug="suspensions",
    title="Suspensions",
    template="attendance/suspensions.html",
    build=build,
    needs={"suspension_year": ("suspension_rate", "is_suppressed")},
    note="Suspensions are few, so a count can point to a pupil. For readers without the right to small groups a"
    " small figure is hidden and shown as c, and reasons and months are left out.",
)
