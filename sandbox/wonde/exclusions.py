"""``exclusions``."""

from __future__ import annotations

from sandbox.calendar import academic_year, academic_year_name
from sandbox.facts.exclusions import KINDS, REASONS
from sandbox.identity import Kind
from sandbox.view import SchoolView
from sandbox.wonde import people
from sandbox.wonde.wire import Row, Tree, local_date, nested, utc_time

INCLUDES: Tree = {"student": {}, "student-leaver": {}}
_TERMS = ("Autumn", "Spring", "Summer")
_NOT_HELD = (
    "comments",
    "agencies_involved",
    "discipline_committee_date",
    "discipline_committee_result",
    "discipline_committee_reinstatement_date",
    "discipline_committee_representation_made",
    "appeal_received",
    "appeal_result",
    "appeal_result_date",
    "appeal_reinstatement_date",
)


def updated(view: SchoolView, number: int) -> int:
    """When an exclusion was entered."""
    return view.data.register.exclusions[number].created


def render(view: SchoolView, number: int, includes: Tree) -> Row:
    """One exclusion.

    A leaver's row has no student unless ``student-leaver`` is included, and then only leavers' rows have one: both
    calls are needed.
    """
    exclusion = view.data.register.exclusions[number]
    first, last = view.data.register.sessions[exclusion.first], view.data.register.sessions[exclusion.last]
    year = academic_year(first.day)
    entered = utc_time(exclusion.created)
    row: Row = {
        "id": view.partner_id(Kind.EXCLUSION, 100001 + number),
        "mis_id": view.mis_id(Kind.EXCLUSION, number),
        "type": KINDS[exclusion.kind],
        "type_code": exclusion.kind,
        "reason": REASONS[exclusion.reason],
        "reason_code": exclusion.reason,
        "start_date": local_date(first.day),
        "start_session": "PM" if first.afternoon else "AM",
        "end_date": local_date(last.day),
        "end_session": "PM" if last.afternoon else "AM",
        "sessions": exclusion.sessions,
        "days": exclusion.sessions / 2,
        "academic_year": academic_year_name(year),
        "term": _TERMS[0 if first.day.month >= 9 else 1 if first.day.month <= 3 else 2],
    }
    row |= dict.fromkeys(_NOT_HELD)
    row |= {"created_at": entered, "updated_at": entered}
    gone = not view.is_current[exclusion.pupil]
    if "student" in includes:
        shown = not gone and view.granted("students.read")
        row["student"] = nested(people.student_reference(view, exclusion.pupil) if shown else None)
    if "student-leaver" in includes:
        shown = gone and view.granted("students-leaver.read")
        row["student-leaver"] = nested(people.student_reference(view, exclusion.pupil) if shown else None)
    return row
