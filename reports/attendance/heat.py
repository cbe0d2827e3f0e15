"""The heat map: absence by week, weekday and session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.queries import heat as queries
from reports.charts.shapes import Cell, heat_map
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, percent, short_day, year_name
from reports.pages import Page, Visit

WEEKDAYS = {1: "Monday", 2: "Tuesday", 3: "Wednesday", 4: "Thursday", 5: "Friday"}
_SESSIONS = ("AM", "PM")
_STEPS = (2.5, 5.0, 7.5, 10.0, 15.0)
#: Percentage points about the school's mean, for the ten sessions of a week, which are all near to it.
_ABOUT_MEAN = (-1.0, -0.5, 0.0, 0.5, 1.0)


def build(visit: Visit) -> Mapping[str, Any]:
    """Return the ten sessions of a week, and the map of the year for readers of single sessions."""
    year = visit.year.academic_year
    has_sessions = queries.has_sessions(visit.db)
    sessions = queries.sessions(visit.db, visit.school_id, year) if has_sessions else []
    weekdays = queries.weekdays(visit.db, visit.school_id, year)
    return {
        "pupils": max((row["pupils_expected"] for row in sessions), default=None),
        "has_sessions": has_sessions,
        "week": _week(weekdays, year) if weekdays else None,
        "map": _map(sessions, year) if sessions else None,
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


def _week(weekdays: Sequence[Row], year: int) -> Figure:
    title = "The school week"
    days = sorted({row["weekday"] for row in weekdays})
    cells = [
        Cell(
            _name(row["weekday"]),
            row["session"],
            None if row["absence_rate"] is None else float(row["absence_rate"]),
            _shown(row, "absence_rate"),
        )
        for row in weekdays
    ]
    rated = [row for row in weekdays if row["absence_rate"] is not None]
    text = "All weeks of the year so far together."
    if rated:
        low, high = (pick(rated, key=lambda row: row["absence_rate"]) for pick in (min, max))
        text += (
            f" Lowest on {_part(low)} ({percent(low['absence_rate'])}), highest on {_part(high)} "
            f"({percent(high['absence_rate'])})."
        )
    if len(rated) < len(weekdays):
        text += f" Hidden (c): {len(weekdays) - len(rated)} of {len(weekdays)}."
    chart = heat_map(
        cells,
        [_name(day) for day in days],
        list(_SESSIONS),
        _steps_about(rated),
        ("", "", "Absence, % of possible sessions"),
        shows_labels=True,
        row_height=44,
    )
    numbers = table(
        f"Absence by weekday and session, {year_name(year)}",
        ["Weekday and session", "Times open", "Possible sessions", "Absent", "Absence"],
        [
            [
                f"{_name(row['weekday'])} {row['session']}",
                count(row["openings"]),
                *(_shown(row, column) for column in ("possible_sessions", "absence_sessions", "absence_rate")),
            ]
            for row in weekdays
        ],
    )
    return Figure("week", title, text, to_svg(chart, "week", title, text), numbers)


def _steps_about(weekdays: Sequence[Row]) -> list[float]:
    """Steps of half a point about the mean, none of them at or below 0."""
    possible = sum(row["possible_sessions"] for row in weekdays)
    mean = round(200 * float(sum(row["absence_sessions"] for row in weekdays)) / float(possible or 1)) / 2
    lowest = max(mean, 0.5 - _ABOUT_MEAN[0])
    return [lowest + step for step in _ABOUT_MEAN]


def _shown(row: Row, column: str) -> str:
    if row[column] is None:
        return SUPPRESSED if row["is_suppressed"] else NOT_AVAILABLE
    return percent(row[column]) if column == "absence_rate" else count(row[column])


def _part(row: Row) -> str:
    return f"{_name(row['weekday'])} {'morning' if row['session'] == 'AM' else 'afternoon'}"


def _name(weekday: int) -> str:
    # A boarding school's Saturday is rare, and not forbidden.
    return {**WEEKDAYS, 6: "Saturday", 7: "Sunday"}[weekday]


def _short(weekday: int) -> str:
    return _name(weekday)[:3]


PAGE = Page(
    slug="weekdays",
    title="Weekdays",
    template="attendance/heat.html",
    build=build,
    needs={"school_session|weekday_year": ("weekday", "session", "absence_rate")},
    note="For readers of aggregates single sessions are left out, because few pupils are absent from one, and a small"
    " number is hidden and shown as c. Nothing is hidden from others. One session of a small school rests on few"
    " pupils.",
)
