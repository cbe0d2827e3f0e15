"""The registers' completeness: marks that are missing, and codes without a meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.queries import registers as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import stacked_bars
from reports.charts.theme import COMPARED, SCHOOL, to_svg
from reports.database import Row
from reports.figures import Column, Figure, Table, table
from reports.formats import count, day, percent, short_day, year_name
from reports.pages import Page


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the weeks, the sessions with the most missing marks, and the codes without a meaning."""
    year = visit.year.academic_year
    weeks = queries.weeks(visit.db, visit.school_id, year)
    worst = queries.worst(visit.db, visit.school_id, year)
    has_codes = visit.db.has("unclassified_code", "code", "sessions")
    expected = sum(row["expected_marks"] for row in weeks)
    missing = sum(row["missing_sessions"] for row in weeks)
    return {
        "expected": expected,
        "missing_marks": missing,
        "complete": 100 * (expected - missing) / expected if expected else None,
        "unclassified_marks": sum(row["unclassified_sessions"] for row in weeks),
        "weeks": _weeks(weeks, year) if weeks else None,
        "worst": table(
            "Sessions with the most missing marks (at most 20)",
            ["Date", "Session", "Pupils expected", "Missing marks", "Unclassified", "Marked"],
            [
                [
                    f"{row['session_date']:%a} {day(row['session_date'])}",
                    row["session"],
                    count(row["pupils_expected"]),
                    count(row["missing_sessions"]),
                    count(row["unclassified_sessions"]),
                    percent(row["marked_percent"]),
                ]
                for row in worst
            ],
            texts=2,
        ),
        "has_codes": has_codes,
        "codes": _codes(queries.unclassified(visit.db, visit.school_id)) if has_codes else None,
    }


def _weeks(weeks: Sequence[Row], year: int) -> Figure:
    title = "Missing marks each week"
    missing = [row for row in weeks if row["missing_sessions"]]
    text = f"Weeks with a missing mark: {len(missing)} of {len(weeks)}."
    if missing:
        most = max(missing, key=lambda row: row["missing_sessions"])
        text += (
            f" The most in the week from {short_day(most['week_start'])}: {count(most['missing_sessions'])} of "
            f"{count(most['expected_marks'])} ({percent(most['missing_rate'], 2)})."
        )
    xs = [str(row["week_number"]) for row in weeks]
    parts_of_week = {"Missing": "missing_sessions", "Code without a meaning": "unclassified_sessions"}
    values = [
        {"x": str(row["week_number"]), "part": part, "value": int(row[column])}
        for row in weeks
        for part, column in parts_of_week.items()
    ]
    parts = {"Missing": SCHOOL, "Code without a meaning": COMPARED}
    chart = stacked_bars(values, xs, parts, ("School week", "Marks"), height=200)
    numbers = table(
        f"Marks by week, {year_name(year)}",
        ["Week (from)", "Expected marks", "Missing", "Without a meaning", "Missing, %"],
        [
            [
                f"{row['week_number']} ({short_day(row['week_start'])})",
                count(row["expected_marks"]),
                count(row["missing_sessions"]),
                count(row["unclassified_sessions"]),
                percent(row["missing_rate"], 2),
            ]
            for row in weeks
        ],
    )
    return Figure("weeks", title, text, to_svg(chart, "weeks", title, text), numbers)


def _codes(rows: Sequence[Row]) -> Table:
    columns = [Column(name, name == "Sessions") for name in ("Code", "Sessions", "First", "Last", "What to do")]
    lines = [
        [row["code"], count(row["sessions"]), day(row["first_date"]), day(row["last_date"]), row["what_to_do"]]
        for row in rows
    ]
    return Table("Codes without a meaning, of all years", columns, lines)


PAGE = Page(
    slug="registers",
    title="Registers",
    template="attendance/registers.html",
    build=build,
    needs={"school_session": ("missing_sessions", "marked_percent", "pupils_expected", "is_open")},
    note="Figures of the whole school: nothing is hidden on this page.",
)
