"""Suspensions and permanent exclusions: how many, why, when, and of which groups."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.queries import suspensions as queries
from reports.charts.shapes import bars, stacked_bars
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, table
from reports.formats import count, previous_year, rounded, year_name
from reports.pages import Page, Visit

_SCHOOL_MONTHS = (9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7)


def build(visit: Visit) -> Mapping[str, Any]:
    """Return the counts of two years, reasons, months and groups."""
    year, before = visit.year.academic_year, previous_year(visit.year.academic_year)
    years = [year, before]
    totals = queries.totals(visit.db, visit.school_id, years)
    reasons = queries.reasons(visit.db, visit.school_id, years)
    return {
        "mine": totals.get(year),
        "before": totals.get(before),
        "before_name": year_name(before),
        "reasons": _reasons(reasons, year, before),
        "months": _months(queries.months(visit.db, visit.school_id, years), year, before) if totals else None,
        "has_groups": visit.db.has("suspension_year"),
        "groups": None,
    }


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
    chart = stacked_bars(values, list(names.values()), ["Suspensions"], "Month", "Suspensions", height=180)
    rows = [
        [names[month], count(numbers.get((year, month), 0)), count(numbers.get((before, month), 0))]
        for month in _SCHOOL_MONTHS
    ]
    numbers_table = table(
        f"Suspensions by month, {year_name(year)}", ["Month", year_name(year), year_name(before)], rows
    )
    return Figure("months", title, text + ".", to_svg(chart, "months", title, text), numbers_table)


def days(sessions: int) -> str:
    """Sessions as days: ``12.5``."""
    return f"{rounded(sessions / 2)}"


PAGE = Page(
    slug="suspensions",
    title="Suspensions",
    template="attendance/suspensions.html",
    build=build,
    needs={"exclusion": ("exclusion_type", "reason", "sessions")},
    note="Suspensions are few, so a count can point to a pupil: this page is for readers with the right to small groups.",
)
