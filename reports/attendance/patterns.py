"""When pupils are absent: parts of the week and of the year, and every session on a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.queries import patterns as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import Cell, dots, heat_map
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, percent, points, sentence, short_day, year_name
from reports.pages import Page

WEEKDAYS = {1: "Monday", 2: "Tuesday", 3: "Wednesday", 4: "Thursday", 5: "Friday"}
_SESSIONS = ("AM", "PM")
_STEPS = (2.5, 5.0, 7.5, 10.0, 15.0)
#: Percentage points about the school's mean, for the ten sessions of a week, which are all near to it.
_ABOUT_MEAN = (-1.0, -0.5, 0.0, 0.5, 1.0)
_WEEK = "weekday and session"
_PARTS = ("weekday", "session", "end of half term", "first weeks")
#: Values that do not speak for themselves.
_NAMES = {
    ("session", "AM"): "mornings",
    ("session", "PM"): "afternoons",
    ("end of half term", "last 5 school days"): "last 5 school days of a half-term",
    ("end of half term", "the rest"): "all other days",
    ("first weeks", "first 4 school weeks"): "first 4 school weeks of the year",
    ("first weeks", "the rest"): "weeks after the first 4",
}


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the ten sessions of a week, the parts of the week and of the year, and the map of the year."""
    year = visit.year.academic_year
    has_patterns, has_sessions = visit.db.has("school_pattern"), visit.db.has("school_session")
    patterns = queries.patterns(visit.db, visit.school_id, year)
    sessions = queries.sessions(visit.db, visit.school_id, year) if has_sessions else []
    rated = [row for row in patterns if row["absence_rate"] is not None]
    return {
        "pupils": max((row["pupils_expected"] for row in sessions), default=None),
        "has_patterns": has_patterns,
        "week": _week([row for row in patterns if row["pattern"] == _WEEK], year) if rated else None,
        "parts_of_year": _parts(rated, year) if rated and has_patterns else None,
        "has_sessions": has_sessions,
        "map": _map(sessions, year) if any(row["absence_rate"] is not None for row in sessions) else None,
    }


def _map(sessions: Sequence[Row], year: int) -> Figure:
    weeks = {row["week_start"]: row for row in reversed(sessions)}
    starts = sorted(weeks)
    days = sorted({row["weekday"] for row in sessions} | set(WEEKDAYS))
    ys = [f"{_short(day)} {session}" for day in days for session in _SESSIONS]
    cells = [
        Cell(
            row["week_start"].isoformat(),
            f"{_short(row['weekday'])} {row['session']}",
            None if row["absence_rate"] is None else float(row["absence_rate"]),
        )
        for row in sessions
    ]
    labels: dict[str, str] = {}
    named: set[str] = set()
    for start in starts:
        month = f"{start:%b}"
        labels[start.isoformat()] = "" if month in named else month
        named.add(month)
    title = "Absence by week, weekday and session"
    worst = max((row for row in sessions if row["absence_rate"] is not None), key=lambda row: row["absence_rate"])
    text = (
        f"A column is a school week, a row a morning or an afternoon; darker is more absence; white is closed. "
        f"Highest: {percent(worst['absence_rate'])} on the {_part(worst)} of the week from "
        f"{short_day(worst['week_start'])}."
    )
    chart = heat_map(
        cells,
        [start.isoformat() for start in starts],
        ys,
        _STEPS,
        ("Week beginning in", "", "Absence, % of possible sessions"),
        x_labels=labels,
    )
    by_place = {(row["week_start"], row["weekday"], row["session"]): row["absence_rate"] for row in sessions}
    numbers = table(
        f"Absence in {year_name(year)}, % of possible sessions",
        ["Week from", *ys],
        [
            [
                f"{short_day(start)} ({weeks[start]['week_number']})",
                *(percent(by_place.get((start, day, session))) for day in days for session in _SESSIONS),
            ]
            for start in starts
        ],
    )
    return Figure("map", title, text, to_svg(chart, "map", title, text), numbers)


def _week(rows: Sequence[Row], year: int) -> Figure:
    title = "The school week"
    cells = [
        Cell(weekday, session, rate if rate is None else float(rate), _shown(row, "absence_rate"))
        for row in rows
        for weekday, session in [row["value"].split()]
        for rate in [row["absence_rate"]]
    ]
    rated = [row for row in rows if row["absence_rate"] is not None]
    low, high = (pick(rated, key=lambda row: row["absence_rate"]) for pick in (min, max))
    text = (
        f"All weeks of the year so far together. Lowest on {_name(low)} ({percent(low['absence_rate'])}), highest on "
        f"{_name(high)} ({percent(high['absence_rate'])})."
    )
    chart = heat_map(
        cells,
        list(dict.fromkeys(cell.x for cell in cells)),
        list(_SESSIONS),
        _steps_about(_mean(rated)),
        ("", "", "Absence, % of possible sessions"),
        shows_labels=True,
        row_height=44,
    )
    caption = f"Absence by weekday and session, {year_name(year)}"
    return Figure("week", title, text, to_svg(chart, "week", title, text), _numbers(caption, rows))


def _parts(rated: Sequence[Row], year: int) -> Figure:
    rows = [row for pattern in _PARTS for row in rated if row["pattern"] == pattern]
    # Every session is either a morning or an afternoon.
    mean = _mean([row for row in rows if row["pattern"] == "session"])
    title = "Parts of the week and of the year"
    far = max(rows, key=lambda row: abs(row["difference_from_mean"]))
    text = (
        f"The line is the school’s absence over the year so far, {percent(mean)}. Farthest from it: "
        f"{_name(far)}, {percent(far['absence_rate'])} ({points(far['difference_from_mean'])})."
    )
    drawn = [
        {"category": sentence(_name(row)), "value": float(row["absence_rate"]), "label": percent(row["absence_rate"])}
        for row in rows
    ]
    marks = [{"name": "All sessions", "value": mean}]
    chart = dots(drawn, [str(row["category"]) for row in drawn], marks, "Absence, % of possible sessions")
    caption = f"Absence by part of the week and of the year, {year_name(year)}"
    return Figure("parts", title, text, to_svg(chart, "parts", title, text), _numbers(caption, rows))


def _numbers(caption: str, rows: Sequence[Row]) -> Table:
    return table(
        caption,
        ["Part", "Possible sessions", "Absent", "Absence", "Beside all sessions"],
        [
            [
                sentence(_name(row)),
                *(_shown(row, column) for column in ("possible_sessions", "absence_sessions", "absence_rate")),
                points(row["difference_from_mean"]),
            ]
            for row in rows
        ],
    )


def _shown(row: Row, column: str) -> str:
    if row[column] is None:
        return SUPPRESSED if row["is_suppressed"] else NOT_AVAILABLE
    return percent(row[column]) if column == "absence_rate" else count(row[column])


def _mean(rows: Sequence[Row]) -> float:
    possible = sum(row["possible_sessions"] for row in rows)
    return float(100 * sum(row["absence_sessions"] for row in rows) / possible)


def _steps_about(mean: float) -> list[float]:
    """Steps of half a point about the mean, none of them at or below 0."""
    lowest = max(round(2 * mean) / 2, 0.5 - _ABOUT_MEAN[0])
    return [lowest + step for step in _ABOUT_MEAN]


def _name(row: Row) -> str:
    """A value of a pattern in words: ``Monday morning``, ``first 4 school weeks``."""
    value: str = row["value"]
    if (row["pattern"], value) in _NAMES:
        return _NAMES[row["pattern"], value]
    return value.replace(" AM", " morning").replace(" PM", " afternoon")


def _part(row: Row) -> str:
    return f"{_weekday(row['weekday'])} {'morning' if row['session'] == 'AM' else 'afternoon'}"


def _weekday(weekday: int) -> str:
    # A boarding school's Saturday is rare, and not forbidden.
    return {**WEEKDAYS, 6: "Saturday", 7: "Sunday"}[weekday]


def _short(weekday: int) -> str:
    return _weekday(weekday)[:3]


PAGE = Page(
    slug="patterns",
    title="Patterns",
    template="attendance/patterns.html",
    build=build,
    needs={"school_pattern|weekday_year": ("absence_rate",)},
    note="For readers of aggregates single sessions are left out, because few pupils are absent from one, and a small"
    " number is hidden and shown as c. Nothing is hidden from others. One session of a small school rests on few"
    " pupils.",
)
