"""The overview: the year's headline figures, what stands beside them, and the weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.measures import MEASURES
from reports.attendance.queries import overview as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import Series, lines
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Card, Column, Figure, Table, table
from reports.formats import SUPPRESSED, count, percent, points, previous_year, rounded, sentence, short_day, year_name
from reports.pages import Page

#: What is counted by the last two is pupils.
_OF_PUPILS = {
    "persistent_absence_rate": "persistently_absent_enrolments",
    "severe_absence_rate": "severely_absent_enrolments",
}
_ORDER = (
    "own last year, same weeks",
    "England",
    "region",
    "local authority",
    "trust",
    "similar schools",
    "platform pool",
)
_ON_CARDS = 3
#: Columns of the comparisons that hold words.
_TEXTS = ("Compared with", "Period", "Release or note")


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return cards, comparisons and the two trends."""
    this_year = visit.year.academic_year
    before = previous_year(this_year)
    year = queries.year(visit.db, visit.school_id, this_year)
    weeks = queries.weeks(visit.db, visit.school_id, [this_year, before])
    has_comparisons = visit.db.has("school_comparison", "is_suppressed")
    beside = queries.comparisons(visit.db, visit.school_id, this_year) if has_comparisons else []
    beside.sort(key=lambda row: _ORDER.index(row["comparison"]) if row["comparison"] in _ORDER else len(_ORDER))
    return {
        "pupils": year["enrolments"] if year else 0,
        "cards": _cards(year, beside) if year else [],
        "has_comparisons": has_comparisons,
        "comparisons": _comparison_tables(beside),
        "weekly": _weekly(weeks, this_year, before, year, beside) if weeks else None,
        "to_date": _to_date(weeks, this_year, before) if weeks else None,
        "national_source": next((row["release"] for row in beside if row["comparison"] == "England"), None),
    }


def _cards(year: Row, beside: Sequence[Row]) -> list[Card]:
    cards = []
    for measure, name in MEASURES.items():
        rows = [row for row in beside if row["measure"] == measure and row["comparison_value"] is not None]
        counted = _OF_PUPILS.get(measure)
        cards.append(
            Card(
                name,
                percent(year[measure]),
                f"{count(year[counted])} of {count(year['enrolments'])} pupils" if counted else "",
                [
                    (row["comparison"], percent(row["comparison_value"]), points(row["difference"]))
                    for row in rows[:_ON_CARDS]
                ],
            )
        )
    return cards


def _comparison_tables(beside: Sequence[Row]) -> list[Table]:
    headings = [
        "Compared with",
        "School",
        "Theirs",
        "Difference",
        "Schools",
        "Rank",
        "Percentile",
        "Period",
        "Release or note",
    ]
    tables = []
    for measure, name in MEASURES.items():
        rows = [
            [
                sentence(row["comparison"]),
                percent(row["school_value"]),
                SUPPRESSED if row["is_suppressed"] else percent(row["comparison_value"]),
                points(row["difference"]),
                count(row["comparator_schools"]),
                count(row["rank"]),
                count(row["percentile"]),
                row["period"] or "",
                row["note"] or row["release"] or "",
            ]
            for row in beside
            if row["measure"] == measure
        ]
        if rows:
            tables.append(Table(name, [Column(h, h not in _TEXTS) for h in headings], rows))
    return tables


def _weekly(weeks: Sequence[Row], this_year: int, before: int, year: Row | None, beside: Sequence[Row]) -> Figure:
    series = [
        Series(year_name(this_year), "school", _points(weeks, this_year, "attendance_rate")),
        Series(year_name(before), "before", _points(weeks, before, "attendance_rate")),
    ]
    england = year["national_attendance_rate"] if year else None
    last_week = max(row["week_number"] for row in weeks)
    if year is not None and england is not None:
        name = f"England, {year['national_phase'].lower()}, whole year"
        series.append(Series(name, "compared", [(1, float(england)), (last_week, float(england))]))
    series = [each for each in series if each.points]
    title = "Attendance each week"
    mine = [row for row in weeks if row["academic_year"] == this_year]
    lowest, highest = (pick(mine, key=lambda row: row["attendance_rate"]) for pick in (min, max))
    text = (
        f"{year_name(this_year)} by school week: lowest {percent(lowest['attendance_rate'])} in week "
        f"{lowest['week_number']} (from {short_day(lowest['week_start'])}), highest "
        f"{percent(highest['attendance_rate'])} in week {highest['week_number']}."
    )
    if england is not None:
        text += f" England over the whole year: {percent(england)}."
    chart = lines(series, "School week", "Attendance, % of possible sessions", _half_terms(mine))
    return Figure("weekly", title, text, to_svg(chart, "weekly", title, text), _weeks_table(weeks, this_year, before))


def _to_date(weeks: Sequence[Row], this_year: int, before: int) -> Figure:
    series = [
        Series(year_name(this_year), "school", _points(weeks, this_year, "attendance_rate_to_date")),
        Series(year_name(before), "before", _points(weeks, before, "attendance_rate_to_date")),
    ]
    title = "Attendance, year to date"
    last = max((row for row in weeks if row["academic_year"] == this_year), key=lambda row: row["week_number"])
    same = [r for r in weeks if r["academic_year"] == before and r["week_number"] == last["week_number"]]
    text = (
        f"All sessions from the start of the year to the end of each week. After week {last['week_number']}: "
        f"{percent(last['attendance_rate_to_date'])}"
    )
    text += f", against {percent(same[0]['attendance_rate_to_date'])} a year before." if same else "."
    mine = [row for row in weeks if row["academic_year"] == this_year]
    drawn = [each for each in series if each.points]
    chart = lines(drawn, "School week", "Attendance, % of possible sessions", _half_terms(mine), height=200)
    numbers = table(
        f"{title}: {year_name(this_year)} and {year_name(before)}",
        ["Week", year_name(this_year), year_name(before)],
        _side_by_side(weeks, this_year, before, "attendance_rate_to_date"),
    )
    return Figure("to-date", title, text, to_svg(chart, "to-date", title, text), numbers)


def _points(weeks: Sequence[Row], year: int, column: str) -> list[tuple[float, float | None]]:
    return [
        (row["week_number"], None if row[column] is None else float(rounded(row[column], 3)))
        for row in weeks
        if row["academic_year"] == year
    ]


def _half_terms(weeks: Sequence[Row]) -> dict[float, str]:
    starts: dict[int, float] = {}
    for row in weeks:
        starts.setdefault(row["half_term"], row["week_number"])
    return {week: f"Half-term {half_term}" for half_term, week in starts.items() if half_term}


def _weeks_table(weeks: Sequence[Row], this_year: int, before: int) -> Any:
    earlier = {row["week_number"]: row for row in weeks if row["academic_year"] == before}
    rows = [
        [
            f"{row['week_number']} ({short_day(row['week_start'])})",
            count(row["pupils"]),
            count(row["possible_sessions"]),
            count(row["absence_sessions"]),
            percent(row["attendance_rate"]),
            percent(earlier[row["week_number"]]["attendance_rate"] if row["week_number"] in earlier else None),
        ]
        for row in weeks
        if row["academic_year"] == this_year
    ]
    headings = ["Week (from)", "Pupils", "Possible sessions", "Absent", year_name(this_year), year_name(before)]
    return table(f"Attendance each week, {year_name(this_year)}", headings, rows)


def _side_by_side(weeks: Sequence[Row], this_year: int, before: int, column: str) -> list[list[str]]:
    values = {(row["academic_year"], row["week_number"]): row[column] for row in weeks}
    numbers = sorted({week for _, week in values})
    return [[str(n), percent(values.get((this_year, n))), percent(values.get((before, n)))] for n in numbers]


PAGE = Page(
    slug="overview",
    title="Overview",
    template="attendance/overview.html",
    build=build,
    needs={
        "school_year|group_year": ("attendance_rate", "persistent_absence_rate"),
        "school_week|group_period": ("attendance_rate",),
    },
    note="Figures of the whole school: none is hidden. What it is compared with is hidden and shown as c where it rests"
    " on too few schools, or on one or two of their pupils.",
)
