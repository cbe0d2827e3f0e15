"""The reader's schools side by side: the view of a trust or a local authority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from altair import TopLevelMixin
from starlette.requests import Request
from starlette.responses import Response

from reports.attendance.measures import MEASURES, unit
from reports.attendance.queries import schools as queries
from reports.attendance.queries import sources
from reports.charts.shapes import dots, histogram
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, Table, table
from reports.formats import count, percent, year_name
from reports.pages import reading
from reports.paging import paged
from reports.sections import ATTENDANCE

_PHASES = ("Primary", "Secondary", "Special", "Total")
#: More dots than this are read as a distribution, not school by school.
_MOST_DOTS = 40


def comparison(request: Request) -> Response:
    """Show the schools of a year and phase, ordered by a measure."""
    with reading(request, ATTENDANCE) as now:
        db, mine = now.db, now.reader.school_ids
        is_open = db.has(sources.year_relation(db), "attendance_rate") and db.has("school", "school_name")
        years = [row["academic_year"] for row in queries.years(db, mine)] if is_open else []
        year = _chosen(request, "year", years, years[0] if years else 0)
        measure = _chosen(request, "measure", list(MEASURES), "absence_rate")
        rows = _named(queries.year(db, mine, year), queries.granted(db, mine)) if years else []
        phases = [phase for phase in _PHASES if any(row["national_phase"] == phase for row in rows)]
        phase = _chosen(request, "phase", phases, "")
        shown = [row for row in rows if phase in ("", row["national_phase"])]
        best_first = -1 if measure == "attendance_rate" else 1
        shown.sort(key=lambda row: (row[measure] is None, best_first * (row[measure] or 0), *_name(row)))
        context = {
            "is_published": db.is_published("school_year"),
            "is_open": is_open,
            "years": [(each, year_name(each)) for each in years],
            "year": year,
            "measures": list(MEASURES.items()),
            "measure": measure,
            "phases": [("", "All phases"), *((each, _phase_name(each)) for each in phases)],
            "phase": phase,
            "last_day": max((row["last_session_date"] for row in shown if row["last_session_date"]), default=None),
            "paged": paged(shown, request.query_params),
            "together": _together(shown),
            "figure": _figure(shown, measure, year, phase) if any(row[measure] is not None for row in shown) else None,
        }
        return now.site.render("attendance/compare.html", now.context() | context)


def _name(row: Row) -> tuple[str, int]:
    # Two schools of one name must not change places between two pages.
    return (row["school_name"], row["school_id"])


def _named(rows: Sequence[Row], schools: Sequence[Row]) -> list[Row]:
    names = {row["school_id"]: row["school_name"] for row in schools}
    return [{**row, "school_name": names[row["school_id"]]} for row in rows]


def _together(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the counts of the schools and the rates of all of them: summed first, divided last."""

    def rate(part: str, whole: str) -> Decimal | None:
        of_all = sum(row[whole] for row in rows)
        return 100 * Decimal(sum(row[part] for row in rows)) / of_all if of_all else None

    return {
        "schools": len(rows),
        "enrolments": sum(row["enrolments"] for row in rows),
        "attendance_rate": rate("attended_sessions", "possible_sessions"),
        "absence_rate": rate("absence_sessions", "possible_sessions"),
        "authorised_rate": rate("authorised_sessions", "possible_sessions"),
        "unauthorised_rate": rate("unauthorised_sessions", "possible_sessions"),
        "persistent_absence_rate": rate("persistently_absent_enrolments", "enrolments"),
        "severe_absence_rate": rate("severely_absent_enrolments", "enrolments"),
    }


def _chosen(request: Request, name: str, allowed: Sequence[Any], default: Any) -> Any:
    wanted = request.query_params.get(name)
    return next((each for each in allowed if str(each) == wanted), default)


def _figure(rows: Sequence[Row], measure: str, year: int, phase: str) -> Figure:
    rated = [row for row in rows if row[measure] is not None]
    marks = _england(rated, measure)
    title = f"{MEASURES[measure]} of my schools"
    low, high = (pick(rated, key=lambda row: row[measure]) for pick in (min, max))
    text = (
        f"{count(len(rated))} schools in {year_name(year)}: from {percent(low[measure])} ({low['school_name']}) to "
        f"{percent(high[measure])} ({high['school_name']})."
    )
    axis = f"{MEASURES[measure]}, {unit(measure)}"
    caption = f"{title}, {year_name(year)}"
    if len(rated) <= _MOST_DOTS:
        chart, numbers = _each(rated, measure, marks, axis, caption)
    else:
        chart, numbers = _distribution(rated, measure, marks, axis, caption)
    return Figure("schools", title, text, to_svg(chart, "schools", title, text), numbers)


def _each(
    rated: Sequence[Row], measure: str, marks: Sequence[Mapping[str, Any]], axis: str, caption: str
) -> tuple[TopLevelMixin, Table]:
    """Return a dot a school, and its number."""
    values = [
        {"category": row["school_name"], "value": float(row[measure]), "label": percent(row[measure])} for row in rated
    ]
    chart = dots(values, [row["school_name"] for row in rated], marks, axis)
    lines = [[row["school_name"], count(row["enrolments"]), percent(row[measure])] for row in rated]
    return chart, table(caption, ["School", "Pupils", MEASURES[measure]], lines)


def _distribution(
    rated: Sequence[Row], measure: str, marks: Sequence[Mapping[str, Any]], axis: str, caption: str
) -> tuple[TopLevelMixin, Table]:
    """Return columns of how many schools, and these numbers; each school's own is in the list below."""
    values = [float(row[measure]) for row in rated]
    step = 0.5 if max(values) - min(values) <= 15 else 2.0
    counts = sorted(Counter(value // step * step for value in values).items())
    chart = histogram([{"low": low, "count": number} for low, number in counts], marks, axis, "Schools", step)
    lines = [[f"{low:g}% to under {low + step:g}%", count(number)] for low, number in counts]
    return chart, table(caption, [MEASURES[measure], "Schools"], lines)


def _england(rows: Sequence[Row], measure: str) -> list[dict[str, Any]]:
    """Return England's figure of each phase among the schools, where one is published."""
    column = f"national_{measure}"
    if column not in rows[0]:
        return []
    values = {row["national_phase"]: row[column] for row in rows if row[column] is not None}
    return [{"name": f"England, {_phase_name(phase).lower()}", "value": float(v)} for phase, v in values.items()]


def _phase_name(phase: str) -> str:
    return "All-through and other" if phase == "Total" else phase
