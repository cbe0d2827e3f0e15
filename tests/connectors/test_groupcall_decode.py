"""From XoD's documented shapes to rows: every column of every table, whatever the spelling, and nothing lost."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import groupcall_payloads as given
import pytest
from groupcall_payloads import body, decoded

from orchestration.connectors.base import Decoded, Gone
from orchestration.connectors.errors import MalformedPage
from orchestration.connectors.groupcall.client import GroupcallConfig, GroupcallPartner
from orchestration.connectors.groupcall.decode import GroupcallDecoder
from orchestration.connectors.groupcall.words import bare, code_type, nc_year
from orchestration.ingest.categories import CATEGORIES, Category

#: One row of each result set of each stream.
SETS: dict[tuple[Category, str], dict[str, list[Any]]] = {
    (Category.BASIC, "students"): {"Students": [given.student()]},
    (Category.DEMOGRAPHICS, "students"): {"Students": [given.student()]},
    (Category.DEMOGRAPHICS, "sen"): {
        "StudentSENTypeHistory": [given.need()],
        "StudentSENProvisionHistory": [given.provision()],
    },
    (Category.DEMOGRAPHICS, "entitlements"): {
        "EntitlementGroups": given.entitlement_groups(),
        "EntitlementGroupStudents": [given.entitlement()],
    },
    (Category.TIMETABLE, "teaching-groups"): {
        "Group": [given.group()],
        "StudentMembers": [given.student_member()],
        "StaffMembers": [given.staff_member()],
    },
    (Category.TIMETABLE, "registration-groups"): {
        "Group": [given.group(Id="188", Type="RegGrp", Code="7B", Name="7B", SubjectLocalId=None)],
        "StudentMembers": [given.student_member("188")],
        "StaffMembers": [given.staff_member("188", "27")],
    },
    (Category.ASSESSMENT, "structure"): {"Aspects": [given.aspect()], "ResultSets": [given.result_set()]},
    (Category.ASSESSMENT, "results"): {"AsmResults": [given.result()]},
    (Category.ATTENDANCE, "codes"): {"AttendCodes": [given.attendance_code()]},
    (Category.ATTENDANCE, "marks"): {"AttendMarks": [given.mark()]},
    (Category.ATTENDANCE, "lateness"): {"AttendMarks": [given.mark(MinsLate=5)]},
    (Category.ATTENDANCE, "exclusions"): {"StudentExclusions": [given.exclusion()]},
    (Category.STAFF, "staff"): {"Staff": [given.staff()]},
    (Category.STAFF, "contracts"): {"StaffContracts": [given.contract()], "StaffRoles": [given.role()]},
}


def partner() -> GroupcallPartner:
    return GroupcallPartner(
        GroupcallConfig("http://127.0.0.1:1/api/v1/", "http://127.0.0.1:1/api/oauth/GetToken", "app", schools=list)
    )


def named(category: Category, table: str, row: tuple[Any, ...]) -> dict[str, Any]:
    columns = next(declared.columns for declared in CATEGORIES[category].tables if declared.name == table)
    return dict(zip(columns, row, strict=True))


def recorded(row: dict[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if value is not None}


@pytest.mark.parametrize("category", list(Category))
def test_the_streams_of_a_category_fill_exactly_its_tables(category: Category) -> None:
    for mode in ("incremental", "full"):
        streams = partner().streams(category, mode)
        assert {table for stream in streams for table in stream.tables} == {
            table.name for table in CATEGORIES[category].tables
        }
        for stream in streams:
            page = GroupcallDecoder(category).decode(stream.name, body(**SETS[category, stream.name]))
            assert {rows.table for rows in page.rows} == set(stream.tables)
            assert all(len(rows.rows) == 1 for rows in page.rows)
            assert page.bad == []
            columns = {table.name: len(table.columns) for table in CATEGORIES[category].tables}
            assert all(len(row) == columns[rows.table] for rows in page.rows for row in rows.rows)


@pytest.mark.parametrize("category", list(Category))
def test_tables_that_are_snapshots_are_read_whole(category: Category) -> None:
    whole = {table.name for table in CATEGORIES[category].tables if table.snapshot_only}
    for mode in ("incremental", "full"):
        assert not [s for s in partner().streams(category, mode) if s.incremental and whole & set(s.tables)]


def test_in_full_mode_marks_alone_are_not_the_whole_because_earlier_years_are_not_there() -> None:
    streams = [stream for category in Category for stream in partner().streams(category, "full")]
    assert [stream.name for stream in streams if stream.incremental] == ["marks", "lateness"]


# --- each category ---------------------------------------------------------------------------------------------------


def test_pupil() -> None:
    rows, bad = decoded(GroupcallDecoder(Category.BASIC), "students", Students=[given.student()])
    assert not bad
    assert named(Category.BASIC, "pupil", rows["pupil"][0]) == {
        "pupil_id": "7010",
        "person_id": "7010",
        "upi": None,
        "mis_id": "7010",
        "forename": "Ana",
        "middle_names": None,
        "surname": "Beck",
        "legal_forename": "Anastasia",
        "legal_surname": "Beck",
        "sex": "F",
        "date_of_birth": date(2013, 11, 5),
        "upn": "L823999921001",
        "former_upn": None,
        "uln": None,
        "admission_number": "005120",
        "nc_year": "7",
        "part_time": None,
        "admission_date": date(2025, 9, 1),
        "leaving_date": None,
        "address_line": "Rose Cottage, 12 Mill Lane",
        "town": "Northmoor",
        "county": None,
        "postcode": "ZZ1 1ZZ",
        "is_leaver": False,
        # Summer time: the partner writes local time.
        "source_updated_at": datetime(2025, 9, 14, 1, 7, 21, 30_000, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("fields", "column", "expected"),
    [
        ({"StudentStatus": "Leaver"}, "is_leaver", True),
        ({"StudentStatus": None}, "is_leaver", None),
        ({"IdaasId": "PL-88"}, "person_id", "88"),
        ({"IdaasId": "PL-88"}, "mis_id", "88"),
        ({"IdaasId": None}, "person_id", "7010"),
        ({"Id": 7010}, "pupil_id", "7010"),
        ({"Gender": "M"}, "sex", "M"),
        ({"LeavingDate": "2025-07-22T00:00:00"}, "leaving_date", date(2025, 7, 22)),
        ({"LastUpdated": "2025-12-14T02:07:21"}, "source_updated_at", datetime(2025, 12, 14, 2, 7, 21, tzinfo=UTC)),
        ({"HouseName": None, "Apartment": "Flat 2"}, "address_line", "Flat 2, 12 Mill Lane"),
        ({"HouseName": "", "HouseNo": None}, "address_line", "Mill Lane"),
        ({"UPN": ""}, "upn", None),
    ],
)
def test_pupil_fields_that_come_otherwise(fields: dict[str, Any], column: str, expected: Any) -> None:
    rows, bad = decoded(GroupcallDecoder(Category.BASIC), "students", Students=[given.student(**fields)])
    assert not bad
    assert named(Category.BASIC, "pupil", rows["pupil"][0])[column] == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("Year  7", "7"),
        ("Year 13", "13"),
        ("year 01", "1"),
        ("11", "11"),
        (11, "11"),
        ("Reception", "R"),
        ("Year  R", "R"),
        ("R", "R"),
        ("Nursery 2", "N2"),
        ("Year  N1", "N1"),
        ("N2", "N2"),
        ("E1", "E1"),
        ("Sixth  Form", "Sixth Form"),
        ("Nursery", "Nursery"),
        ("", None),
        (None, None),
    ],
)
def test_year_groups(sent: str | int | None, expected: str | None) -> None:
    assert nc_year(sent) == expected


def test_columns_that_were_not_granted_are_absent_and_read_as_null() -> None:
    lite = {"Id": "7010", "StudentStatus": "OnRoll"}
    rows, bad = decoded(GroupcallDecoder(Category.BASIC), "students", Students=[lite])
    assert not bad
    assert recorded(named(Category.BASIC, "pupil", rows["pupil"][0])) == {
        "pupil_id": "7010",
        "person_id": "7010",
        "mis_id": "7010",
        "is_leaver": False,
    }


def test_keys_are_read_in_any_case() -> None:
    as_documented = GroupcallDecoder(Category.BASIC).decode("students", body(Students=[given.student()]))
    for spell in (str.lower, str.upper):
        spelt = {spell(key): value for key, value in given.student().items()}
        page = json.dumps({spell("Students"): [spelt], spell("Meta"): given.meta()}).encode()
        assert GroupcallDecoder(Category.BASIC).decode("students", page) == as_documented
    told = given.student(Forename='x","surname":"no', FSMEligible=None)
    del told["FSMEligible"]
    rows, bad = decoded(GroupcallDecoder(Category.DEMOGRAPHICS), "students", Students=[{**told, "FsmEligible": 1}])
    assert named(Category.DEMOGRAPHICS, "pupil_demographics", rows["pupil_demographics"][0])["fsm"] is True
    rows, bad = decoded(GroupcallDecoder(Category.BASIC), "students", Students=[{**told, "DATEOFBIRTH": None}])
    assert (rows["pupil"][0][4], rows["pupil"][0][6], bad) == ('x","surname":"no', "Beck", [])


def test_census() -> None:
    fresh = GroupcallDecoder(Category.DEMOGRAPHICS)
    rows, bad = decoded(fresh, "students", Students=[given.student(), given.student(EthnicityCode=None, EAL="1")])
    assert not bad
    assert named(Category.DEMOGRAPHICS, "pupil_demographics", rows["pupil_demographics"][0]) == {
        "pupil_id": "7010",
        "ethnicity": "WENG",
        "first_language": "ENG",
        "home_language": "ENG",
        "eal": False,
        "eal_status": "Competent",
        "sen_status": "K",
        "fsm": True,
        "fsm6": True,
        "pupil_premium": True,
        "in_care": False,
        "ever_in_care": False,
        "service_child": False,
        "enrolment_status": "C",
        "source_updated_at": datetime(2025, 9, 14, 1, 7, 21, 30_000, tzinfo=UTC),
    }
    assert rows["pupil_demographics"][1][1:5] == ("White - English", "ENG", "ENG", True)
    rows, bad = decoded(
        fresh, "sen", StudentSENTypeHistory=[given.need()], StudentSENProvisionHistory=[given.provision()]
    )
    assert (rows["pupil_sen_need"], bad) == ([("7010", "100", "SLCN", 1, date(2024, 1, 8), None)], [])
    assert rows["pupil_status_period"] == [("7010", "sen", "sen-9001", "K", date(2024, 1, 8), None)]
    rows, bad = decoded(
        fresh,
        "entitlements",
        EntitlementGroups=given.entitlement_groups(),
        EntitlementGroupStudents=[given.entitlement(), given.entitlement(Id="87", EntitlementGroupId="101")],
    )
    # Pupil premium has a flag of its own; only free school meals are kept with dates.
    assert (rows["pupil_status_period"], bad) == ([("7010", "fsm", "fsm-86", None, date(2022, 5, 16), None)], [])
    assert fresh.incomplete == frozenset()


def test_timetable() -> None:
    fresh = GroupcallDecoder(Category.TIMETABLE)
    rows, bad = decoded(
        fresh,
        "teaching-groups",
        Group=[given.group(), given.group(Id="9930", Code="7B/Hi1", PrimaryStaffId=None)],
        StudentMembers=[given.student_member(), given.student_member(student_id="PL-7011"), given.student_member()],
        StaffMembers=[given.staff_member(), given.staff_member("GC-9929", "PWT-27"), given.staff_member("9930")],
    )
    assert not bad
    updated = datetime(2025, 9, 10, 0, 38, 21, 480_000, tzinfo=UTC)
    assert rows["subject"] == [("520", "Hi", "History", None, None)]
    assert rows["teaching_group"] == [
        ("9929", "CLASS", "7A/Hi1", "7A/Hi1", "520", None, "2025/2026", updated),
        ("9930", "CLASS", "7B/Hi1", "7A/Hi1", "520", None, "2025/2026", updated),
    ]
    # Memberships come with bare and with prefixed ids, and once is enough.
    assert rows["group_pupil"] == [("9929", "7010"), ("9929", "7011")]
    assert rows["group_staff"] == [("9929", "26", True), ("9929", "27", False), ("9930", "26", None)]
    rows, bad = decoded(fresh, "registration-groups", **SETS[Category.TIMETABLE, "registration-groups"])
    assert (rows["teaching_group"], bad) == ([("188", "REGISTRATION", "7B", "7B", None, None, None, updated)], [])
    assert (rows["group_pupil"], rows["group_staff"]) == ([("188", "7010")], [("188", "27", False)])


def test_members_that_come_along_with_every_page_are_taken_once() -> None:
    fresh = GroupcallDecoder(Category.TIMETABLE)
    members = {"StudentMembers": [given.student_member(), given.student_member("9930")], "StaffMembers": []}
    first = fresh.decode("teaching-groups", body(Group=[given.group()], **members))
    # Later pages may have an empty meta; the academic year is that of the first.
    second = fresh.decode("teaching-groups", body(None, Group=[given.group(Id="9930")], **members))
    by_table = [{rows.table: rows.rows for rows in page.rows} for page in (first, second)]
    assert [len(rows["group_pupil"]) for rows in by_table] == [2, 0]
    assert [len(rows["subject"]) for rows in by_table] == [1, 0]
    assert by_table[1]["teaching_group"][0][6] == "2025/2026"


@pytest.mark.parametrize(
    ("moment", "expected"), [("2025-08-31T23:59:00", "2024/2025"), ("2025-09-01T00:10:00", "2025/2026")]
)
def test_the_academic_year_of_a_group_is_that_of_its_data(moment: str, expected: str) -> None:
    page = GroupcallDecoder(Category.TIMETABLE).decode("teaching-groups", body(moment, Group=[given.group()]))
    assert next(rows.rows[0][6] for rows in page.rows if rows.table == "teaching_group") == expected


def test_assessment() -> None:
    fresh = GroupcallDecoder(Category.ASSESSMENT)
    rows, bad = decoded(fresh, "structure", Aspects=[given.aspect()], ResultSets=[given.result_set()])
    assert (rows["aspect"], bad) == ([("702", "KS2 Reading scaled score", "GRADE", None)], [])
    assert rows["result_set"] == [("31", "KS2 Validated Result", None, None, None)]
    rows, bad = decoded(fresh, "results", AsmResults=[given.result(), given.result(Id="2", ResultSetId=None, Result=9)])
    assert not bad
    assert rows["result"] == [
        ("1289067", "7010", "702", "31", "104", date(2025, 7, 8), None),
        ("2", "7010", "702", None, "9", date(2025, 7, 8), None),
    ]


def test_attendance() -> None:
    fresh = GroupcallDecoder(Category.ATTENDANCE)
    rows, bad = decoded(fresh, "codes", AttendCodes=[given.attendance_code()])
    assert (rows["attendance_code"], bad) == (
        [("M", "M", "Medical/Dental appointments", "AUTHORISED_ABSENCE")],
        [],
    )
    late = given.mark(Id="7010.2025-09-08.AM", Session="AM", Mark="L", MinsLate=5, Notes="Bus")
    rows, bad = decoded(fresh, "marks", AttendMarks=[given.mark(), late, given.mark(StudentId=7011, Mark="")])
    assert not bad
    assert rows["attendance_mark"] == [
        ("7010", date(2025, 9, 8), "PM", "\\", None, None, "7010.2025-09-08.PM", None),
        ("7010", date(2025, 9, 8), "AM", "L", 5, "Bus", "7010.2025-09-08.AM", None),
        ("7011", date(2025, 9, 8), "PM", None, None, None, "7010.2025-09-08.PM", None),
    ]
    # Of the marks of a day those alone that say more than the range of days has said.
    noted = given.mark(Notes="Optician", Mark="M")
    rows, bad = decoded(fresh, "lateness", AttendMarks=[given.mark(MinsLate=None, Notes=""), late, noted])
    assert not bad
    assert [row[3:6] for row in rows["attendance_mark"]] == [("L", 5, "Bus"), ("M", None, "Optician")]
    rows, bad = decoded(fresh, "exclusions", StudentExclusions=[given.exclusion()])
    assert not bad
    assert named(Category.ATTENDANCE, "exclusion", rows["exclusion"][0]) == {
        "exclusion_id": "2318",
        "pupil_id": "7010",
        "type_code": "SUSP",
        "reason_code": "DM",
        "start_date": date(2025, 9, 22),
        "start_session": "AM",
        "end_date": date(2025, 9, 23),
        "end_session": "PM",
        "sessions": 4,
        "source_updated_at": datetime(2025, 9, 22, 13, 57, 4, 144_000, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        ("Present", "PRESENT"),
        ("Approved Educational Activity", "APPROVED_EDUCATIONAL_ACTIVITY"),
        ("Unauthorised absence", "UNAUTHORISED_ABSENCE"),
        ("Attendance not required", "ATTENDANCE_NOT_REQUIRED"),
        ("Unable to attend due to exceptional circumstances", "UNABLE_TO_ATTEND"),
        ("No mark recorded", "NO_MARK"),
        ("Our own meaning", "OUR_OWN_MEANING"),
        ("", None),
        (None, None),
    ],
)
def test_meanings_of_codes(meaning: str | None, expected: str | None) -> None:
    assert code_type(meaning) == expected


def test_staff() -> None:
    fresh = GroupcallDecoder(Category.STAFF)
    rows, bad = decoded(fresh, "staff", Staff=[given.staff(), given.staff(Id="27", StaffStatus="Previous")])
    assert not bad
    assert named(Category.STAFF, "staff", rows["staff"][0]) == {
        "staff_id": "26",
        "upi": None,
        "mis_id": "26",
        "title": "Ms",
        "forename": "Joan",
        "surname": "Reed",
        "email": "j.reed@example.org",
        "is_current": True,
        "is_teacher": True,
        "employment_start_date": date(2024, 9, 1),
        "employment_end_date": None,
        "source_updated_at": datetime(2025, 9, 2, 0, 29, 18, 570_000, tzinfo=UTC),
    }
    assert rows["staff"][1][7] is False
    rows, bad = decoded(fresh, "contracts", StaffContracts=[given.contract()], StaffRoles=[given.role()])
    assert (rows["staff_role"], bad) == ([("26", "5", "Teacher", None, date(2024, 9, 1), None)], [])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("7010", "7010"),
        (7010, "7010"),
        ("PL-7010", "7010"),
        ("PWT-26", "26"),
        ("GC-9929", "9929"),
        ("GR-188", "188"),
        ("PL-", "PL-"),
        ("x-PL-7", "x-PL-7"),
        ("6f1c-PL", "6f1c-PL"),
    ],
)
def test_keys_without_the_prefix_of_their_kind(key: str | int, expected: str) -> None:
    assert bare(key) == expected


# --- what is not there any more, or was never shown ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "stream", "sets", "gone"),
    [
        (Category.BASIC, "students", ("Students",), Gone("pupil", "pupil_id", ["7099", "7098"])),
        (
            Category.DEMOGRAPHICS,
            "students",
            ("Students",),
            Gone("pupil_demographics", "pupil_id", ["7099", "7098"]),
        ),
        (
            Category.DEMOGRAPHICS,
            "sen",
            ("StudentSENTypeHistory",),
            Gone("pupil_sen_need", "need_id", ["7099", "7098"]),
        ),
        (
            Category.DEMOGRAPHICS,
            "sen",
            ("StudentSENProvisionHistory",),
            Gone("pupil_status_period", "period_id", ["sen-7099", "sen-7098"]),
        ),
        (
            Category.ATTENDANCE,
            "exclusions",
            ("StudentExclusions",),
            Gone("exclusion", "exclusion_id", ["7099", "7098"]),
        ),
        (Category.STAFF, "staff", ("Staff",), Gone("staff", "staff_id", ["7099", "7098"])),
    ],
)
def test_deleted_keys_say_which_rows_have_gone(category: Category, stream: str, sets: tuple[str], gone: Gone) -> None:
    (name,) = sets
    page = GroupcallDecoder(category).decode(
        stream, body(**{name: [], f"{name}_deleted": [{"Id": "7099"}, {"Id": 7098}, {"XID": "x"}]})
    )
    assert page.gone == [gone]
    assert [(row.table, json.loads(row.payload)) for row in page.bad] == [(gone.table, {"XID": "x"})]


@pytest.mark.parametrize(
    ("category", "stream", "missing", "tables"),
    [
        (Category.DEMOGRAPHICS, "sen", "StudentSENTypeHistory", {"pupil_sen_need"}),
        (Category.DEMOGRAPHICS, "entitlements", "EntitlementGroups", {"pupil_status_period"}),
        (Category.TIMETABLE, "registration-groups", "StudentMembers", {"group_pupil"}),
        (Category.TIMETABLE, "teaching-groups", "StaffMembers", {"group_staff"}),
        (Category.ASSESSMENT, "structure", "Aspects", {"aspect"}),
        (Category.STAFF, "contracts", "StaffRoles", {"staff_role"}),
    ],
)
@pytest.mark.parametrize("shown_as", ["absent", "null"])
def test_a_result_set_that_was_not_granted_leaves_its_tables_incomplete(
    category: Category, stream: str, missing: str, tables: set[str], shown_as: str
) -> None:
    fresh = GroupcallDecoder(category)
    sets: dict[str, Any] = {**SETS[category, stream], missing: None}
    if shown_as == "absent":
        del sets[missing]
    fresh.decode(stream, body(**sets))
    assert fresh.incomplete == tables


# --- bad rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "stream", "name", "row", "field"),
    [
        (Category.BASIC, "students", "Students", given.student(Id=None), "Id"),
        (Category.BASIC, "students", "Students", given.student(Surname=5), "Surname"),
        (Category.BASIC, "students", "Students", given.student(DateofBirth="2013-02-31"), "DateofBirth"),
        (Category.BASIC, "students", "Students", given.student(DateofBirth="05/11/2013"), "DateofBirth"),
        (Category.BASIC, "students", "Students", given.student(Gender="boy"), "Gender"),
        (Category.BASIC, "students", "Students", given.student(StudentStatus="Ghost"), "StudentStatus"),
        (Category.BASIC, "students", "Students", given.student(Forename="A\0na"), "forename"),
        (Category.BASIC, "students", "Students", given.student(LastUpdated="yesterday"), "LastUpdated"),
        (Category.BASIC, "students", "Students", "no object at all", "object"),
        (Category.DEMOGRAPHICS, "students", "Students", given.student(ServiceChild="perhaps"), "ServiceChild"),
        (Category.DEMOGRAPHICS, "students", "Students", given.student(FSMEligible=2), "FSMEligible"),
        (Category.DEMOGRAPHICS, "sen", "StudentSENTypeHistory", given.need(Rank=70_000), "Rank"),
        (Category.DEMOGRAPHICS, "sen", "StudentSENTypeHistory", given.need(StudentMis_Id=None), "pupil_id"),
        (
            Category.DEMOGRAPHICS,
            "entitlements",
            "EntitlementGroupStudents",
            given.entitlement(EntitlementGroupId="999"),
            "EntitlementGroupId",
        ),
        (Category.TIMETABLE, "teaching-groups", "StudentMembers", {"GroupId": "9929"}, "StudentId"),
        (Category.TIMETABLE, "teaching-groups", "Group", given.group(Name="7\0B"), "name"),
        (Category.ASSESSMENT, "results", "AsmResults", given.result(Result={"grade": 9}), "Result"),
        (Category.ASSESSMENT, "results", "AsmResults", given.result(ResultDate="July"), "ResultDate"),
        (Category.ATTENDANCE, "codes", "AttendCodes", given.attendance_code(Mark=None), "Mark"),
        (Category.ATTENDANCE, "marks", "AttendMarks", given.mark(StudentId=None), "StudentId"),
        (Category.ATTENDANCE, "marks", "AttendMarks", given.mark(Session=None), "session"),
        (Category.ATTENDANCE, "marks", "AttendMarks", given.mark(Date="2025-02-31"), "Date"),
        (Category.ATTENDANCE, "marks", "AttendMarks", given.mark(MinsLate=40_000), "MinsLate"),
        (Category.ATTENDANCE, "exclusions", "StudentExclusions", given.exclusion(ExclusionSessions=2.5), "Sessions"),
        (Category.STAFF, "staff", "Staff", given.staff(StaffStatus="Elsewhere"), "StaffStatus"),
        (Category.STAFF, "contracts", "StaffRoles", given.role(ContractId="99"), "ContractId"),
    ],
)
def test_a_bad_row_is_set_aside_and_the_others_go_on(
    category: Category, stream: str, name: str, row: Any, field: str
) -> None:
    sets = SETS[category, stream]
    alone = GroupcallDecoder(category).decode(stream, body(**sets))
    page = GroupcallDecoder(category).decode(stream, body(**{**sets, name: [row, *sets[name]]}))
    assert page.rows == alone.rows
    (bad,) = page.bad
    assert bad.table in {rows.table for rows in alone.rows}
    assert json.loads(bad.payload) == row
    assert field in bad.reason


def test_a_bad_row_keeps_the_bytes_as_received() -> None:
    sent = b'{"ID":"1", "dateofbirth":"never"}'
    page = GroupcallDecoder(Category.BASIC).decode("students", b'{"Students":[' + sent + b'],"meta":[]}')
    assert [row.payload for row in page.bad] == [sent]


def test_text_that_is_no_text_costs_one_row_and_not_the_page() -> None:
    broken = b'{"Id":"E2","Forename":"Zo\xeb"}'
    page = b'{"meta":[], "Students": [ {"Id":"E1"} ,' + broken + b',{"Id":"E3"} ], "x":{"Students":[1]} }'
    found = GroupcallDecoder(Category.BASIC).decode("students", page)
    assert [row[0] for row in found.rows[0].rows] == ["E1", "E3"]
    assert [row.payload for row in found.bad] == [broken]


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"[]",
        b"{}",
        b'{"Students":null}',
        b'{"Staff":[]}',
        b'{"Students":{}}',
        b'{"Students":[{"Id":"1"}',
        b'{"Students":[],"meta":5}',
        b'{"Students":[],"meta":[{"DateTime":"soon"}]}',
        b'{"Students":[],"__pagination__":[{"PageCount":"many"}]}',
        b"\xff",
    ],
)
def test_a_body_that_is_no_page_is_malformed(page: bytes) -> None:
    with pytest.raises(MalformedPage):
        GroupcallDecoder(Category.BASIC).decode("students", page)


def test_a_page_of_an_unknown_stream_is_malformed() -> None:
    with pytest.raises(MalformedPage, match="does not belong to category timetable"):
        GroupcallDecoder(Category.TIMETABLE).decode("marks", body(AttendMarks=[]))


def test_replay_gives_the_same_rows() -> None:
    def whole() -> list[Decoded]:
        fresh = GroupcallDecoder(Category.TIMETABLE)
        members = {"StudentMembers": [given.student_member(), {"GroupId": "1"}], "StaffMembers": [given.staff_member()]}
        return [
            fresh.decode("teaching-groups", body(Group=[given.group()], **members)),
            fresh.decode("teaching-groups", body(None, Group=[given.group(Id="9930")], **members)),
            fresh.decode("registration-groups", body(None, **SETS[Category.TIMETABLE, "registration-groups"])),
        ]

    assert whole() == whole()
