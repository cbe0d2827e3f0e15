"""Groups of pupils and the gaps between them, one group alone and two crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from reports.attendance.measures import unit
from reports.attendance.queries import groups as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import Cell, bars, heat_map
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, percent, points, previous_year, year_name
from reports.group_names import GROUPS, group_values, value_name
from reports.pages import Page

_MEASURES = {"absence_rate": "Absence", "persistent_absence_rate": "Persistently absent"}
_STEPS = {"absence_rate": (4.0, 6.0, 8.0, 10.0, 15.0), "persistent_absence_rate": (10.0, 15.0, 20.0, 30.0, 40.0)}


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the chosen group's bars, the gaps of all groups, and the crossing of two."""
    year, before = visit.year.academic_year, previous_year(visit.year.academic_year)
    measure = visit.choice("measure", list(_MEASURES), "absence_rate")
    rows = queries.single(visit.db, visit.school_id, [year, before])
    present = [name for name in GROUPS if any(row["group_1"] == name for row in rows)]
    chosen = visit.choice("group", present, present[0] if present else "")
    crossing = visit.choice("with", ["", *(name for name in present if name != chosen)], "")
    whole = next((r for r in rows if r["group_1"] == "all" and r["academic_year"] == year), None)
    mine = [row for row in rows if row["academic_year"] == year]
    return {
        "pupils": whole["enrolments"] if whole else None,
        "measure": measure,
        "measures": list(_MEASURES.items()),
        "groups": [(name, GROUPS[name]) for name in present],
        "chosen": chosen,
        "crossing": crossing,
        "crossings": [("", "no other group"), *((name, GROUPS[name]) for name in present if name != chosen)],
        "is_exact": queries.relation_for(visit.db) == queries.EXACT,
        "reasons": sorted({row["suppression_reason"] for row in mine if row["suppression_reason"]}),
        "one": _one_group(rows, chosen, measure, year, whole) if chosen else None,
        "gaps": _gaps(mine, present, whole, year) if whole else None,
        "crossed": _crossed(visit, year, chosen, crossing, measure) if crossing else None,
    }


def _one_group(rows: Sequence[Row], group: str, measure: str, year: int, whole: Row | None) -> Figure:
    before = previous_year(year)
    by_place = {(row["academic_year"], row["value_1"]): row for row in rows if row["group_1"] == group}
    values = group_values(group, {value for at, value in by_place if at == year})
    names = [year_name(year), year_name(before)]
    drawn = [
        {
            "category": value_name(group, value),
            "name": name,
            "value": float(row[measure]) if _is_shown(row, measure) else 0.0,
            "label": percent(row[measure]) if _is_shown(row, measure) else _instead(row),
        }
        for value in values
        for at, name in zip((year, before), names, strict=True)
        if (row := by_place.get((at, value))) is not None
    ]
    title = f"{_MEASURES[measure]} by {GROUPS[group].lower()}"
    text = f"{unit(measure)}; the whole school is {percent(whole[measure]) if whole else NOT_AVAILABLE}."
    axis = unit(measure)
    categories = [value_name(group, value) for value in values]
    chart = bars(drawn, categories, [name for name in names if any(d["name"] == name for d in drawn)], axis)
    numbers = table(
        f"{GROUPS[group]}, {year_name(year)}",
        ["Group", "Pupils", "Possible sessions", "Absence", "Persistently absent", "Severely absent", "In " + names[1]],
        [
            [
                value_name(group, value),
                *(_cell(by_place[year, value], column) for column in ("enrolments", "possible_sessions")),
                *(
                    _cell(by_place[year, value], column)
                    for column in ("absence_rate", "persistent_absence_rate", "severe_absence_rate")
                ),
                _cell(by_place.get((before, value)), measure),
            ]
            for value in values
        ],
    )
    return Figure("one-group", title, text, to_svg(chart, "one-group", title, text), numbers)


def _gaps(rows: Sequence[Row], present: Sequence[str], whole: Row, year: int) -> Table:
    """Each value beside the rest is not published; the gap here is to the whole school, and says so."""
    lines = []
    for group in present:
        by_value = {row["value_1"]: row for row in rows if row["group_1"] == group}
        for value in group_values(group, set(by_value)):
            row = by_value[value]
            lines.append(
                [
                    f"{GROUPS[group]}: {value_name(group, value)}",
                    _cell(row, "enrolments"),
                    _cell(row, "absence_rate"),
                    _gap(row, whole, "absence_rate"),
                    _cell(row, "persistent_absence_rate"),
                    _gap(row, whole, "persistent_absence_rate"),
                ]
            )
    return table(
        f"Every group beside the whole school ({percent(whole['absence_rate'])} absence, "
        f"{percent(whole['persistent_absence_rate'])} persistently absent), {year_name(year)}",
        ["Group", "Pupils", "Absence", "Gap", "Persistently absent", "Gap"],
        lines,
    )


def _crossed(visit: YearVisit, year: int, one: str, other: str, measure: str) -> Figure:
    rows = queries.crossed(visit.db, visit.school_id, year, one, other)
    cells: dict[tuple[str, str], Row] = {}
    for row in rows:
        values = {row["group_1"]: row["value_1"], row["group_2"]: row["value_2"]}
        cells[values.get(one, "all"), values.get(other, "all")] = row
    downs = [*group_values(one, {down for down, _ in cells if down != "all"}), "all"]
    acrosses = [*group_values(other, {across for _, across in cells if across != "all"}), "all"]

    def name(group: str, value: str) -> str:
        return "All" if value == "all" else value_name(group, value)

    drawn = [
        Cell(
            name(other, across),
            name(one, down),
            float(row[measure]) if row[measure] is not None else None,
            _cell(row, measure),
        )
        for (down, across), row in cells.items()
    ]
    title = f"{_MEASURES[measure]}: {GROUPS[one].lower()} by {GROUPS[other].lower()}"
    hidden = sum(row["is_suppressed"] and not _is_shown(row, measure) for row in cells.values())
    text = f"Darker is more. Hidden: {hidden} of {len(cells)} cells (c)." if hidden else "Darker is more."
    chart = heat_map(
        drawn,
        [name(other, across) for across in acrosses],
        [name(one, down) for down in downs],
        _STEPS[measure],
        (GROUPS[other], GROUPS[one], unit(measure)),
        shows_labels=True,
        row_height=30,
    )
    numbers = table(
        f"{title}, {year_name(year)} (pupils in brackets)",
        [GROUPS[one], *(name(other, across) for across in acrosses)],
        [
            [name(one, down), *(_with_pupils(cells.get((down, across)), measure) for across in acrosses)]
            for down in downs
        ],
    )
    return Figure("crossing", title, text, to_svg(chart, "crossing", title, text), numbers)


def _is_shown(row: Row, column: str) -> bool:
    return row[column] is not None


def _instead(row: Row) -> str:
    """What stands in the place of a figure: c where it is hidden, a dash where there is none."""
    return SUPPRESSED if row["is_suppressed"] else NOT_AVAILABLE


def _cell(row: Row | None, column: str) -> str:
    if row is None:
        return NOT_AVAILABLE
    if row[column] is None:
        return _instead(row)
    return percent(row[column]) if column.endswith("_rate") else count(row[column])


def _with_pupils(row: Row | None, column: str) -> str:
    if row is None or not _is_shown(row, column):
        return _cell(row, column)
    return f"{_cell(row, column)} ({_cell(row, 'enrolments')})"


def _gap(row: Row, whole: Row, column: str) -> str:
    if row[column] is None:
        return _instead(row)
    gap: Decimal = row[column] - whole[column]
    return points(gap)


PAGE = Page(
    slug="groups",
    title="Groups",
    template="attendance/groups.html",
    build=build,
    needs={"group_year": ("group_1", "value_1", "absence_rate", "persistent_absence_rate", "is_suppressed")},
    note="A figure of a small group, or one from which it could be worked out, is hidden and shown as c for readers"
    " without the right to small groups. Totals are never changed.",
)
