"""``AttendanceCodes``, ``AttendanceForDate``, ``AttendanceForDateRange`` and ``StudentExclusions`` (source_apis.md
2.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np

from sandbox.codes import CODES, NUMBER
from sandbox.facts import exclusions as facts
from sandbox.facts import register
from sandbox.groupcall import ids
from sandbox.groupcall.students import with_leavers
from sandbox.groupcall.timetable import session_instance
from sandbox.groupcall.wire import Request, Row, Sets, XodError, day_text, stamped
from sandbox.identity import Kind
from sandbox.view import SchoolView

#: Kind of code -> (meaning, short meaning).
_MEANINGS = {
    "PRESENT": ("Present", "Present"),
    "APPROVED_EDUCATIONAL_ACTIVITY": ("Approved Educational Activity", "AEA"),
    "AUTHORISED_ABSENCE": ("Authorised Absence", "Authorised"),
    "UNAUTHORISED_ABSENCE": ("Unauthorised Absence", "Unauthorised"),
    "ATTENDANCE_NOT_REQUIRED": ("Attendance not required", "Not required"),
    "UNABLE_TO_ATTEND": ("Unable to attend due to exceptional circumstances", "Unable"),
    "SCHOOL_CLOSED": ("Administrative", "Admin"),
    "NO_MARK": ("No mark", "No mark"),
}


def codes(view: SchoolView, request: Request) -> Sets:
    """``AttendCodes``: the school's own list; it never falls back to a national one here."""
    return {
        "AttendCodes": [
            {
                "Mark": register.letter(view, number),
                "Description": CODES[number].description,
                "MeaningDescription": _MEANINGS[CODES[number].kind][0],
                "ShortMeaningDescription": _MEANINGS[CODES[number].kind][1],
                "PhysicalMeaning": "IN" if CODES[number].kind == "PRESENT" else "OUT",
            }
            for number in range(1, len(CODES))
        ]
    }


class _Mark(NamedTuple):
    session: int
    day: date
    half: str
    pupil: int
    student: str
    code: int
    row: Row


def _marks(view: SchoolView, request: Request, first: date, last: date, pupils: list[int]) -> Iterator[_Mark]:
    """Marks of the pupils in order of session and pupil, with the columns that both calls have."""
    if last < first:
        raise XodError("DateTo is before DateFrom")
    shown, sessions = register.marks(view), view.data.register.sessions
    hidden = {0}
    if request.option("excludeNoMarks"):
        hidden.add(NUMBER["-"])
    if request.option("excludeClosed"):
        hidden.add(NUMBER["#"])
    letters = [register.letter(view, number) for number in range(len(CODES))]
    named = [(number, ids.student_id(view, number)) for number in pupils]
    if request.identifier:
        named = [(number, student) for number, student in named if student == request.identifier]
    roll = np.array([number for number, _ in named], dtype=np.int64)
    wanted = request.text("sessionType").upper()
    for session in range(*register.sessions_between(view, first, last)):
        day, half = sessions[session].day, "PM" if sessions[session].afternoon else "AM"
        if wanted and half != wanted:
            continue
        text = day.isoformat()
        for (pupil, student), code in zip(named, shown[session, roll].tolist(), strict=True):
            if code not in hidden:
                row = {
                    "Id": f"{student}.{text}.{half}",
                    "Date": text,
                    "StudentId": student,
                    "Mark": letters[code],
                    "Type": "S",
                    "Session": half,
                }
                yield _Mark(session, day, half, pupil, student, code, row)


def for_date(view: SchoolView, request: Request) -> Sets:
    """``AttendMarks`` of one day, of pupils on roll. No school here takes lesson registers, so there are no marks of
    ``attendanceType`` L."""
    day = request.required_day("date")
    if request.text("attendanceType").upper() == "L":
        return {"AttendMarks": []}
    changed = view.remember("xod changed marks", lambda: _changed(view))
    rows = []
    for mark in _marks(view, request, day, day, view.current):
        key = register.mark_key(view, mark.session, mark.pupil)
        rows.append(
            mark.row
            | {
                "InstanceId": session_instance(mark.day, mark.half),
                "MinsLate": register.minutes_late(key, mark.code),
                "Notes": register.comment(key, changed=key in changed),
            }
        )
    return {"AttendMarks": rows}


def _changed(view: SchoolView) -> frozenset[int]:
    done = register.changes(view)
    keys = done.session.astype(np.int64) * len(view.data.pupils) + done.pupil
    return frozenset(keys.tolist())


def for_range(view: SchoolView, request: Request) -> Sets:
    """``AttendMarks`` of a range of days, of the current academic year only; leavers with ``includeLeavers``."""
    first, last = request.required_day("DateFrom"), request.required_day("DateTo")
    first = max(first, date(view.year, 9, 1)) if last >= first else first
    if date(view.year, 9, 1) > last:
        return {"AttendMarks": []}
    rows = [mark.row for mark in _marks(view, request, first, last, with_leavers(view, request))]
    if request.option("includeExternalId"):
        for row in rows:
            row["ExternalId"] = row["Id"]
    return {"AttendMarks": rows}


def exclusions(view: SchoolView, request: Request) -> Sets:
    """``StudentExclusions``; leavers' with ``includeLeavers``."""
    first, last = request.day("DateFrom"), request.day("DateTo")
    kind, reason = request.text("ExclusionType").upper(), request.text("ExclusionReason").upper()
    pupils = set(with_leavers(view, request))
    rows = []
    for number in facts.visible(view):
        exclusion = view.data.register.exclusions[number]
        begin, end = view.data.register.sessions[exclusion.first], view.data.register.sessions[exclusion.last]
        if (
            exclusion.pupil not in pupils
            or (first and begin.day < first)
            or (last and begin.day > last)
            or (kind and exclusion.kind != kind)
            or (reason and exclusion.reason != reason)
        ):
            continue
        pupil, identifier = view.data.pupils[exclusion.pupil], view.mis_id(Kind.EXCLUSION, number)
        if request.identifier and identifier != request.identifier:
            continue
        row: Row = {
            "Id": identifier,
            "StudentId": ids.student_id(view, exclusion.pupil),
            "Forename": pupil.forename,
            "Surname": pupil.surname,
            "ExclusionType": facts.KINDS[exclusion.kind],
            "ExclusionTypeCode": exclusion.kind,
            "ExclusionReason": facts.REASONS[exclusion.reason],
            "ExclusionReasonCode": exclusion.reason,
            "ExclusionSessions": exclusion.sessions,
            "StartDate": day_text(begin.day),
            "EndDate": day_text(end.day),
            "StartSession": "PM" if begin.afternoon else "AM",
            "EndSession": "PM" if end.afternoon else "AM",
            "ExclusionDays": exclusion.sessions / 2,
        }
        if request.option("includeComments"):
            row["Comments"] = None
        if request.option("includeAppealInfo"):
            row |= dict.fromkeys(_APPEAL)
        rows.append(stamped(row, exclusion.created))
    return {"StudentExclusions": rows}


#: Spelled as the documentation spells them.
_APPEAL = (
    "DisiplinaryResult",
    "CommiteeHearingDate",
    "ParentalRepresentation",
    "CommiteeReinstatementDate",
    "AppealIndicator",
    "AppealDate",
    "AppealResult",
    "HearingNoticeOfAppealDate",
    "AppealReinstatementDate",
)
