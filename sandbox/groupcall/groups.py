"""``Groups``: year groups, houses, registration groups and classes with somebody in them (source_apis.md 2.5)."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.calendar import epoch
from sandbox.facts import groups as facts
from sandbox.groupcall import ids
from sandbox.groupcall.scopes import meets
from sandbox.groupcall.students import year_group
from sandbox.groupcall.wire import Request, Row, Sets, stamped
from sandbox.identity import Kind
from sandbox.pupils import NIGHTLY
from sandbox.staff import Employee
from sandbox.timetable import SUBJECTS
from sandbox.view import SchoolView

_TYPES = {
    "YearGrp": ("GY", "Year group"),
    "HouseGrp": ("GH", "House"),
    "RegGrp": ("GR", "Registration group"),
    "TeachingGrp": ("GC", "Teaching group"),
}


class _Group(NamedTuple):
    kind: str
    identifier: str
    name: str
    members: list[int]
    taught_by: list[Employee]
    subject: int | None = None

    @property
    def idaas(self) -> str:
        """The id with the prefix of its kind."""
        return f"{_TYPES[self.kind][0]}-{self.identifier}"


def _groups(view: SchoolView) -> list[_Group]:
    by_year: dict[int, list[int]] = {}
    by_house: dict[int, list[int]] = {}
    for number in view.current:
        pupil = view.data.pupils[number]
        by_year.setdefault(view.nc_year(pupil), []).append(number)
        by_house.setdefault(pupil.house, []).append(number)
    found = [
        _Group("YearGrp", ids.year_id(view, nc_year), year_group(nc_year), members, [])
        for nc_year, members in sorted(by_year.items())
    ]
    if view.school.publishes_classes:
        found += [
            _Group("HouseGrp", ids.house_id(view, house), facts.HOUSES[house], members, [])
            for house, members in sorted(by_house.items())
        ]
    found += [
        _Group(
            "RegGrp",
            ids.form_id(view, nc_year, form),
            facts.form_name(nc_year, form),
            members,
            facts.form_staff(view, nc_year, form),
        )
        for nc_year, form, members in view.forms
    ]
    found += [
        _Group(
            "TeachingGrp",
            ids.class_id(view, teaching),
            teaching.code,
            facts.on_roll(view, teaching),
            facts.class_teachers(view, teaching),
            teaching.subject,
        )
        for teaching in view.classes
    ]
    return [group for group in found if group.members]


def members_by_group(view: SchoolView) -> dict[str, list[int]]:
    """Numbers of the pupils on roll in each group, by the group's id."""
    return view.remember("xod members", lambda: {group.identifier: group.members for group in _groups(view)})


def groups(view: SchoolView, request: Request) -> Sets:
    """``Group``, ``StaffMembers``, ``StudentMembers``, ``GroupTypes``; the last three are empty without their option.

    Members have bare ids, or prefixed ones in some MIS, as the documentation has both.
    """
    kind, code, began = request.text("Type").lower(), request.text("Code"), facts.year_started(view)
    asked = [
        group
        for group in _groups(view)
        if (not kind or group.kind.lower() == kind)
        and (not code or group.name == code)
        and (not request.identifier or group.identifier == request.identifier)
        and request.is_news(began)
    ]
    sets: Sets = {"Group": [stamped(_row(view, group, request), began) for group in asked]}
    if meets(view, ("Staff", "StaffLite")):
        sets["StaffMembers"] = (
            [row for group in asked for row in _staff(view, group)] if request.option("includeStaffMembers") else []
        )
    if meets(view, ("Student", "StudentLite")):
        sets["StudentMembers"] = (
            [row for group in asked for row in _students(view, group)]
            if request.option("includeStudentMembers")
            else []
        )
    sets["GroupTypes"] = (
        [{"Id": kind, "Description": description} for kind, (_, description) in _TYPES.items()]
        if request.option("includeGroupTypes")
        else []
    )
    return sets


def _row(view: SchoolView, group: _Group, request: Request) -> Row:
    main = next(iter(group.taught_by), None)
    row = ids.group(view, group.identifier, _TYPES[group.kind][0])
    row |= {
        "Type": group.kind,
        "Code": group.name,
        "Name": group.name,
        "PrimaryStaffId": main.mis_id if main else None,
        "Staff": main.staff_code if main else None,
        "NumStudents": len(group.members),
    }
    if request.option("includeSubjects"):
        code, name = SUBJECTS[group.subject] if group.subject is not None else (None, None)
        local = view.mis_id(Kind.SUBJECT, group.subject) if group.subject is not None else None
        row |= {"SubjectLocalId": local, "SubjectCode": code, "SubjectName": name}
    if request.option("includeMembersIds"):
        row["StudentIds"] = ",".join(ids.student_id(view, number) for number in group.members)
        row["StaffIds"] = ",".join(teacher.mis_id for teacher in group.taught_by)
    return row


def _staff(view: SchoolView, group: _Group) -> list[Row]:
    role = "Tutor" if group.kind == "RegGrp" else "Teacher"
    prefixed = view.mis.prefixed_members
    return [
        stamped(
            {
                "Id": f"{group.idaas}.PWT-{teacher.mis_id}",
                "GroupId": group.idaas if prefixed else group.identifier,
                "StaffId": f"PWT-{teacher.mis_id}" if prefixed else teacher.mis_id,
                "StaffRole": role,
            },
            facts.year_started(view),
        )
        for teacher in group.taught_by
    ]


def _students(view: SchoolView, group: _Group) -> list[Row]:
    rows = []
    prefixed = view.mis.prefixed_members
    for number in group.members:
        pupil = view.data.pupils[number]
        row = {
            "Id": f"{group.idaas}.PL-{pupil.mis_id}",
            "GroupId": group.idaas if prefixed else group.identifier,
            "StudentId": f"PL-{pupil.mis_id}" if prefixed else ids.student_id(view, number),
        }
        rows.append(stamped(row, max(facts.year_started(view), epoch(pupil.admission, NIGHTLY))))
    return rows
