"""Similar schools: which they are like, how near, and where the school stands among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.attendance.measures import MEASURES
from reports.attendance.queries import similar as queries
from reports.attendance.visit import YearVisit
from reports.charts.shapes import bars
from reports.charts.theme import BEFORE, SCHOOL, to_svg
from reports.database import Row
from reports.figures import Card, Column, Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count, percent, points, rounded, year_name
from reports.pages import Page

#: Inputs of the distance as people call them.
_INPUTS = {
    "roll": "pupils on roll",
    "fsm6_percent": "free school meals in the last six years",
    "sen_support_percent": "SEN support",
    "ehcp_percent": "EHC plans",
    "eal_percent": "English as an additional language",
}
_HEADINGS = ("School", "Distance", "Pupils", "FSM6", "SEN support", "EHC plan", "EAL", "Attendance", "Persistent")
_NAMES = ("This school", "Similar schools together")


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the school's places among the similar ones, and the neighbours as far as they are the reader's."""
    db, year = visit.db, visit.year.academic_year
    has_places, has_neighbours = db.has("school_comparison"), db.has("similar_school")
    places = queries.places(db, visit.school_id, year) if has_places else {}
    neighbours = queries.neighbours(db, visit.school_id, year) if has_neighbours else []
    own = queries.school(db, visit.school_id, year) if db.has("school_characteristics") else None
    compared = [row for row in places.values() if row["comparison_value"] is not None]
    return {
        "has_places": has_places,
        "cards": [_card(name, places[measure]) for measure, name in MEASURES.items() if measure in places],
        "beside": _beside(places, year) if compared else None,
        "note": next((row["note"] for row in places.values() if row["note"]), None),
        "has_neighbours": has_neighbours,
        "first": neighbours[0] if neighbours else None,
        "inputs": _inputs(neighbours),
        "neighbours": _neighbours(neighbours, own, year) if neighbours else None,
        "hidden": sum(row["school_name"] is None for row in neighbours),
        "census_date": own["census_date"] if own else None,
    }


def _card(name: str, row: Row) -> Card:
    """A measure: the school's, that of the similar schools, and the place among them and itself."""
    place = f"place {row['rank']} of {row['comparator_schools'] + 1}" if row["rank"] is not None else "no place"
    return Card(
        name,
        percent(row["school_value"]),
        place,
        [
            ("Similar schools", percent(row["comparison_value"]), points(row["difference"])),
            ("Percentile", count(row["percentile"])),
        ],
    )


def _beside(places: Mapping[str, Row], year: int) -> Figure:
    # Attendance is what absence leaves of 100, and would make all other bars short.
    shown = {measure: name for measure, name in MEASURES.items() if measure in places and measure != "attendance_rate"}
    values = [
        {"category": name, "name": of, "value": float(places[measure][column] or 0), "label": percent(value)}
        for measure, name in shown.items()
        for of, column in zip(_NAMES, ("school_value", "comparison_value"), strict=True)
        for value in [places[measure][column]]
    ]
    absence = places["absence_rate"]
    title = "Beside similar schools"
    text = (
        f"Absence is {percent(absence['school_value'])} here and {percent(absence['comparison_value'])} in the "
        f"{count(absence['comparator_schools'])} similar schools together: {points(absence['difference'])}."
    )
    chart = bars(values, list(shown.values()), _NAMES, "% of possible sessions, or of pupils", (SCHOOL, BEFORE))
    numbers = table(
        f"{title}, {year_name(year)}, year to date",
        ["Measure", *_NAMES, "Difference", "Schools", "Place", "Percentile"],
        [
            [
                MEASURES[measure],
                percent(row["school_value"]),
                percent(row["comparison_value"]),
                points(row["difference"]),
                count(row["comparator_schools"]),
                count(row["rank"]),
                count(row["percentile"]),
            ]
            for measure, row in places.items()
        ],
    )
    return Figure("beside", title, text, to_svg(chart, "beside", title, text), numbers)


def _neighbours(neighbours: Sequence[Row], own: Row | None, year: int) -> Table:
    lines = [["This school", NOT_AVAILABLE, *_known(own)]] if own else []
    for row in neighbours:
        distance = f"{rounded(row['distance'], 2)}"
        if row["school_name"] is None:
            lines.append([f"No. {row['rank']}, not one of your schools", distance, *[SUPPRESSED] * 7])
        else:
            lines.append([f"No. {row['rank']}, {row['school_name']}", distance, *_known(row)])
    columns = [Column(heading, heading != "School") for heading in _HEADINGS]
    return Table(f"The similar schools, the nearest first, {year_name(year)}", columns, lines)


def _known(row: Row) -> list[str]:
    shares = ("fsm6_percent", "sen_support_percent", "ehcp_percent", "eal_percent")
    return [
        count(row["roll"]),
        *(SUPPRESSED if row[share] is None and row["is_suppressed"] else percent(row[share]) for share in shares),
        percent(row["attendance_rate"]),
        percent(row["persistent_absence_rate"]),
    ]


def _inputs(neighbours: Sequence[Row]) -> list[str]:
    used = {name for row in neighbours for name in row["inputs"].split(", ")}
    return [text for name, text in _INPUTS.items() if name in used]


PAGE = Page(
    slug="similar-schools",
    title="Similar schools",
    template="attendance/similar.html",
    build=build,
    needs={"similar_school|school_comparison": ("school_id",)},
    note="Which schools are near is said by number. Name, pupils and figures of a neighbour are shown when it is one of"
    " your schools, and are c otherwise: another school’s figures are not yours. A percentage that rests on one or two"
    " pupils is c, too.",
)
