"""The pupil list with early warning, on a page and as a file: the same rows, with the same rights."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reports.attendance.queries import pupils as queries
from reports.attendance.visit import YearVisit, open_visit
from reports.database import Row
from reports.formats import rounded
from reports.group_names import group_values, value_name
from reports.names import pupil_label
from reports.pages import NotYours, Page, lacks, reading
from reports.paging import paged
from reports.sections import ATTENDANCE

#: Bands of absence, in whole sessions: a rate in floating point moves pupils over the line.
_BANDS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "severe": ("Severely absent (50% or more)", lambda row: bool(row["is_severely_absent"])),
    "persistent": (
        "Persistently absent (10% to under 50%)",
        lambda row: bool(row["is_persistently_absent"]) and not row["is_severely_absent"],
    ),
    "near": (
        "Near the line (8% to under 10%)",
        lambda row: not row["is_persistently_absent"] and 25 * row["absence_sessions"] >= 2 * row["possible_sessions"],
    ),
    "fine": ("Under 8%", lambda row: 25 * row["absence_sessions"] < 2 * row["possible_sessions"]),
}
_BADGES = {"severe": "Severe", "persistent": "Persistent", "near": "Near the line", "fine": "Under 8%"}

_GROUPS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "girls": ("Girls", lambda row: row["sex"] == "F"),
    "boys": ("Boys", lambda row: row["sex"] == "M"),
    "fsm": ("Free school meals", lambda row: row["is_fsm"] is True),
    "disadvantaged": ("Disadvantaged", lambda row: row["is_disadvantaged"] is True),
    "sen_support": ("SEN support", lambda row: row["sen_status"] == "K"),
    "ehcp": ("EHC plan", lambda row: row["sen_status"] == "E"),
    "eal": ("English as an additional language", lambda row: row["is_eal"] is True),
    "looked_after": ("Looked after", lambda row: row["is_looked_after"] is True),
}
_SORTS = {
    "absence": "Absence, highest first",
    "left": "Sessions left, fewest first",
    "risk": "Risk, highest first",
    "alerts": "Alerts, most first",
    "year_group": "Year group",
    "name": "Name",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader asked for: filters, order and page, each one of what is offered."""

    year_group: str
    group: str
    band: str
    alerted: bool
    sort: str
    name: str


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return a page of the list, with the filters."""
    choice = _choice(visit)
    everybody = _everybody(visit)
    return {
        "pupils": len(everybody),
        "paged": paged(_chosen(everybody, choice), visit.query),
        "choice": choice,
        "year_groups": [("", "All years"), *_year_groups(everybody)],
        "groups": [("", "All pupils"), *((key, name) for key, (name, _) in _GROUPS.items())],
        "bands": [("", "All"), *((key, name) for key, (name, _) in _BANDS.items())],
        "sorts": [(key, name) for key, name in _SORTS.items() if key != "name" or _has_names(visit)],
        "in_bands": [(_BADGES[key], key, sum(row["band"] == key for row in everybody)) for key in _BANDS],
        "has_names": _has_names(visit),
        "has_outlook": _has_outlook(visit),
        "has_alerts": _has_alerts(visit),
        "risk_model": next((row["outlook"]["risk_model"] for row in everybody if row["outlook"]), None),
    }


def download(request: Request) -> Response:
    """Answer with all chosen rows as CSV. Rights and filters are the page's."""
    with reading(request, ATTENDANCE) as now:
        visit = open_visit(request, now)
        if not now.reader.may_see_pupils or lacks(PAGE, now.db):
            raise NotYours
        rows = _chosen(_everybody(visit), _choice(visit))
        text = _csv(rows, has_names=_has_names(visit))
        name = f"pupils-{visit.school_id}-{visit.year.academic_year}.csv"
        return Response(
            text,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _csv(rows: Sequence[Row], *, has_names: bool) -> str:
    file = StringIO()
    writer = csv.writer(file)
    named = ["surname", "forename", "upn"] if has_names else []
    writer.writerow(
        [
            *named,
            "pupil_key",
            "year_group",
            "possible_sessions",
            "absence_sessions",
            "unauthorised_sessions",
            "late_sessions",
            "attendance_percent",
            "band",
            "sessions_left_before_persistent",
            "risk_of_persistent_absence_percent",
            "alerts",
        ]
    )
    for row in rows:
        writer.writerow(
            [
                *(_safe(row["names"].get(column) or "") for column in named),
                row["pupil_key"],
                row["year_group"],
                row["possible_sessions"],
                row["absence_sessions"],
                row["unauthorised_sessions"],
                row["late_sessions"],
                rounded(row["attendance_rate"]),
                _BADGES[row["band"]],
                row["outlook"].get("sessions_left_before_persistent", ""),
                "" if row["risk"] is None else rounded(row["risk"] * 100, 0),
                _safe(" | ".join(alert["why"] for alert in row["alerts"])),
            ]
        )
    return "\ufeff" + file.getvalue()  # without the mark Excel reads names as Latin-1


def _safe(text: str) -> str:
    # A spreadsheet would execute a name that begins like a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _everybody(visit: YearVisit) -> list[Row]:
    year = visit.year.academic_year
    is_current = visit.year is visit.years[0]
    outlook = queries.outlook(visit.db, visit.school_id, year) if _has_outlook(visit) else {}
    alerts = queries.alerts(visit.db, visit.school_id) if _has_alerts(visit) and is_current else {}
    names = queries.names(visit.db, visit.school_id) if _has_names(visit) else {}
    rows = queries.pupils(visit.db, visit.school_id, year)
    for row in rows:
        row["band"] = next(key for key, (_, holds) in _BANDS.items() if holds(row))
        row["badge"] = _BADGES[row["band"]]
        row["outlook"] = outlook.get(row["pupil_key"], {})
        row["risk"] = row["outlook"].get("risk_of_persistent_absence")
        row["alerts"] = alerts.get(row["pupil_key"], [])
        row["names"] = names.get(row["pupil_key"], {})
        row["label"] = pupil_label(row["pupil_key"], row["names"])
        row["year_group_name"] = value_name("year_group", row["year_group"])
    return rows


def _choice(visit: YearVisit) -> Choice:
    sorts = [key for key in _SORTS if key != "name" or _has_names(visit)]
    return Choice(
        year_group=visit.query.get("year_group", ""),
        group=visit.choice("group", list(_GROUPS), ""),
        band=visit.choice("band", list(_BANDS), ""),
        alerted=visit.query.get("alerted") == "yes",
        sort=visit.choice("sort", sorts, "absence"),
        name=visit.query.get("name", "").strip() if _has_names(visit) else "",
    )


def _chosen(everybody: Sequence[Row], choice: Choice) -> list[Row]:
    rows = [
        row
        for row in everybody
        if choice.year_group in ("", row["year_group"])
        and (not choice.group or _GROUPS[choice.group][1](row))
        and choice.band in ("", row["band"])
        and (not choice.alerted or row["alerts"])
        and choice.name.lower() in row["label"].lower()
    ]
    return sorted(rows, key=lambda row: _place(row, choice.sort))


def _place(row: Row, sort: str) -> tuple[Any, ...]:
    name = row["label"].lower()
    absence = -(row["absence_rate"] or 0)
    if sort == "name":
        return (name,)
    if sort == "year_group":
        number = row["year_group"]
        return (int(number) if number and number.isdigit() else 0, name)
    if sort == "left":
        left = row["outlook"].get("sessions_left_before_persistent")
        return (left is None, left or 0, absence, name)
    if sort == "risk":
        return (row["risk"] is None, -(row["risk"] or 0), absence, name)
    if sort == "alerts":
        return (-len(row["alerts"]), absence, name)
    return (absence, name)


def _year_groups(everybody: Sequence[Row]) -> list[tuple[str, str]]:
    present = {row["year_group"] for row in everybody if row["year_group"]}
    return [(value, value_name("year_group", value)) for value in group_values("year_group", present)]


def _has_names(visit: YearVisit) -> bool:
    return visit.reader.may_see_names and visit.db.has("pupil_name", "surname", "forename", "upn")


def _has_outlook(visit: YearVisit) -> bool:
    return visit.db.has("pupil_outlook", *queries.OUTLOOK_COLUMNS)


def _has_alerts(visit: YearVisit) -> bool:
    return visit.db.has("alert", *queries.ALERT_COLUMNS)


PAGE = Page(
    slug="pupils",
    title="Pupils",
    template="attendance/pupils.html",
    build=build,
    needs={"pupil_year": ("is_persistently_absent", "is_statistical"), "pupil": ("sex", "is_on_roll")},
    note="Nothing within what your rights open: this list needs the right to small groups, names the right to names.",
    is_of_pupils=True,
)
