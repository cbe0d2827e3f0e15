"""The data endpoints of a school: scopes, options, parameters, and where the rows come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sandbox.facts import staff as staff_facts
from sandbox.facts.groups import year_started
from sandbox.groupcall import assessment, attendance, groups, history, staff, students, timetable
from sandbox.groupcall.scopes import Requirements
from sandbox.groupcall.wire import Request, Sets, day_text, stamped
from sandbox.view import SchoolView


class Endpoint(NamedTuple):
    """One endpoint. The first of its sets is the one that is paged; ``options`` and ``parameters`` are what the
    catalogue names, of which the sandbox heeds those that its README lists."""

    name: str
    needs: Requirements
    sets: Callable[[SchoolView, Request], Sets]
    options: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


_SCHOOL = (("School", "SchoolLite"),)


def _school_info(view: SchoolView, request: Request) -> Sets:
    school = view.school
    head = next(
        (one for one in staff_facts.teachers(view) if one.roles[0].code == "HDTR"),
        None,
    )
    row = {
        "Id": "1",
        "Name": school.name,
        "Head": f"{head.forename} {head.surname}" if head else None,
        "MainContact": None,
        "Telephone": "01000000000",
        "Web": None,
        "Email": f"office@{school.id.lower()}.example.org",
        "DeniNo": None,
        "Governance": "Community",
        "Phase": {"all through": "All-through"}.get(school.phase, school.phase.capitalize()),
        "ExamCentre": None,
        "Address": f"1 School Lane\n{school.town}",
        "EstabId": school.estab,
        "CurrentAcademicYear": str(view.year),
    }
    return {"SchoolInfo": [stamped(row, year_started(view))]}


def _counts(view: SchoolView, request: Request) -> Sets:
    empty = Request("", {})
    members = groups.members_by_group(view)
    return {
        "Counts": [
            {"Area": "Students", "Count": len(view.current)},
            {"Area": "Staff", "Count": len(staff.staff(view, empty)["Staff"])},
            {"Area": "Groups", "Count": len(members)},
            {"Area": "StudentExclusions", "Count": len(attendance.exclusions(view, empty)["StudentExclusions"])},
        ]
    }


def _health(view: SchoolView, request: Request) -> Sets:
    return {"Health": [{"Area": "Connection", "Status": "OK", "Message": None, "Checked": day_text(view.clock.today)}]}


_ENDPOINTS = (
    Endpoint("SchoolInfo", _SCHOOL, _school_info),
    Endpoint("Counts", _SCHOOL, _counts),
    Endpoint("Health", (("EndpointInfo",),), _health),
    Endpoint(
        "Students",
        (("Student", "StudentLite"),),
        students.students,
        (
            "includeGroupIds",
            "includeAttStats",
            "includeSiblingsList",
            "includeSiblingsResultset",
            "includeLeavers",
            "includePreAdmissions",
        ),
        ("id", "updatedSince", "yearGroupId", "studentStatus"),
    ),
    Endpoint(
        "SEN", (("SEN",),), history.sen, (), ("StudentId", "SENProvision", "SENTypeRank", "Active", "updatedSince")
    ),
    Endpoint("EntitlementHistory", (("StudentFunding",), ("StudentHistory",)), history.entitlements),
    Endpoint(
        "StudentSchoolHistory",
        (("StudentSchoolHistory",),),
        history.schools_before,
        ("includeLeavers",),
        ("LeavingDateFrom", "LeavingDateTo"),
    ),
    Endpoint(
        "Groups",
        _SCHOOL,
        groups.groups,
        ("includeStaffMembers", "includeStudentMembers", "includeMembersIds", "includeSubjects", "includeGroupTypes"),
        ("id", "Type", "Code", "updatedSince"),
    ),
    Endpoint(
        "Timetable",
        (("School",),),
        timetable.timetable,
        ("includeLessons", "includeLessonStaff", "includeLessonRooms"),
        ("DateFrom", "DateTo"),
    ),
    Endpoint("TimetableStructure", (("School",),), timetable.structure, (), ("DateFrom", "DateTo")),
    Endpoint(
        "assessmentstructure",
        (("School",),),
        assessment.structure,
        ("includeMarkingGrids", "includeGradesets"),
        ("CategoryFilter",),
    ),
    Endpoint(
        "assessmentresults",
        (("AssessmentResults",),),
        assessment.results,
        (),
        (
            "Students",
            "Groups",
            "Aspects",
            "ResultSets",
            "Templates",
            "Columns",
            "Marksheets",
            "ResultDateFrom",
            "ResultDateTo",
        ),
    ),
    Endpoint("AttendanceCodes", (("Attendance",),), attendance.codes),
    Endpoint(
        "AttendanceForDate",
        (("Attendance",),),
        attendance.for_date,
        ("excludeNoMarks", "excludeClosed"),
        ("date", "attendanceType", "sessionType"),
    ),
    Endpoint(
        "AttendanceForDateRange",
        (("Attendance",),),
        attendance.for_range,
        ("includeExternalId", "excludeNoMarks", "excludeClosed", "includeLeavers"),
        ("DateFrom", "DateTo", "SessionType"),
    ),
    Endpoint(
        "StudentExclusions",
        (("StudentExclusions",),),
        attendance.exclusions,
        ("includeComments", "includeAppealInfo", "includeLeavers"),
        ("DateFrom", "DateTo", "ExclusionType", "ExclusionReason"),
    ),
    Endpoint(
        "Staff",
        (("Staff", "StaffLite"),),
        staff.staff,
        ("teachersOnly", "includeFuture", "includePrevious"),
        ("id", "staffStatus", "updatedSince"),
    ),
    Endpoint("StaffContracts", (("StaffContractual",),), staff.contracts, (), ("staffId",)),
)
#: By the name in lower case: the catalogue itself is not of one mind about capitals.
ENDPOINTS: dict[str, Endpoint] = {endpoint.name.lower(): endpoint for endpoint in _ENDPOINTS}
