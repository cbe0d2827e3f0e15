"""The student explorer: one pupil whole, for a tutor or a parents' evening.

Estimates and targets are those of this moment; the rest is the mart ``student_explorer``, and for who may see special
categories ``student_explorer_special``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.targets import service
from orchestration.targets.groups import Group
from reports.benchmarks.names import STATUSES, chance, exact_chances, level_name, level_number, subject_name
from reports.benchmarks.queries import explorer as queries
from reports.benchmarks.visit import CohortVisit
from reports.charts.shapes import Cell, heat_map
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, Table, table
from reports.formats import NOT_AVAILABLE, day, percent, year_name
from reports.group_names import value_name
from reports.names import pupil_label
from reports.pages import NotYours, Page

#: Items of the mart that have a table of their own.
_CURRENT, _EARLIER = "Current assessment", "Earlier assessment"
#: Dates of earlier assessments that stand side by side.
_DATES = 6
_STEPS = (5.0, 10.0, 20.0, 35.0, 50.0)
#: Sections of the mart that are shown as they are, with their heading.
_SECTIONS = {
    "pupil": "About the pupil",
    "prior attainment": "Prior attainment",
    "exclusion": "Suspensions and exclusions",
    "group": "Groups",
    "result": "Results",
    "school": "Schools",
}


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the pupil of the address. Raises NotYours when the school has no such pupil on roll."""
    key = int(visit.path["pupil_key"])
    pupil = queries.pupil(visit.db, visit.school_id, key)
    if pupil is None:
        raise NotYours
    year_group = pupil["nc_year"] or "not known"
    has_names = visit.reader.may_see_names and visit.db.has("pupil_name", "surname", "forename", "upn")
    names = queries.name(visit.db, visit.school_id, key) if has_names else {}
    rows = queries.rows(visit.db, visit.school_id, key)
    group = Group(visit.school_id, visit.academic_year, pupil_keys=(key,))
    sheet = visit.ask(service.sheet, group) if visit.academic_year else []
    levels = sorted({each["challenge"] for row in sheet for each in row["estimates"]}, reverse=True)
    level = visit.choice("level", [level_number(each) for each in levels], level_number(levels[0]) if levels else "")
    has_special = visit.db.has("student_explorer_special", "section", "item", "value")
    return {
        "pupils": 1,
        "label": pupil_label(key, names),
        "upn": names.get("upn"),
        "nc_year": year_group,
        "year_group_name": value_name("year_group", year_group),
        "level": level,
        "levels": [(level_number(each), level_name(each)) for each in levels],
        "subjects": _subjects(sheet, levels, _current(rows)) if sheet else None,
        "chances": _chances(sheet, level),
        "known": [
            (section, title, _table(title, of))
            for section, title in _SECTIONS.items()
            if (of := [row for row in rows if row["section"] == section and row["item"] != _EARLIER])
        ],
        "attendance": _attendance([row for row in rows if row["section"] == "attendance"]),
        "earlier": _earlier([row for row in rows if row["item"] == _EARLIER]),
        "has_special": has_special,
        "special": _table("Ethnicity, language, special educational needs", special)
        if has_special and (special := queries.special(visit.db, visit.school_id, key))
        else None,
        "caveats": sorted({row["caveat"] for row in sheet if row["caveat"]}),
        "reliabilities": sorted({row["reliability"] for row in sheet if row["reliability"]}),
    }


def _current(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    return {(row["qualification"], row["subject"]): row for row in rows if row["item"] == _CURRENT}


def _subjects(sheet: Sequence[Row], levels: Sequence[float], current: Mapping[tuple[str, str], Row]) -> Table:
    lines = []
    for row in sheet:
        by_level = {each["challenge"]: each for each in row["estimates"]}
        first = by_level.get(levels[0]) if levels else None
        now = current.get((row["qualification"], row["subject"]), {})
        lines.append(
            [
                subject_name(row["qualification"], row["subject"]),
                *(by_level[level]["grade"] if level in by_level else NOT_AVAILABLE for level in levels),
                row["grade"] or NOT_AVAILABLE,
                STATUSES.get(row["status"] or "", NOT_AVAILABLE),
                chance(first["target_chance"] if first else None),
                now.get("value") or NOT_AVAILABLE,
                _gap(now.get("number"), row["points"]),
                _gap(now.get("number"), first["points"] if first else None),
            ]
        )
    average = level_name(levels[0]) if levels else "Average"
    headings = [
        "Subject",
        *(f"Estimate, {level_name(level)}" for level in levels),
        "Target",
        "State",
        f"Chance of the target, {average}",
        "Current assessment",
        "Current less target",
        f"Current less estimate, {average}",
    ]
    return table("Estimates, targets and current assessments by subject", headings, lines)


def _gap(current: float | None, aim: float | None) -> str:
    """A difference in points, with its sign."""
    if current is None or aim is None:
        return NOT_AVAILABLE
    gap = round(float(current) - float(aim), 2)
    return f"{'+' if gap > 0 else '−' if gap < 0 else ''}{abs(gap):g}"


def _chances(sheet: Sequence[Row], level: str) -> Figure | None:
    """Chance of exactly each grade, subject by subject, of those that share the commonest scale."""
    scales = [tuple(row["grades"]) for row in sheet if row["grades"]]
    if not scales:
        return None
    grades = max(scales, key=scales.count)
    shown = []
    for row in sheet:
        estimate = next((each for each in row["estimates"] if level_number(each["challenge"]) == level), None)
        if estimate is not None and tuple(row["grades"]) == grades:
            shown.append((row["subject"], estimate))
    cells, lines = [], []
    for subject, estimate in shown:
        exact = [100 * share for share in exact_chances(estimate["chances"])]
        texts = [
            f"{percent(share, 0)}{' •' if grade == estimate['grade'] else ''}"
            for grade, share in zip(grades, exact, strict=True)
        ]
        cells += [Cell(grade, subject, share, text) for grade, share, text in zip(grades, exact, texts, strict=True)]
        lines.append([subject, *texts])
    title = "Chance of each grade"
    text = (
        f"Of pupils like this one, at the level {level_name(level)}: how many of 100 reach each grade. The dot"
        " marks the estimate, the highest grade that at least half of them reach."
    )
    chart = heat_map(
        cells, list(grades), [subject for subject, _ in shown], _STEPS, ("Grade", "", "Chance, %"), shows_labels=True
    )
    return Figure(
        "chances", title, text, to_svg(chart, "chances", title, text), table(title, ["Subject", *grades], lines)
    )


def _attendance(rows: Sequence[Row]) -> Table | None:
    """Years from the latest down, what was counted across."""
    items = list(dict.fromkeys(row["item"] for row in rows))
    found = {(row["academic_year"], row["item"]): _with_unit(row) for row in rows}
    years = sorted({row["academic_year"] for row in rows}, reverse=True)
    lines = [[year_name(year), *(found.get((year, item), NOT_AVAILABLE) for item in items)] for year in years]
    return table("Attendance by year", ["Year", *items], lines) if rows else None


def _with_unit(row: Row) -> str:
    return f"{row['value']}%" if row["unit"] == "per cent" else str(row["value"])


def _earlier(rows: Sequence[Row]) -> Table | None:
    """Subjects down, the latest dates across, the latest last."""
    dates = sorted({row["as_of"] for row in rows if row["as_of"]})[-_DATES:]
    names = list(dict.fromkeys(row["note"] for row in rows))
    found = {(row["note"], row["as_of"]): row["value"] for row in rows}
    lines = [[name, *(found.get((name, date), NOT_AVAILABLE) for date in dates)] for name in sorted(names)]
    return table("Earlier assessments", ["Assessment", *(day(date) for date in dates)], lines) if rows else None


def _table(caption: str, rows: Sequence[Row]) -> Table:
    has_year = any(row["academic_year"] for row in rows)
    has_date = any(row["as_of"] for row in rows)
    has_note = any(row["note"] for row in rows)
    headings = ["Item", *(["Year"] if has_year else []), "Value", *(["Date"] if has_date else [])]
    lines = [
        [
            row["item"],
            *([year_name(row["academic_year"]) if row["academic_year"] else ""] if has_year else []),
            row["value"] or NOT_AVAILABLE,
            *([day(row["as_of"]) if row["as_of"] else ""] if has_date else []),
            *([row["note"] or ""] if has_note else []),
        ]
        for row in rows
    ]
    headings += ["Note"] if has_note else []
    return table(caption, headings, lines, texts=len(headings))


PAGE = Page(
    slug="pupils",
    title="Pupils",
    template="benchmarks/explorer.html",
    build=build,
    needs={"student_explorer": ("section", "item", "value"), "estimate": ("chances",)},
    note="Nothing within what your rights open: single pupils need the right to small groups, names the right to names,"
    " ethnicity, language and SEN the right to special categories.",
    is_of_pupils=True,
    path="pupils/{pupil_key:int}",
    in_menu=False,
)
