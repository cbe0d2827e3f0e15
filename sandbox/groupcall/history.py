"""``SEN``, ``EntitlementHistory`` and ``StudentSchoolHistory`` (source_apis.md 2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.calendar import epoch
from sandbox.facts import pupils as facts
from sandbox.groupcall import ids, students
from sandbox.groupcall.wire import Request, Row, Sets, day_text, stamped
from sandbox.identity import Kind
from sandbox.pupils import NIGHTLY, Pupil
from sandbox.schools import RECEPTION
from sandbox.view import SchoolView

_NEEDS = {
    "SLCN": "Speech, Language and Communication Needs",
    "SEMH": "Social, Emotional and Mental Health",
    "SPLD": "Specific Learning Difficulty",
    "ASD": "Autistic Spectrum Disorder",
    "MLD": "Moderate Learning Difficulty",
    "HI": "Hearing Impairment",
    "PD": "Physical Disability",
    "VI": "Vision Impairment",
    "OTH": "Other Difficulty or Disability",
    "NSA": "SEN Support without Specialist Assessment",
}
#: Numbers of the groups of entitlement, and of a pupil's periods in the two that follow from others.
_FSM, _PREMIUM, _EVER_6 = 100, 101, 102
_PREMIUM_PERIOD, _EVER_6_PERIOD = 80, 81


def _on_roll(view: SchoolView, request: Request) -> Iterator[tuple[str, Pupil]]:
    """Pupils on roll with their ids, as far as the request wants them."""
    wanted = request.text("StudentId") or request.identifier
    for number in view.current:
        student = ids.student_id(view, number)
        if (not wanted or student == wanted) and request.is_news(int(view.pupil_updated[number])):
            yield student, view.data.pupils[number]


def sen(view: SchoolView, request: Request) -> Sets:
    """``StudentSENTypeHistory`` (absent without the scope ``SENTypes``), ``StudentSENProvisionHistory`` and
    ``StudentDisabilities``, of pupils on roll."""
    types: list[Row] = []
    provisions: list[Row] = []
    provision, rank, active = request.text("SENProvision"), request.text("SENTypeRank"), request.text("Active")
    for student, pupil in _on_roll(view, request):
        if provision and facts.status(view, pupil).sen != provision:
            continue
        types += [
            {
                "Id": view.mis_id(Kind.SEN_NEED, need.number),
                "StudentMis_Id": student,
                "NeedTypeDescription": _NEEDS[need.code],
                "NeedTypeCode": need.code,
                "Rank": need.rank,
                "NeedNotes": None,
                "NeedStartDate": day_text(need.start),
                "NeedEndDate": None,
                "Active": 1,
            }
            for need in facts.needs(view, pupil)
            if not rank or str(need.rank) == rank
        ]
        provisions += [
            {
                "Id": view.mis_id(Kind.PERIOD_OF_STATUS, period.number),
                "StudentMis_Id": student,
                "SENProvisionCode": period.code,
                "SENProvisionDescription": facts.SEN_WORDS[period.code],
                "SENProvisionStartDate": day_text(period.start),
                "SENProvisionEndDate": day_text(period.end),
                "Active": int(period.end is None or period.end >= view.clock.today),
            }
            for period in facts.periods(view, pupil, pupil.sen, facts.SEN_PERIODS)
        ]
    if active:
        types = [row for row in types if str(row["Active"]) == active]
        provisions = [row for row in provisions if str(row["Active"]) == active]
    sets: Sets = {"StudentSENTypeHistory": types} if view.granted("SENTypes") else {}
    return sets | {"StudentSENProvisionHistory": provisions, "StudentDisabilities": []}


def entitlements(view: SchoolView, request: Request) -> Sets:
    """``EntitlementGroups`` and ``EntitlementGroupStudents``, of pupils on roll.

    Periods of pupil premium and Ever 6 follow from those of free school meals and care (inferred).
    """
    groups = [
        {"Id": str(_FSM), "Shortname": "FSM", "Fullname": "Free School Meals"},
        {"Id": str(_PREMIUM), "Shortname": "PP", "Fullname": "Pupil Premium"},
        {"Id": str(_EVER_6), "Shortname": "Ever6", "Fullname": "Free School Meals in the last six years"},
    ]
    members: list[Row] = []

    def add(student: str, group: int, number: int, start: date, end: date | None) -> None:
        members.append(
            {
                "Id": view.mis_id(Kind.PERIOD_OF_STATUS, number),
                "EntitlementGroupId": str(group),
                "StudentId": student,
                "StartDate": f"{start}T00:00:00",
                "EndDate": f"{end}T00:00:00" if end else None,
            }
        )

    for student, pupil in _on_roll(view, request):
        status = facts.status(view, pupil)
        meals = facts.periods(view, pupil, pupil.fsm, facts.FSM_PERIODS)
        care = facts.periods(view, pupil, pupil.care, facts.CARE_PERIODS)
        for period in meals:
            add(student, _FSM, period.number, period.start, period.end)
        if status.fsm_ever_6:
            add(student, _EVER_6, 100 * pupil.number + _EVER_6_PERIOD, meals[0].start, None)
        if status.premium:
            first = min(period.start for period in [*meals, *care])
            add(student, _PREMIUM, 100 * pupil.number + _PREMIUM_PERIOD, first, None)
    return {"EntitlementGroupStudents": members, "EntitlementGroups": groups}


def schools_before(view: SchoolView, request: Request) -> Sets:
    """``StudentSchoolHistory``: the school that allocated a pupil's UPN, where it is another (inferred)."""
    earliest, latest = request.day("LeavingDateFrom"), request.day("LeavingDateTo")
    here = view.school.estab
    rows: list[Row] = []
    for number in students.with_leavers(view, request):
        pupil, student = view.data.pupils[number], ids.student_id(view, number)
        allocated = pupil.upn[1:8] if pupil.upn else here
        if allocated == here or (request.identifier and student != request.identifier):
            continue
        in_september = (pupil.admission.month, pupil.admission.day) == (9, 1)
        leaving = date(pupil.admission.year, 7, 22) if in_september else pupil.admission - timedelta(days=1)
        if (earliest and leaving < earliest) or (latest and leaving > latest):
            continue
        row = {
            "Id": view.mis_id(Kind.PERIOD_OF_STATUS, number),
            "StudentId": student,
            "Forename": pupil.forename,
            "Surname": pupil.surname,
            "PreviousSchoolName": f"{view.school.la_name} School {allocated[3:]}",
            "LEA": allocated[:3],
            "EstabId": allocated,
            "LeavingDate": day_text(leaving),
            "LeavingReason": "End of phase transfer"
            if in_september and view.nc_year(pupil) > RECEPTION
            else "Moved to another school",
        }
        rows.append(stamped(row, max(pupil.created, epoch(date(view.data.years[0], 9, 2), NIGHTLY))))
    return {"StudentSchoolHistory": rows}
