"""From recorded shapes to rows: every column of every table, and a bad row never takes a good one with it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import wonde_payloads as given
from wonde_payloads import body, decoded, local

from orchestration.connectors.base import Decoder
from orchestration.connectors.errors import MalformedPage
from orchestration.connectors.wonde.assessment import PathMapError
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest.categories import CATEGORIES, Category

PUPIL = "A2000300040"


def partner(**options: Any) -> WondePartner:
    return WondePartner(WondeConfig("http://127.0.0.1:1/v1.0/", "token", **options))


def decoder(category: Category) -> Decoder:
    return partner().decoder(category)


def attendance() -> Decoder:
    fresh = decoder(Category.ATTENDANCE)
    fresh.decode("attendance-codes", body(given.attendance_code(), given.attendance_code("A1700100009", "C2")))
    return fresh


def named(category: Category, table: str, row: tuple[Any, ...]) -> dict[str, Any]:
    columns = next(declared.columns for declared in CATEGORIES[category].tables if declared.name == table)
    return dict(zip(columns, row, strict=True))


@pytest.mark.parametrize("category", list(Category))
def test_the_streams_of_a_category_fill_exactly_its_tables(category: Category) -> None:
    for mode in ("incremental", "full"):
        streams = partner().streams(category, mode)
        assert {table for stream in streams for table in stream.tables} == {
            table.name for table in CATEGORIES[category].tables
        }
        assert len({stream.name for stream in streams}) == len(streams)
        for stream in streams:
            page = decoder(category).decode(stream.name, body())
            assert tuple(table.table for table in page.rows) == stream.tables
            assert (page.bad, [table.rows for table in page.rows]) == ([], [[] for _ in page.rows])


@pytest.mark.parametrize("category", list(Category))
def test_tables_that_are_snapshots_are_read_whole(category: Category) -> None:
    whole = {table.name for table in CATEGORIES[category].tables if table.snapshot_only}
    assert not [
        stream
        for stream in partner().streams(category, "incremental")
        if stream.incremental and whole & set(stream.tables)
    ]
    assert not [stream for stream in partner().streams(category, "full") if stream.incremental]


def test_the_census_is_read_whole_because_changes_inside_includes_are_not_seen() -> None:
    assert not any(stream.incremental for stream in partner().streams(Category.DEMOGRAPHICS, "incremental"))


# --- each category ---------------------------------------------------------------------------------------------------


def test_pupil() -> None:
    rows, bad = decoded(decoder(Category.BASIC), "students", given.pupil())
    assert not bad
    assert named(Category.BASIC, "pupil", rows["pupil"][0]) == {
        "pupil_id": PUPIL,
        "person_id": "7010",
        "upi": "0f3c2b1a9e8d7c6b5a4f3e2d1c0b9a88",
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
        "part_time": False,
        "admission_date": date(2025, 9, 1),
        "leaving_date": None,
        "address_line": "Rose Cottage, 12 Mill Lane",
        "town": "Northmoor",
        "county": None,
        "postcode": "ZZ1 1ZZ",
        "is_leaver": False,
        "source_updated_at": datetime(2025, 9, 14, 3, 55, 10, tzinfo=UTC),
    }


def test_leavers_are_marked_by_their_stream() -> None:
    rows, _ = decoded(decoder(Category.BASIC), "students-leaver", given.pupil())
    assert named(Category.BASIC, "pupil", rows["pupil"][0])["is_leaver"] is True


@pytest.mark.parametrize(
    ("fields", "column", "expected"),
    [
        ({"date_of_birth": "2013-11-05"}, "date_of_birth", date(2013, 11, 5)),
        ({"education_details": {"data": given.education(current_nc_year=None)}}, "nc_year", "8"),
        ({"education_details": {"data": given.education(current_nc_year="R")}}, "nc_year", "R"),
        ({"education_details": {"data": given.education(current_nc_year=7)}}, "nc_year", "7"),
        ({"education_details": None, "year": {"data": None}}, "nc_year", None),
        ({"education_details": {"data": None}}, "upn", None),
        ({"education_details": {"data": given.education(upn="")}}, "upn", None),
        ({"gender": None}, "sex", None),
        ({"contact_details": None}, "address_line", None),
        ({"contact_details": {"data": {"addresses": None}}}, "postcode", None),
        (
            {
                "contact_details": {
                    "data": {"addresses": {"home": None, "postal": {"house_number": 9, "street": "High St"}}}
                }
            },
            "address_line",
            "9 High St",
        ),
        ({"contact_details": {"data": {"addresses": {"home": {"street": "High St"}}}}}, "address_line", "High St"),
    ],
)
def test_pupil_fields_that_come_otherwise(fields: dict[str, Any], column: str, expected: Any) -> None:
    rows, bad = decoded(decoder(Category.BASIC), "students", given.pupil(**fields))
    assert not bad
    assert named(Category.BASIC, "pupil", rows["pupil"][0])[column] == expected


def test_a_pupil_without_includes_is_still_a_pupil() -> None:
    rows, bad = decoded(decoder(Category.BASIC), "students", {"id": PUPIL})
    assert not bad
    assert {
        column for column, value in named(Category.BASIC, "pupil", rows["pupil"][0]).items() if value is not None
    } == {
        "pupil_id",
        "is_leaver",
    }


def test_census() -> None:
    need = {"id": "N1", "type": "ASD", "rank": "1", "start_date": local("2024-01-08"), "end_date": None}
    bare_need = {"id": "N2", "code": "SLCN"}
    period = {"id": "D1", "start_date": "2024-01-08", "end_date": local("2024-07-19")}
    rows, bad = decoded(
        decoder(Category.DEMOGRAPHICS),
        "students",
        given.census_pupil(
            sen_needs={"data": [need, bare_need]},
            sen_date_ranges={"data": [{**period, "status": "K"}]},
            fsm_date_ranges={"data": [{**period, "code": "ignored"}]},
            in_care_date_ranges={"data": [{"id": "D1"}]},
        ),
    )
    assert not bad
    assert named(Category.DEMOGRAPHICS, "pupil_demographics", rows["pupil_demographics"][0]) == {
        "pupil_id": PUPIL,
        "ethnicity": "WBRI",
        "first_language": "ENG",
        "home_language": "ENG",
        "eal": False,
        "eal_status": "Not applicable",
        "sen_status": "SEN Support",
        "fsm": True,
        "fsm6": True,
        "pupil_premium": True,
        "in_care": False,
        "ever_in_care": False,
        "service_child": False,
        "enrolment_status": "C",
        "source_updated_at": datetime(2025, 9, 14, 3, 55, 10, tzinfo=UTC),
    }
    assert rows["pupil_sen_need"] == [
        (PUPIL, "N1", "ASD", 1, date(2024, 1, 8), None),
        (PUPIL, "N2", "SLCN", None, None, None),
    ]
    assert rows["pupil_status_period"] == [
        (PUPIL, "fsm", "D1", None, date(2024, 1, 8), date(2024, 7, 19)),
        (PUPIL, "sen", "D1", "K", date(2024, 1, 8), date(2024, 7, 19)),
        (PUPIL, "in_care", "D1", None, None, None),
    ]


def test_timetable() -> None:
    fresh = decoder(Category.TIMETABLE)
    assert decoded(fresh, "subjects", given.subject())[0]["subject"] == [
        ("A5000100001", "Hi", "History", True, datetime(2025, 8, 28, 4, tzinfo=UTC))
    ]
    classes, bad = decoded(
        fresh, "classes", given.teaching_class(), given.teaching_class(id="A4", subject="A5000100001")
    )
    assert not bad
    updated = datetime(2025, 9, 10, 4, tzinfo=UTC)
    assert classes["teaching_group"] == [
        ("A4000100011", "CLASS", "7A/Hi1", "7A/Hi1", "A5000100001", "7", "2025/2026", updated),
        ("A4", "CLASS", "7A/Hi1", "7A/Hi1", "A5000100001", "7", "2025/2026", updated),
    ]
    assert classes["group_pupil"] == [("A4000100011", PUPIL), ("A4", PUPIL)]
    assert classes["group_staff"] == [("A4000100011", "A6000100003", True), ("A4", "A6000100003", True)]
    groups, bad = decoded(fresh, "groups", given.group())
    assert not bad
    assert groups["teaching_group"] == [
        ("A3000100071", "REGISTRATION", "7B", "7B", None, None, None, datetime(2025, 8, 28, 4, tzinfo=UTC))
    ]
    assert groups["group_pupil"] == [("A3000100071", PUPIL), ("A3000100071", "A2000300041")]
    assert groups["group_staff"] == [("A3000100071", "A6000100003", None)]
    assert fresh.incomplete == frozenset()


@pytest.mark.parametrize("students", [None, {"data": None}])
def test_members_that_are_not_shared_are_not_taken_for_gone(students: Any) -> None:
    fresh = decoder(Category.TIMETABLE)
    rows, bad = decoded(fresh, "groups", given.group(students=students))
    assert (rows["group_pupil"], bad) == ([], [])
    assert fresh.incomplete == {"group_pupil"}


def test_an_include_that_was_refused_leaves_its_tables_incomplete() -> None:
    fresh = decoder(Category.DEMOGRAPHICS)
    decoded(fresh, "students", {"id": PUPIL, "extended_details": {"data": given.census()}, "sen_needs": {"data": []}})
    assert fresh.incomplete == {"pupil_status_period"}
    staff = decoder(Category.STAFF)
    decoded(staff, "employees", given.employee(roles=None))
    assert staff.incomplete == {"staff_role"}


def test_marks() -> None:
    rows, bad = decoded(attendance(), "session", given.mark(minutes_late="12", comment="bus"))
    assert not bad
    assert named(Category.ATTENDANCE, "attendance_mark", rows["attendance_mark"][0]) == {
        "pupil_id": PUPIL,
        "mark_date": date(2025, 9, 8),
        "session": "AM",
        "code": "/",
        "minutes_late": 12,
        "comment": "bus",
        "mark_id": "A1600100001",
        "source_updated_at": datetime(2025, 9, 8, 9, 5, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("A1700100009", "C2"),
        ("A1799999999", None),
        (None, None),
        ({"data": {"id": "A1700100009", "code": "C2", "description": "x"}}, "C2"),
        ({"id": "A1700100009", "code": "C2"}, "C2"),
        ({"data": {"id": "A1700100009"}}, "C2"),
        ({"data": None}, None),
    ],
)
def test_a_code_comes_as_id_or_object(sent: Any, code: str | None) -> None:
    rows, bad = decoded(attendance(), "session", given.mark(attendance_code=sent))
    assert (rows["attendance_mark"][0][3], bad) == (code, [])


@pytest.mark.parametrize("student", [PUPIL, {"id": PUPIL}, {"data": {"id": PUPIL, "forename": "Ana"}}])
def test_a_relation_comes_as_id_or_object(student: Any) -> None:
    rows, bad = decoded(attendance(), "session-leavers", given.mark(student=student))
    assert (rows["attendance_mark"][0][0], bad) == (PUPIL, [])


def test_exclusions_of_both_reads_come_once_each() -> None:
    fresh = attendance()
    student = {"data": {"id": PUPIL}}
    first, bad = decoded(
        fresh,
        "exclusions",
        given.exclusion(id="E1", student=student),
        given.exclusion(id="E2", student={"data": None}),
        given.exclusion(id="E3"),
        given.exclusion(id="E4", student=None),
    )
    assert ([row[:2] for row in first["exclusion"]], bad) == ([("E1", PUPIL)], [])
    second, bad = decoded(
        fresh,
        "exclusions-leavers",
        given.exclusion(id="E1"),
        given.exclusion(id="E2", **{"student-leaver": {"data": {"id": "A3"}}}),
        given.exclusion(id="E3", student_leaver={"data": {"id": "A4"}}),
        given.exclusion(id="E4"),
    )
    assert ([row[:2] for row in second["exclusion"]], bad) == ([("E2", "A3"), ("E3", "A4"), ("E4", None)], [])
    assert named(Category.ATTENDANCE, "exclusion", first["exclusion"][0]) == {
        "exclusion_id": "E1",
        "pupil_id": PUPIL,
        "type_code": "SUSP",
        "reason_code": "DM",
        "start_date": date(2025, 9, 22),
        "start_session": "AM",
        "end_date": date(2025, 9, 23),
        "end_session": "PM",
        "sessions": 4,
        "source_updated_at": datetime(2025, 9, 22, 15, tzinfo=UTC),
    }


def test_staff() -> None:
    rows, bad = decoded(decoder(Category.STAFF), "employees", given.employee())
    assert not bad
    assert named(Category.STAFF, "staff", rows["staff"][0]) == {
        "staff_id": "A6000100003",
        "upi": "ab12cd34ef56ab12cd34ef56ab12cd34",
        "mis_id": "26",
        "title": "Ms",
        "forename": "Joan",
        "surname": "Reed",
        "email": "j.reed@school.example",
        "is_current": True,
        "is_teacher": True,
        "employment_start_date": date(2024, 9, 1),
        "employment_end_date": None,
        "source_updated_at": datetime(2025, 9, 2, 4, tzinfo=UTC),
    }
    assert rows["staff_role"] == [("A6000100003", "A2300100001", "Classroom Teacher", "TCHR", None, None)]


def test_assessment_by_the_built_in_map() -> None:
    fresh = decoder(Category.ASSESSMENT)
    rows, bad = decoded(fresh, "aspects", {"id": "A1", "mis_id": "702", "name": "KS2 Reading", "type": "NUMERIC"})
    assert (rows["aspect"], bad) == ([("A1", "KS2 Reading", "NUMERIC", None)], [])
    rows, bad = decoded(
        fresh, "resultsets", {"id": "R1", "name": "KS2", "start_date": None, "end_date": local("2025-07-01")}
    )
    assert (rows["result_set"], bad) == ([("R1", "KS2", None, date(2025, 7, 1), None)], [])
    updated = datetime(2025, 7, 9, 4, tzinfo=UTC)
    expected = ("A1300100001", PUPIL, "A1100100001", "A1200100001", "104", date(2025, 7, 8), updated)
    for result in (
        given.result(),
        given.result(result=104, student={"data": {"id": PUPIL}}, aspect={"id": "A1100100001"}),
    ):
        rows, bad = decoded(fresh, "results", result)
        assert (rows["result"], bad) == ([expected], [])


# --- bad rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "stream", "row", "field"),
    [
        (Category.BASIC, "students", given.pupil(id=None), "id"),
        (Category.BASIC, "students", given.pupil(surname=5), "surname"),
        (Category.BASIC, "students", given.pupil(date_of_birth=local("2013-02-31")), "date_of_birth"),
        (Category.BASIC, "students", given.pupil(date_of_birth=local("0000-00-00")), "date_of_birth"),
        (Category.BASIC, "students", given.pupil(updated_at="yesterday"), "updated_at"),
        (Category.BASIC, "students", given.pupil(gender="boy"), "gender"),
        (Category.BASIC, "students", given.pupil(forename="A\0na"), "forename"),
        (Category.BASIC, "students", given.pupil(education_details={"data": given.education(upn=["x"])}), "upn"),
        (
            Category.BASIC,
            "students",
            given.pupil(education_details={"data": given.education(part_time="sometimes")}),
            "education_details.part_time",
        ),
        (
            Category.BASIC,
            "students",
            given.pupil(education_details={"data": given.education(leaving_date=local("2025-13-01"))}),
            "education_details.leaving_date",
        ),
        (
            Category.DEMOGRAPHICS,
            "students",
            given.census_pupil(extended_details={"data": given.census(service_children_indicator="perhaps")}),
            "service_children_indicator",
        ),
        (
            Category.DEMOGRAPHICS,
            "students-leaver",
            given.census_pupil(sen_needs={"data": [{"id": "N1"}, {"id": "N2", "rank": 70_000}]}),
            "sen_needs.rank",
        ),
        (Category.DEMOGRAPHICS, "students", given.census_pupil(fsm_date_ranges={"data": [{}]}), "id"),
        (Category.TIMETABLE, "subjects", given.subject(active="often"), "active"),
        (Category.TIMETABLE, "classes", given.teaching_class(students={"data": [{"id": None}]}), "students"),
        (Category.TIMETABLE, "groups", given.group(name="7\0B"), "name"),
        (Category.ASSESSMENT, "results", given.result(id=None), "result_id"),
        (Category.ASSESSMENT, "results", given.result(result={"grade": "9"}), "value"),
        (Category.ASSESSMENT, "results", given.result(result=True), "value"),
        (Category.ASSESSMENT, "results", given.result(result_date="July"), "result_date"),
        (Category.ATTENDANCE, "attendance-codes", given.attendance_code(code=7), "code"),
        (Category.ATTENDANCE, "session", given.mark(student=None), "pupil_id"),
        (Category.ATTENDANCE, "session", given.mark(date=None), "mark_date"),
        (Category.ATTENDANCE, "session", given.mark(date=local("2025-02-31")), "date"),
        (Category.ATTENDANCE, "session", given.mark(session=None), "session"),
        (Category.ATTENDANCE, "session", given.mark(session=""), "session"),
        (Category.ATTENDANCE, "session", given.mark(minutes_late=40_000), "minutes_late"),
        (Category.ATTENDANCE, "session", given.mark(comment="\0"), "comment"),
        (Category.ATTENDANCE, "session", {**given.mark(), "attendance_code": 3}, "attendance_code"),
        (Category.ATTENDANCE, "exclusions", given.exclusion(student=PUPIL, sessions=2.5), "sessions"),
        (Category.STAFF, "employees", given.employee(employment_details={"data": {"current": "maybe"}}), "current"),
        (Category.STAFF, "employees", "not even an object", "object"),
    ],
)
def test_a_bad_row_is_set_aside_and_the_others_go_on(category: Category, stream: str, row: Any, field: str) -> None:
    good: dict[str, Any] = {
        "students": given.pupil() if category is Category.BASIC else given.census_pupil(),
        "students-leaver": given.census_pupil(),
        "subjects": given.subject(),
        "classes": given.teaching_class(),
        "groups": given.group(),
        "results": given.result(),
        "attendance-codes": given.attendance_code(),
        "session": given.mark(),
        "exclusions": given.exclusion(student=PUPIL),
        "employees": given.employee(),
    }
    alone, _ = decoded(decoder(category), stream, good[stream], good[stream])
    rows, bad = decoded(decoder(category), stream, good[stream], row, good[stream])
    assert rows == alone
    assert [row.table for row in bad] == [next(iter(rows))]
    assert json.loads(bad[0].payload) == row
    assert field in bad[0].reason


def test_every_bad_row_of_a_page_is_found() -> None:
    rows, bad = decoded(
        attendance(), "session", *(given.mark(id=f"M{n}", session=None if n % 3 else "AM") for n in range(9))
    )
    assert [row[6] for row in rows["attendance_mark"]] == ["M0", "M3", "M6"]
    assert [json.loads(row.payload)["id"] for row in bad] == ["M1", "M2", "M4", "M5", "M7", "M8"]


def test_a_backslash_before_u0000_is_text() -> None:
    rows, bad = decoded(attendance(), "session", given.mark(comment="C:\\u0000"))
    assert (rows["attendance_mark"][0][5], bad) == ("C:\\u0000", [])


@pytest.mark.parametrize(
    "broken",
    [b'{"id":"E2","name":"\\ud800"}', b'{"id":"E2","name":"Zo\xeb"}', b'{"id":"E2","name":"two\nlines"}'],
    ids=["half a surrogate pair", "not UTF-8", "raw control character"],
)
def test_text_that_is_no_text_costs_one_row_and_not_the_page(broken: bytes) -> None:
    page = b'{"meta":{"x":[1,{"data":2}]}, "data": [ {"id":"E1"} ,' + broken + b',{"id":"E3","active":true} ] }'
    held = decoder(Category.TIMETABLE).decode("subjects", page)
    assert [row[0] for row in held.rows[0].rows] == ["E1", "E3"]
    assert [row.payload for row in held.bad] == [broken]


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":[{"id":"1"}',
        b'{"data":[],"meta":{"pagination":5}}',
        b"\xff",
    ],
)
def test_a_body_that_is_no_page_is_malformed(page: bytes) -> None:
    with pytest.raises(MalformedPage):
        # A row that does not decode sends the page the slow way, where the outside is looked at too.
        decoder(Category.TIMETABLE).decode("subjects", page.replace(b'"data":[]', b'"data":[5]'))


def test_a_page_of_an_unknown_stream_is_malformed() -> None:
    with pytest.raises(MalformedPage, match="does not belong to category timetable"):
        decoder(Category.TIMETABLE).decode("session", body())


def test_replay_gives_the_same_rows() -> None:
    pages = [
        ("attendance-codes", body(given.attendance_code())),
        ("session", body(given.mark(), given.mark(session=None))),
        ("exclusions", body(given.exclusion(student=PUPIL), given.exclusion(id="E2"))),
        ("exclusions-leavers", body(given.exclusion(), given.exclusion(id="E2"))),
    ]
    first, second = decoder(Category.ATTENDANCE), decoder(Category.ATTENDANCE)
    assert [first.decode(*page) for page in pages] == [second.decode(*page) for page in pages]


# --- the path map ----------------------------------------------------------------------------------------------------

RESULTS = """
[results]
table = "result"
endpoint = "assessment/results"
include = ["student"]
incremental = false
[results.columns]
result_id = ["uid"]
pupil_id = ["pupil.data.upi"]
aspect_id = []
result_set_id = []
value = ["grade", "mark"]
result_date = ["when"]
source_updated_at = []
"""


def test_a_path_map_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "paths.toml"
    path.write_text(RESULTS)
    own = partner(assessment_paths=path)
    (stream,) = own.streams(Category.ASSESSMENT, "incremental")
    assert (stream.name, stream.tables, stream.incremental) == ("results", ("result",), False)
    row = {"uid": "R1", "pupil": {"data": {"upi": "U1"}}, "mark": 55, "when": "2025-06-01"}
    rows, bad = decoded(own.decoder(Category.ASSESSMENT), "results", row)
    assert (rows["result"], bad) == ([("R1", "U1", None, None, "55", date(2025, 6, 1), None)], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RESULTS.replace('table = "result"', 'table = "pupil"'), r"\[results\] table 'pupil' is none of"),
        (RESULTS.replace("result_date", "date_of_result"), "date_of_result, result_date"),
        (RESULTS.replace('value = ["grade", "mark"]', ""), "look at: value"),
        (RESULTS.replace("include = [", "includes = ["), "includes"),
        (RESULTS.replace('"grade", "mark"', "5"), "columns"),
        ("[results", "paths.toml"),
    ],
)
def test_a_path_map_that_cannot_be_used_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "paths.toml"
    path.write_text(text)
    with pytest.raises(PathMapError, match=said):
        partner(assessment_paths=path)


def test_a_path_map_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(PathMapError, match="Check the path"):
        partner(assessment_paths=tmp_path / "absent.toml")
