"""The areas of a school: what is published of them, and the platform's own schools there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.attendance.measures import MEASURES, unit
from reports.attendance.queries import areas as queries
from reports.attendance.queries import groups as group_queries
from reports.attendance.queries import overview
from reports.attendance.visit import YearVisit
from reports.charts.shapes import dots
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Column, Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, day, percent, year_name
from reports.group_names import GROUPS, group_values, value_name
from reports.pages import Page

_PHASES = {"Primary": "Primary", "Secondary": "Secondary", "Special": "Special", "Total": "All phases"}
#: Why a pool is hidden, in words.
_REASONS = {
    "few schools": "of a pool of one or two schools, one could work out the other’s figures",
    "secondary": "a pool would give away such a one",
}
#: What is known of groups of areas.
_OF_GROUPS = ("absence_rate", "persistent_absence_rate")


@dataclass(frozen=True, slots=True)
class Area:
    """An area of the school: its name, and the keys (level, code) of its pool and of its published series."""

    name: str
    pool: tuple[str, str]
    published: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Beside:
    """An area in a year and phase: the published row and the pool's, each None where there is none."""

    area: Area
    year: int
    phase: str
    published: Row | None
    pool: Row | None


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the areas beside the school in a year and phase, over all years and phases, and by pupil group."""
    db, year = visit.db, visit.year.academic_year
    areas = _areas(visit.school)
    measure = visit.choice("measure", list(MEASURES), "absence_rate")
    phase = visit.choice("phase", list(_PHASES), visit.school["national_phase"] or "Total")
    has_published, has_pools, has_groups = (db.has(r) for r in ("published_rate", "area_year", "area_group_year"))
    published = queries.published(db, [area.published for area in areas if area.published]) if has_published else []
    pools = queries.pools(db, [area.pool for area in areas]) if has_pools else []
    everything = _side_by_side(areas, published, pools)
    now = [each for each in everything if each.year == year and each.phase == phase]
    own = overview.year(db, visit.school_id, year)
    of_groups = measure if measure in _OF_GROUPS else "absence_rate"
    return {
        "measure": measure,
        "measures": list(MEASURES.items()),
        "phase": phase,
        "phases": list(_PHASES.items()),
        "has_published": has_published,
        "has_pools": has_pools,
        "beside": _beside(now, own, measure, phase, year),
        "histories": [_history(area, [e for e in everything if e.area == area], measure) for area in areas],
        "has_groups": has_groups,
        "groups": _groups(visit, areas, phase, of_groups) if has_groups else None,
        "reasons": [text for name, text in _REASONS.items() if any(_reason(each) == name for each in now)],
    }


def _areas(school: Row) -> list[Area]:
    """Return the areas that the school is in, the largest first; England stands beside all schools of the platform."""
    region, la, trust = school["region_code"], school["la_code"], school["trust_uid"]
    areas = [Area("England", ("platform", "platform"), ("England", "E92000001"))]
    if region:
        areas.append(Area(school["region_name"], ("region", region), ("Region", region)))
    if la:
        areas.append(Area(school["la_name"] or la, ("la", la), ("Local authority", la)))
    if trust:
        areas.append(Area(school["trust_name"], ("trust", trust), None))
    return areas


def _side_by_side(areas: Sequence[Area], published: Sequence[Row], pools: Sequence[Row]) -> list[Beside]:
    """Return what there is of each area, the latest year first."""
    of_department = {_key(row): row for row in published}
    of_platform = {_key(row): row for row in pools}
    places = {(row["academic_year"], row["phase"]) for row in (*published, *pools)}
    found = []
    for area in areas:
        for year, phase in sorted(places, key=lambda place: (-place[0], list(_PHASES).index(place[1]))):
            theirs = of_department.get((*area.published, year, phase)) if area.published else None
            ours = of_platform.get((*area.pool, year, phase))
            if theirs or ours:
                found.append(Beside(area, year, phase, theirs, ours))
    return found


def _key(row: Row) -> tuple[str, str, int, str]:
    return (row["area_level"], row["area_code"], row["academic_year"], row["phase"])


def _beside(now: Sequence[Beside], own: Row | None, measure: str, phase: str, year: int) -> Figure | None:
    """Return the rates of an area that are not hidden, as dots beside the school's; None when there is none."""
    rates = [
        (name, row[measure])
        for each in now
        for name, row in ((f"{each.area.name}, published", each.published), (_pool(each), each.pool))
        if row is not None and row.get(measure) is not None
    ]
    if not rates:
        return None
    mine = own[measure] if own else None
    title = f"{MEASURES[measure]} in the areas of this school"
    text = f"{_PHASES[phase]}, {year_name(year)}. This school: {percent(mine)}."
    chart = dots(
        [{"category": name, "value": float(rate), "label": percent(rate)} for name, rate in rates],
        [name for name, _ in rates],
        [] if mine is None else [{"name": "This school", "value": float(mine)}],
        f"{MEASURES[measure]}, {unit(measure)}",
    )
    caption = f"{title}: {_PHASES[phase].lower()}, {year_name(year)}"
    numbers = Table(caption, _columns("Area"), [_line(each.area.name, each, measure) for each in now])
    return Figure("areas", title, text, to_svg(chart, "areas", title, text), numbers)


def _pool(each: Beside) -> str:
    """``Hampshire, 12 schools here``: the platform's own schools in the area."""
    where = "All" if each.area.pool[0] == "platform" else f"{each.area.name},"
    return f"{where} {count(each.pool['schools'])} schools here" if each.pool else ""


def _reason(each: Beside) -> str | None:
    return each.pool["suppression_reason"] if each.pool else None


def _columns(first: str) -> list[Column]:
    texts = (first, "Release", "Marks to")
    headings = (first, "Published", "Schools", "Release", "Here", "Schools here", "Marks to")
    return [Column(heading, heading not in texts) for heading in headings]


def _line(name: str, each: Beside, measure: str) -> list[str]:
    theirs, ours = each.published, each.pool
    return [
        name,
        _cell(theirs, measure),
        count(theirs["schools"]) if theirs else NOT_AVAILABLE,
        theirs["release"] if theirs else NOT_AVAILABLE,
        _cell(ours, measure),
        count(ours["schools"]) if ours else "0",
        day(ours["last_session_date"]) if ours else NOT_AVAILABLE,
    ]


def _cell(row: Row | None, measure: str) -> str:
    """A rate; c where it is hidden, a dash where there is none. Severe absence has no published series."""
    if row is None or measure not in row:
        return NOT_AVAILABLE
    return SUPPRESSED if row[measure] is None and row["is_suppressed"] else percent(row[measure])


def _history(area: Area, rows: Sequence[Beside], measure: str) -> Table:
    lines = [_line(f"{year_name(each.year)}, {_PHASES[each.phase].lower()}", each, measure) for each in rows]
    return Table(f"{area.name}: {MEASURES[measure].lower()} by year and phase", _columns("Year and phase"), lines)


def _groups(visit: YearVisit, areas: Sequence[Area], phase: str, measure: str) -> Table:
    """Return the groups' rates in this school and in each of the areas' pools."""
    db, year = visit.db, visit.year.academic_year
    rows = queries.groups(db, [area.pool for area in areas], year, phase)
    of_areas = {(row["area_level"], row["area_code"], row["group_name"], row["group_value"]): row for row in rows}
    school = (
        {(row["group_1"], row["value_1"]): row for row in group_queries.single(db, visit.school_id, [year])}
        if db.has(group_queries.relation_for(db))
        else {}
    )
    lines = []
    for group, name in GROUPS.items():
        values = {value for of, value in school if of == group} | {key[3] for key in of_areas if key[2] == group}
        for value in group_values(group, values):
            cells = [_cell(of_areas.get((*area.pool, group, value)), measure) for area in areas]
            lines.append([f"{name}: {value_name(group, value)}", _cell(school.get((group, value)), measure), *cells])
    headings = ["All schools here" if area.pool[0] == "platform" else f"{area.name}, schools here" for area in areas]
    return table(
        f"{MEASURES[measure]} by group: {_PHASES[phase].lower()}, {year_name(year)}",
        ["Group", "This school", *headings],
        lines,
    )


PAGE = Page(
    slug="areas",
    title="Areas",
    template="attendance/areas.html",
    build=build,
    needs={"published_rate|area_year": ("absence_rate", "phase")},
    note="The platform’s own figures of one or two schools are hidden and shown as c, and so are those that would give"
    " them away; small groups of pupils, too. The department hides an area with one school (c). The number of schools"
    " is never hidden.",
)
