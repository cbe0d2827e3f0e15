"""Both partners tell the same of the same school, row for row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from groupcall_reader import Groupcall

Row = dict[str, Any]
ReadAll = Callable[..., list[Row]]


@pytest.fixture(params=[0, 1, 2, 4], ids=["primary", "secondary", "all through", "own codes"])
def school(request: pytest.FixtureRequest, school_ids: list[str]) -> str:
    """One school of each MIS, and one with its own attendance codes."""
    place: int = request.param
    return school_ids[place]


def _upn(row: Row) -> str | None:
    upn: str | None = row["education_details"]["data"]["upn"]
    return upn


def _day(value: Row | str | None) -> str:
    return value["date"][:10] if isinstance(value, dict) else value or ""


def _by_wonde_id(groupcall: Groupcall, read_all: ReadAll, school: str) -> dict[str, str]:
    """Groupcall's id of each enrolment, by Wonde's."""
    theirs = {
        (row["IdaasId"], row["EntryDate"]): row["Id"]
        for row in groupcall.read(school, "Students", "includeLeavers,includePreAdmissions")["Students"]
    }
    found = {}
    for endpoint in ("students", "students-leaver", "students-pre-admission"):
        for row in read_all(f"schools/{school}/{endpoint}", include="education_details"):
            entry = _day(row["education_details"]["data"]["admission_date"])
            found[row["id"]] = theirs[f"PL-{row['mis_id']}", entry]
    return found


def test_pupils_agree(groupcall: Groupcall, read_all: ReadAll, school: str) -> None:
    rows = groupcall.read(school, "Students", "includeLeavers,includePreAdmissions")["Students"]
    assert len({row["Id"] for row in rows}) == len(rows)
    include = "education_details,extended_details,registration,year"
    for endpoint, status in (
        ("students", "OnRoll"),
        ("students-leaver", "Leaver"),
        ("students-pre-admission", "PreAdmission"),
    ):
        wanted = sorted(
            (
                row["mis_id"],
                row["surname"],
                row["legal_forename"],
                row["gender"][0].upper(),
                _day(row["date_of_birth"]),
                _upn(row),
                row["education_details"]["data"]["current_nc_year"],
                _day(row["education_details"]["data"]["admission_date"]),
                _day(row["education_details"]["data"]["leaving_date"]),
                (row["registration"]["data"] or {}).get("name"),
                row["extended_details"]["data"]["free_school_meals"],
                row["extended_details"]["data"]["free_school_meals_6"],
                row["extended_details"]["data"]["in_lea_care"],
                row["extended_details"]["data"]["english_as_additional_language"],
            )
            for row in read_all(f"schools/{school}/{endpoint}", include=include)
        )
        found = sorted(
            (
                row["IdaasId"].removeprefix("PL-"),
                row["Surname"],
                row["LegalForename"],
                row["Gender"],
                row["DateofBirth"],
                row["UPN"],
                row["YearGroup"].split()[-1],
                row["EntryDate"],
                row["LeavingDate"] or "",
                row["RegGroup"],
                bool(row["FSMEligible"]),
                bool(row["FSMEver6"]),
                bool(row["InLeaCare"]),
                bool(row["EAL"]),
            )
            for row in rows
            if row["StudentStatus"] == status
        )
        assert found == wanted
    plain = groupcall.read(school, "Students")["Students"]
    assert [row["Id"] for row in plain] == [row["Id"] for row in rows if row["StudentStatus"] == "OnRoll"]


def test_somebody_who_came_back_has_two_ids_and_is_one_person(groupcall: Groupcall, school_ids: list[str]) -> None:
    twice = 0
    for school in school_ids:
        by_person: dict[str, list[Row]] = {}
        for row in groupcall.read(school, "Students", "includeLeavers")["Students"]:
            by_person.setdefault(row["IdaasId"], []).append(row)
        for idaas, rows in by_person.items():
            statuses = {row["StudentStatus"]: row for row in rows}
            if len(rows) == 2 and "OnRoll" in statuses:
                twice += 1
                assert f"PL-{statuses['OnRoll']['Id']}" == idaas
                assert statuses["Leaver"]["Id"].isdigit()
                assert statuses["Leaver"]["Id"] != statuses["OnRoll"]["Id"]
                assert statuses["Leaver"]["ExternalId"] == statuses["OnRoll"]["ExternalId"]
    assert twice


def test_marks_agree(groupcall: Groupcall, read_all: ReadAll, school: str) -> None:
    students = _by_wonde_id(groupcall, read_all, school)
    codes = {row["id"]: row["code"] for row in read_all(f"schools/{school}/attendance-codes")}
    assert list(codes.values()) == [row["Mark"] for row in groupcall.read(school, "AttendanceCodes")["AttendCodes"]]
    bounds = {"attendance_date_after": "2025-06-23", "attendance_date_before": "2025-07-18"}
    wanted: dict[bool, list[tuple[Any, ...]]] = {}
    for leavers in (False, True):
        path = f"schools/{school}/attendance{'-leavers' if leavers else ''}/session"
        wanted[leavers] = sorted(
            (students[row["student"]], _day(row["date"]), row["session"], codes[row["attendance_code"]])
            for row in read_all(path, per_page=1000, **bounds)
        )

    def marks(options: str) -> list[tuple[Any, ...]]:
        found = []
        for page in groupcall.pages(
            school, "AttendanceForDateRange", 1000, options, DateFrom="2025-06-23", DateTo="2025-07-18"
        ):
            for row in page["AttendMarks"]:
                assert row["Id"] == f"{row['StudentId']}.{row['Date']}.{row['Session']}"
                assert set(row) == {"Id", "Date", "StudentId", "Mark", "Type", "Session"}
                found.append((row["StudentId"], row["Date"], row["Session"], row["Mark"]))
        return sorted(found)

    assert marks("") == wanted[False]
    assert marks("includeLeavers") == sorted(wanted[False] + wanted[True])
    kept = [mark for mark in wanted[False] if mark[3] not in ("-", "#")]
    assert marks("excludeNoMarks,excludeClosed") == kept


def test_the_marks_of_a_day_carry_minutes_and_session(
    groupcall: Groupcall, read_all: ReadAll, school_ids: list[str]
) -> None:
    school = school_ids[1]
    students = _by_wonde_id(groupcall, read_all, school)
    late = 0
    for day in ("2025-07-16", "2025-07-17", "2025-07-18"):
        bounds = {"attendance_date_after": day, "attendance_date_before": day}
        wanted = {
            (students[row["student"]], row["session"]): (row["minutes_late"], row["comment"])
            for row in read_all(f"schools/{school}/attendance/session", **bounds)
        }
        rows = groupcall.read(school, "AttendanceForDate", date=day)["AttendMarks"]
        assert {(row["StudentId"], row["Session"]): (row["MinsLate"], row["Notes"]) for row in rows} == wanted
        late += sum(row["MinsLate"] is not None for row in rows)
        sessions = groupcall.read(school, "TimetableStructure", DateFrom=day, DateTo=day)["TTSessions"]
        assert {row["InstanceId"] for row in rows} == {row["Id"] for row in sessions}
        (morning,) = groupcall.read(school, f"AttendanceForDate/{rows[0]['StudentId']}", date=day, sessionType="AM")[
            "AttendMarks"
        ]
        assert morning == rows[0]
    assert late
    assert groupcall.read(school, "AttendanceForDate", date=day, attendanceType="L")["AttendMarks"] == []


def test_ranges_of_marks_reach_no_further_than_this_academic_year(groupcall: Groupcall, school_ids: list[str]) -> None:
    for begin, end, empty in (("2024-06-03", "2024-06-07", True), ("2024-07-15", "2024-09-06", False)):
        rows = groupcall.read(school_ids[1], "AttendanceForDateRange", DateFrom=begin, DateTo=end)["AttendMarks"]
        assert (rows == []) is empty
        assert all(row["Date"] >= "2024-09-01" for row in rows)
    assert groupcall.read(school_ids[1], "AttendanceForDate", date="2024-06-03")["AttendMarks"]


def test_results_agree(groupcall: Groupcall, read_all: ReadAll, school: str) -> None:
    students = _by_wonde_id(groupcall, read_all, school)
    numbers = {
        path: {row["id"]: row["mis_id"] for row in read_all(f"schools/{school}/assessment/{path}")}
        for path in ("aspects", "resultsets")
    }
    wanted = sorted(
        (
            row["mis_id"],
            students[row["student"]],
            numbers["aspects"][row["aspect"]],
            numbers["resultsets"][row["resultset"]],
            _day(row["result_date"]),
            row["result"],
        )
        for row in read_all(f"schools/{school}/assessment/results", per_page=1000)
    )
    structure = groupcall.read(school, "assessmentstructure", "includeMarkingGrids")
    aspects, sets = ([row["Id"] for row in structure[name]] for name in ("Aspects", "ResultSets"))
    assert (sorted(aspects), sorted(sets)) == tuple(sorted(found.values()) for found in numbers.values())
    sheets = {row["id"]: row["mis_id"] for row in read_all(f"schools/{school}/assessment/marksheets")}
    assert [row["Id"] for row in structure["Marksheets"]] == list(sheets.values())

    def results(**query: str) -> list[tuple[Any, ...]]:
        return sorted(
            tuple(row[name] for name in ("Id", "StudentId", "AspectId", "ResultSetId", "ResultDate", "Result"))
            for row in groupcall.read(school, "assessmentresults", **query)["AsmResults"]
        )

    assert results(ResultSets=",".join(sets)) == wanted
    assert results(Aspects=",".join(aspects)) == wanted
    one = wanted[0]
    assert results(Aspects=f"{one[2]}|{one[3]}") == [row for row in wanted if row[2:4] == one[2:4]]
    assert results(Aspects=f"{one[2]}|") == []
    either = [row for row in wanted if row[1] == one[1] or row[2] == wanted[-1][2]]
    assert results(Students=one[1], Aspects=wanted[-1][2]) == either
    assert results(Students=one[1], ResultSets=one[3]) == [row for row in wanted if row[3] == one[3]]
    assert results(Aspects=",".join(aspects), ResultDateFrom="2025-01-01") == [
        row for row in wanted if row[4] >= "2025-01-01"
    ]


def test_exclusions_agree(groupcall: Groupcall, read_all: ReadAll, school_ids: list[str]) -> None:
    for school in school_ids[1:3]:
        gone = {row["mis_id"] for row in read_all(f"schools/{school}/students-leaver")}
        here = {row["mis_id"] for row in read_all(f"schools/{school}/students")}
        people = {}
        for include in ("student", "student-leaver"):
            for row in read_all(f"schools/{school}/exclusions", include=include):
                if row[include]["data"]:
                    people[row["mis_id"]] = row[include]["data"]["mis_id"]
        wanted = {
            row["mis_id"]: (
                people[row["mis_id"]],
                row["type_code"],
                row["reason_code"],
                _day(row["start_date"]),
                row["start_session"],
                _day(row["end_date"]),
                row["end_session"],
                row["sessions"],
                row["days"],
            )
            for row in read_all(f"schools/{school}/exclusions")
        }
        names = {
            row["Id"]: row["IdaasId"].removeprefix("PL-")
            for row in groupcall.read(school, "Students", "includeLeavers")["Students"]
        }

        def exclusions(options: str, school: str = school, names: dict[str, str] = names) -> dict[str, Any]:
            return {
                row["Id"]: (
                    names[row["StudentId"]],
                    row["ExclusionTypeCode"],
                    row["ExclusionReasonCode"],
                    row["StartDate"],
                    row["StartSession"],
                    row["EndDate"],
                    row["EndSession"],
                    row["ExclusionSessions"],
                    row["ExclusionDays"],
                )
                for row in groupcall.read(school, "StudentExclusions", options)["StudentExclusions"]
            }

        assert wanted
        assert exclusions("includeLeavers") == wanted
        shown = exclusions("")
        assert shown == {key: row for key, row in wanted.items() if row[0] not in gone or key in shown}
        assert {row[0] for row in shown.values()} <= here
    appeal = groupcall.read(school_ids[1], "StudentExclusions", "includeAppealInfo")["StudentExclusions"][0]
    assert {"DisiplinaryResult", "CommiteeHearingDate"} <= set(appeal)


def test_groups_and_members_agree(groupcall: Groupcall, read_all: ReadAll, school: str) -> None:
    options = "includeStudentMembers,includeStaffMembers,includeSubjects,includeMembersIds"
    answer = groupcall.read(school, "Groups", options)
    members: dict[str, set[str]] = {}
    staff: dict[str, set[str]] = {}
    for found, rows, column in (
        (members, answer["StudentMembers"], "StudentId"),
        (staff, answer["StaffMembers"], "StaffId"),
    ):
        for row in rows:
            # Ids may have a prefix.
            found.setdefault(row["GroupId"].split("-")[-1], set()).add(row[column].split("-")[-1])
    for endpoint, kind in (("classes", "TeachingGrp"), ("groups", "RegGrp")):
        wanted = {
            row["mis_id"]: (
                row["name"],
                {pupil["mis_id"] for pupil in row["students"]["data"]},
                {teacher["mis_id"] for teacher in row["employees"]["data"]},
            )
            for row in read_all(f"schools/{school}/{endpoint}", include="students,employees")
            if row["students"]["data"]
        }
        groups = [row for row in answer["Group"] if row["Type"] == kind]
        assert {row["Id"]: (row["Name"], members[row["Id"]], staff.get(row["Id"], set())) for row in groups} == wanted
        for row in groups:
            assert row["NumStudents"] == len(members[row["Id"]])
            assert set(row["StudentIds"].split(",")) == members[row["Id"]]
        only = groupcall.read(school, "Groups", Type=kind)
        assert [row["Id"] for row in only["Group"]] == [row["Id"] for row in groups]
        assert only["StudentMembers"] == only["StaffMembers"] == []
    everybody = {row["Id"] for row in groupcall.read(school, "Students")["Students"]}
    assert set().union(*(members[row["Id"]] for row in answer["Group"] if row["Type"] == "YearGrp")) == everybody
    subjects = {row["mis_id"]: row["name"] for row in read_all(f"schools/{school}/subjects")}
    for row in answer["Group"]:
        assert (row["SubjectName"] is None) == (row["Type"] != "TeachingGrp")
        assert row["SubjectLocalId"] is None or subjects[row["SubjectLocalId"]] == row["SubjectName"]


def test_lessons_agree(groupcall: Groupcall, read_all: ReadAll, school_ids: list[str]) -> None:
    school = school_ids[1]
    days = {"DateFrom": "2025-07-14", "DateTo": "2025-07-18"}
    bounds = {"lessons_start_after": "2025-07-14", "lessons_start_before": "2025-07-19"}
    wanted = sorted(
        (row["class"]["data"]["mis_id"], row["start_at"]["date"][:19].replace(" ", "T"), str(row["period_instance_id"]))
        for row in read_all(f"schools/{school}/lessons", include="class", **bounds)
    )
    answer = groupcall.read(school, "Timetable", "includeLessons,includeLessonStaff,includeLessonRooms", **days)
    assert sorted((row["ClassId"], row["StartDateTime"], row["PeriodId"]) for row in answer["Lessons"]) == wanted
    known = {row["Id"] for row in answer["Lessons"]}
    assert {row["LessonId"] for row in answer["LessonRooms"]} == known
    assert {row["LessonId"] for row in answer["LessonStaff"]} == known
    structure = groupcall.read(school, "TimetableStructure", **days)
    assert {row["PeriodId"] for row in answer["Lessons"]} <= {row["Id"] for row in structure["TTPeriods"]}
    bare = groupcall.read(school, "Timetable", **days)
    assert bare["Lessons"] == bare["LessonStaff"] == bare["LessonRooms"] == []
    assert groupcall.read(school_ids[0], "TimetableStructure", **days)["TTPeriods"] == []


def test_staff_agree(groupcall: Groupcall, read_all: ReadAll, school: str) -> None:
    include = "employment_details,contracts,roles,contact_details"
    theirs = read_all(f"schools/{school}/employees", include=include)
    wanted = {
        row["mis_id"]: (
            row["surname"],
            row["employment_details"]["data"]["teaching_staff"],
            row["contact_details"]["data"]["emails"]["email"],
            _day(row["date_of_birth"]),
            _day(row["employment_details"]["data"]["employment_start_date"]),
            ",".join(role["role"] for role in row["roles"]["data"]),
        )
        for row in theirs
        if row["employment_details"]["data"]["current"]
    }
    rows = groupcall.read(school, "Staff")["Staff"]
    found = {
        row["Id"]: (
            row["Surname"],
            bool(row["IsTeacher"]),
            row["WorkEmail"],
            row["DateOfBirth"],
            row["EmploymentStart"],
            row["Roles"],
        )
        for row in rows
    }
    assert found == wanted
    assert all(row["StaffStatus"] == "Current" and row["IdaasId"] == f"PWT-{row['Id']}" for row in rows)
    more = groupcall.read(school, "Staff", "includePrevious,includeFuture")["Staff"]
    assert {row["Id"] for row in more} == {row["mis_id"] for row in theirs}
    contracts = groupcall.read(school, "StaffContracts")
    assert {(row["Id"], row["StaffId"], row["EmploymentType"]) for row in contracts["StaffContracts"]} == {
        (contract["mis_id"], row["mis_id"], contract["employment_type"])
        for row in theirs
        for contract in row["contracts"]["data"]
    }
    assert {row["Id"] for row in contracts["StaffRoles"]} == {
        role["mis_id"] for row in theirs for role in row["roles"]["data"]
    }


def test_needs_and_periods_agree(groupcall: Groupcall, read_all: ReadAll, school: str) -> None:
    sen = groupcall.read(school, "SEN")
    meals = groupcall.read(school, "EntitlementHistory")
    assert [row["Shortname"] for row in meals["EntitlementGroups"]] == ["FSM", "PP", "Ever6"]
    found = {
        "sen_needs": {(row["Id"], row["StudentMis_Id"]) for row in sen["StudentSENTypeHistory"]},
        "sen_date_ranges": {(row["Id"], row["StudentMis_Id"]) for row in sen["StudentSENProvisionHistory"]},
        "fsm_date_ranges": {
            (row["Id"], row["StudentId"])
            for row in meals["EntitlementGroupStudents"]
            if row["EntitlementGroupId"] == "100"
        },
    }
    rows = read_all(f"schools/{school}/students", include=",".join(found))
    for name, ids in found.items():
        assert ids == {(one["mis_id"], row["mis_id"]) for row in rows for one in row[name]["data"]}
        assert ids
    for row in groupcall.read(school, "StudentSchoolHistory", "includeLeavers")["StudentSchoolHistory"]:
        assert row["EstabId"].startswith(row["LEA"])
