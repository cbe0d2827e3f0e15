"""Reasons of absence: how much each costs, this year and last, and over the half-terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from reports.attendance.queries import reasons as queries
from reports.attendance.queries import sources
from reports.attendance.reasons_of_absence import Reason, counted
from reports.attendance.visit import YearVisit
from reports.charts.shapes import bars, stacked_bars
from reports.charts.theme import COOL, REST, WARM, to_svg
from reports.database import Row
from reports.figures import Figure, table
from reports.formats import count, percent, points, previous_year, year_name
from reports.pages import Page

_OTHER = Reason("other_authorised", "Other authorised", "", True)
#: More parts than this cannot be told apart by colour; the smallest are then one part.
_LARGEST = 7


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return bars of the reasons of two years, and columns of the half-terms."""
    year, before = visit.year.academic_year, previous_year(visit.year.academic_year)
    weekly = sources.week_relation(visit.db)
    known = [r for r in counted(visit.db, sources.year_relation(visit.db)) if visit.db.has(weekly, r.column)]
    rows = queries.years(visit.db, visit.school_id, [year, before], known)
    mine = {row["reason"]: row for row in rows if row["academic_year"] == year}
    earlier = {row["reason"]: row for row in rows if row["academic_year"] == before}
    reasons = [
        reason
        for reason in [*known, _OTHER]
        if any(side.get(reason.column, {}).get("sessions") for side in (mine, earlier))
    ]
    reasons.sort(key=lambda reason: -(mine[reason.column]["sessions"] if reason.column in mine else 0))
    half_terms = queries.half_terms(visit.db, visit.school_id, year, known)
    return {
        "by_reason": _by_reason(reasons, mine, earlier, year, before) if mine else None,
        "by_half_term": _by_half_term(reasons, half_terms, year) if half_terms else None,
    }


def _by_reason(
    reasons: Sequence[Reason], mine: Mapping[str, Row], earlier: Mapping[str, Row], year: int, before: int
) -> Figure:
    names = [name for name, side in ((year_name(year), mine), (year_name(before), earlier)) if side]
    bars_ = [
        {
            "category": reason.name,
            "name": name,
            "value": float(side[reason.column]["rate"] or 0),
            "label": percent(side[reason.column]["rate"], 2),
        }
        for reason in reasons
        for name, side in ((year_name(year), mine), (year_name(before), earlier))
        if side
    ]
    title = "Sessions lost by reason"
    first = [reason for reason in reasons if reason.column in mine][:2]
    text = "The largest: " + ", ".join(
        f"{reason.name.lower()} {percent(mine[reason.column]['rate'], 2)} of possible sessions "
        f"({percent(mine[reason.column]['share'], 0)} of all absence)"
        for reason in first
    )
    chart = bars(bars_, [reason.name for reason in reasons], names, "% of possible sessions")
    numbers = table(
        f"Sessions lost by reason, {year_name(year)} and {year_name(before)}",
        ["Reason", "Codes", "Kind", "Sessions", "Of possible", "Of absence", year_name(before), "Difference"],
        [
            [
                reason.name,
                reason.codes,
                "authorised" if reason.is_authorised else "unauthorised",
                count(mine[reason.column]["sessions"]),
                percent(mine[reason.column]["rate"], 2),
                percent(mine[reason.column]["share"]),
                percent(earlier.get(reason.column, {}).get("rate"), 2),
                points(_difference(mine[reason.column], earlier.get(reason.column))),
            ]
            for reason in reasons
        ],
        texts=3,
    )
    return Figure("reasons", title, text + ".", to_svg(chart, "reasons", title, text), numbers)


def _difference(mine: Row, earlier: Row | None) -> Any:
    if earlier is None or mine["rate"] is None or earlier["rate"] is None:
        return None
    return mine["rate"] - earlier["rate"]


def _by_half_term(reasons: Sequence[Reason], rows: Sequence[Row], year: int) -> Figure:
    shown = list(reasons[:_LARGEST])
    rest = "All other reasons"
    half_terms = sorted({row["half_term"] for row in rows})
    names = {reason.column: reason.name for reason in shown}
    sums: dict[tuple[int, str], Any] = {}
    for row in rows:
        place = (row["half_term"], names.get(row["reason"], rest))
        sums[place] = sums.get(place, 0) + (row["rate"] or 0)
    # From the bottom up: authorised, then unauthorised, then the rest.
    cool = [reason.name for reason in shown if reason.is_authorised]
    warm = [reason.name for reason in shown if not reason.is_authorised]
    parts = dict(zip(cool, cycle(COOL), strict=False)) | dict(zip(warm, cycle(WARM), strict=False))
    if any(sums.get((half_term, rest)) for half_term in half_terms):
        parts[rest] = REST
    title = "Reasons over the half-terms"
    text = "Height is absence in per cent of the half-term's possible sessions: " + ", ".join(
        f"half-term {half_term} {percent(sum(sums.get((half_term, part), 0) for part in parts))}"
        for half_term in half_terms
    )
    values = [
        {"x": str(half_term), "part": part, "value": float(sums.get((half_term, part), 0))}
        for half_term in half_terms
        for part in parts
    ]
    chart = stacked_bars(values, [str(h) for h in half_terms], parts, ("Half-term", "% of possible sessions"))
    numbers = table(
        f"Absence by reason and half-term, {year_name(year)}, % of possible sessions",
        ["Reason", *(f"Half-term {half_term}" for half_term in half_terms)],
        [[part, *(percent(sums.get((half_term, part), 0), 2) for half_term in half_terms)] for part in parts],
    )
    return Figure("half-terms", title, text + ".", to_svg(chart, "half-terms", title, text), numbers)


PAGE = Page(
    slug="reasons",
    title="Reasons",
    template="attendance/reasons.html",
    build=build,
    needs={"school_year|group_year": ("illness_sessions",), "school_week|group_period": ("illness_sessions",)},
    note="Figures of the whole school: nothing is hidden on this page.",
)
