"""One pupil's attendance: every session of the year, the reasons, what is ahead, alerts and interventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from reports.attendance.patterns import WEEKDAYS
from reports.attendance.queries import pupil as queries
from reports.attendance.queries.pupils import ALERT_COLUMNS, OUTLOOK_COLUMNS
from reports.attendance.reasons_of_absence import counted
from reports.attendance.visit import YearVisit
from reports.charts.shapes import letters
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, table
from reports.formats import count, day, percent, year_name
from reports.group_names import value_name
from reports.names import pupil_label
from reports.pages import NotYours, Page

#: A kind of session: how it is filled, and the colour of its letter on it (each pair at least 4.5 : 1).
_LOOKS = {
    "Present": ("#e4eef9", "#1b2530"),
    "Approved activity": ("#a9cbe8", "#1b2530"),
    "Late": ("#f6d58a", "#1b2530"),
    "Authorised absence": ("#c96a14", "#1b2530"),
    "Unauthorised absence": ("#9b1c1c", "#ffffff"),
    "Not possible": ("#e3e7eb", "#1b2530"),
    "No mark": ("#ffffff", "#1b2530"),
}
_KINDS = {
    "present": "Present",
    "approved": "Approved activity",
    "authorised": "Authorised absence",
    "unauthorised": "Unauthorised absence",
    "covid": "Not possible",
    "not_possible": "Not possible",
}


def build(visit: YearVisit) -> Mapping[str, Any]:
    """Return the pupil of the address. Raises NotYours when the school has no such pupil in the year."""
    db, school_id, year = visit.db, visit.school_id, visit.year.academic_year
    key = int(visit.path["pupil_key"])
    row = queries.pupil(db, school_id, key, year)
    if row is None:
        raise NotYours
    is_current = visit.year is visit.years[0]
    has_names = visit.reader.may_see_names and db.has("pupil_name", "surname", "forename", "upn")
    names = queries.name(db, school_id, key) if has_names else {}
    has_outlook = db.has("pupil_outlook", *OUTLOOK_COLUMNS)
    has_alerts = db.has("alert", *ALERT_COLUMNS)
    has_interventions = db.has("intervention", "started_on")
    sessions = queries.sessions(db, school_id, key, year)
    return {
        "pupils": 1,
        "row": row,
        "label": pupil_label(key, names),
        "upn": names.get("upn"),
        "year_group": value_name("year_group", row["year_group"]) if row["year_group"] else "year group not known",
        "strip": _strip(sessions, year) if sessions else None,
        "reasons": _reasons(visit, row),
        "weekdays": _weekdays(sessions, year),
        "has_outlook": has_outlook,
        "outlook": queries.outlook(db, school_id, key, year) if has_outlook else None,
        "has_alerts": has_alerts,
        "alerts": queries.alerts(db, school_id, key) if has_alerts and is_current else [],
        "has_interventions": has_interventions,
        "interventions": queries.interventions(db, school_id, key) if has_interventions else [],
        "exclusions": queries.exclusions(db, school_id, key, year) if db.has("exclusion") else [],
    }


def _kind(row: Row) -> str:
    return "Late" if row["code"] == "L" else _KINDS.get(row["meaning"], "No mark")


def _strip(sessions: Sequence[Row], year: int) -> Figure:
    mondays = sorted({_monday(row["session_date"]) for row in sessions})
    days = sorted({row["session_date"].isoweekday() for row in sessions} | set(WEEKDAYS))
    short = {number: day_name[:3] for number, day_name in {**WEEKDAYS, 6: "Saturday", 7: "Sunday"}.items()}
    squares = [
        {
            "x": _monday(row["session_date"]).isoformat(),
            "y": f"{short[row['session_date'].isoweekday()]} {row['session']}",
            "kind": _kind(row),
            # A page of strokes is noise: what matters is what is not simply present.
            "letter": "" if row["code"] in ("/", "\\") else row["code"],
        }
        for row in sessions
    ]
    labels: dict[str, str] = {}
    for monday in mondays:
        month = f"{monday:%b}"
        labels[monday.isoformat()] = "" if month in labels.values() else month
    title = "Every session of the year"
    kinds = [_kind(row) for row in sessions]
    text = (
        "A column is a week, a row a morning or an afternoon; the letter is the register's code. Sessions: "
        + ", ".join(f"{kind.lower()} {count(kinds.count(kind))}" for kind in _LOOKS if kind in kinds)
    )
    ys = [f"{short[number]} {session}" for number in days for session in ("AM", "PM")]
    chart = letters(squares, [monday.isoformat() for monday in mondays], ys, _LOOKS, labels)
    away = [row for row in sessions if _kind(row) not in ("Present", "Approved activity", "Not possible")]
    numbers = table(
        f"Sessions absent, late or without a mark, {year_name(year)}",
        ["Date", "Session", "Code", "Meaning"],
        [
            [
                f"{row['session_date']:%a} {day(row['session_date'])}",
                row["session"],
                row["code"],
                row["description"] or _kind(row),
            ]
            for row in away
        ],
        texts=4,
    )
    return Figure("strip", title, text + ".", to_svg(chart, "strip", title, text), numbers)


def _monday(session_date: date) -> date:
    return session_date - timedelta(days=session_date.isoweekday() - 1)


def _reasons(visit: YearVisit, row: Row) -> Any:
    reasons = [reason for reason in counted(visit.db, "pupil_year") if row[reason.column]]
    reasons.sort(key=lambda reason: -row[reason.column])
    lines = [
        [reason.name, reason.codes, "authorised" if reason.is_authorised else "unauthorised", count(row[reason.column])]
        for reason in reasons
    ]
    other = row["absence_sessions"] - sum(row[reason.column] for reason in reasons)
    if other > 0:
        lines.append(["Other", "", "authorised", count(other)])
    return table("Sessions absent by reason", ["Reason", "Codes", "Kind", "Sessions"], lines, texts=3)


def _weekdays(sessions: Sequence[Row], year: int) -> Any:
    lines = []
    for number, name in WEEKDAYS.items():
        mine = [row for row in sessions if row["session_date"].isoweekday() == number]
        possible = sum(row["meaning"] in ("present", "approved", "authorised", "unauthorised", "covid") for row in mine)
        absent = sum(row["meaning"] in ("authorised", "unauthorised") for row in mine)
        late = sum(row["code"] in ("L", "U") for row in mine)
        rate = 100 * absent / possible if possible else None
        lines.append([name, count(possible), count(absent), percent(rate), count(late)])
    headings = ["Weekday", "Possible sessions", "Absent", "Absence", "Late (L, U)"]
    return table(f"The pupil's week, {year_name(year)}", headings, lines)


PAGE = Page(
    slug="pupils",
    title="Pupil",
    template="attendance/pupil.html",
    build=build,
    needs={
        "pupil_year": ("is_persistently_absent", "absence_rate"),
        "pupil": ("is_on_roll",),
        "session": ("code", "meaning", "description"),
    },
    note="Nothing within what your rights open. A name is shown to readers with the right to names.",
    is_of_pupils=True,
    path="pupils/{pupil_key:int}",
    in_menu=False,
)
