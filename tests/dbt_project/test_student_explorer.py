"""Everything about one pupil: raw rows of two schools, core and marts together, as readers of each right see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from raw_rows import WEEK, marks, pupil, put, school

from orchestration.ingest.categories import Purpose
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import publish
from orchestration.warehouse.roles import Level, ensure_roles, reader_role

BORN = date(2010, 10, 1)
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse, dbt: Any) -> Iterator[psycopg.Connection[Any]]:
    """Three pupils of Elm. B1 came from Oak, B2 has the UPN of another child there, of B3 nothing is known."""
    with module_warehouse.connect(autocommit=True) as opened:
        oak, elm = school(opened, "Oak", "PRIMARY"), school(opened, "Elm", "SECONDARY")
        left = {"admission_date": date(2018, 9, 3), "leaving_date": date(2022, 7, 22), "is_leaver": True}
        pupil(opened, oak, "A1", upn="A850000000001", date_of_birth=BORN, **left)
        pupil(opened, oak, "A2", upn="B850000000002", date_of_birth=date(2011, 3, 3), **left)
        pupil(opened, elm, "B1", upn="a850000000001", date_of_birth=BORN, nc_year="9", admission_date=date(2022, 9, 5))
        pupil(opened, elm, "B2", upn="B850000000002", date_of_birth=BORN, nc_year="9", admission_date=date(2022, 9, 5))
        pupil(opened, elm, "B3", date_of_birth=None, admission_date=None)
        put(opened, "aspect", school_id=oak, aspect_id="r", name="KS2 Reading scaled score", extract_id=1)
        for pupil_id in ("A1", "A2"):
            put(
                opened,
                "result",
                school_id=oak,
                result_id=pupil_id,
                pupil_id=pupil_id,
                aspect_id="r",
                result_date=date(2022, 7, 5),
                value="104",
                extract_id=1,
            )
        put(opened, "subject", school_id=elm, subject_id="ma", name="Maths", extract_id=1)
        for group_id, kind, year in (
            ("9B", "REGISTRATION", None),
            ("9/Ma2", "CLASS", "2024/2025"),
            ("8", "CLASS", "2023/2024"),
        ):
            put(
                opened,
                "teaching_group",
                school_id=elm,
                group_id=group_id,
                kind=kind,
                code=group_id,
                subject_id="ma" if kind == "CLASS" else None,
                academic_year=year,
                extract_id=1,
            )
            put(opened, "group_pupil", school_id=elm, group_id=group_id, pupil_id="B1", extract_id=1)
        last_year = [day.replace(year=2024, month=3, day=day.day + 1) for day in WEEK]
        marks(opened, elm, "B1", dict.fromkeys([*WEEK, *last_year], ("/", "\\")))
        marks(opened, elm, "B1", {WEEK[0]: ("I", "U"), WEEK[1]: ("L", "D")})
        for number, start in enumerate((WEEK[2], WEEK[3]), 1):
            put(
                opened,
                "exclusion",
                school_id=elm,
                exclusion_id=f"Q{number}",
                pupil_id="B1",
                type_code="SUSP",
                start_date=start,
                end_date=start,
                sessions=number,
                extract_id=1,
            )
        put(
            opened,
            "pupil_demographics",
            school_id=elm,
            pupil_id="B1",
            ethnicity="WIRI",
            first_language="GLE",
            eal=True,
            sen_status="K",
            fsm6=True,
            in_care=True,
            extract_id=1,
        )
        put(opened, "pupil_sen_need", school_id=elm, pupil_id="B1", need_id="1", need_type="SLCN", rank=1, extract_id=1)
        dbt("build", "--exclude-resource-type", "unit_test", "--select", "+marts.benchmarks", "+attendance__pupil_year")
        ensure_roles(opened)
        publish(opened, Purpose.BENCHMARKS, "run")
        yield opened


def _rows(connection: psycopg.Connection[Any], pupil_id: str, columns: str, where: str, relation: str = "") -> Rows:
    """Rows of one pupil of Elm, section by section in their order."""
    return connection.execute(
        f"select {columns} from benchmarks.student_explorer{relation} join core.pupil using (school_id, pupil_key)"
        f" where person_id = 'person-{pupil_id}' and {where} order by section, position".encode()
    ).fetchall()


def test_a_pupil_who_moved_brings_what_is_theirs(connection: psycopg.Connection[Any]) -> None:
    assert _rows(
        connection, "B1", "section, position, item, value, as_of, note", "section in ('school', 'result')"
    ) == [
        ("result", 1, "Statutory result", "104", date(2022, 7, 5), "From Oak"),
        ("school", 1, "Enrolment", "Elm", date(2022, 9, 5), "From 5 September 2022, on roll"),
        ("school", 2, "Enrolment at another school", "Oak", date(2018, 9, 3), "From 3 September 2018 to 22 July 2022"),
    ]


def test_one_upn_and_two_dates_of_birth_are_two_pupils(connection: psycopg.Connection[Any]) -> None:
    assert _rows(connection, "B2", "section, value", "section in ('school', 'result')") == [("school", "Elm")]


def test_a_pupil_of_whom_nothing_is_known_is_there(connection: psycopg.Connection[Any]) -> None:
    assert _rows(connection, "B3", "distinct section, 0 as position", "true") == [("pupil", 0), ("school", 0)]
    assert _rows(connection, "A1", "section", "true") == []


def test_attendance_is_that_of_attendance_reports(connection: psycopg.Connection[Any]) -> None:
    shown = _rows(connection, "B1", "academic_year, item, number, unit, value, note", "section = 'attendance'")
    assert shown[:5] == [
        (202425, "Possible sessions", 9.0, "sessions", "9", None),
        (202425, "Attendance", pytest.approx(77.777778), "per cent", "77.8", "7 sessions"),
        (202425, "Absence", pytest.approx(22.222222), "per cent", "22.2", "2 sessions"),
        (202425, "Unauthorised absence", pytest.approx(11.111111), "per cent", "11.1", "1 session"),
        (202425, "Late", 2.0, "sessions", "2", "Before and after the register closed"),
    ]
    reported = connection.execute(
        "select academic_year, possible_sessions, attendance_rate, absence_rate, unauthorised_rate, late_sessions"
        " from build_attendance.pupil_year join core.pupil using (school_id, pupil_key)"
        " where person_id = 'person-B1' order by academic_year desc"
    ).fetchall()
    assert [(year, *map(float, numbers)) for year, *numbers in reported] == [
        (shown[place][0], *(row[2] for row in shown[place : place + 5])) for place in range(0, len(shown), 5)
    ]


def test_exclusions_are_counted_and_groups_are_those_of_now(connection: psycopg.Connection[Any]) -> None:
    assert _rows(connection, "B1", "academic_year, item, number, note", "section = 'exclusion'") == [
        (202425, "Suspensions", 2.0, "3 sessions; the last began on 6 March 2025")
    ]
    assert _rows(connection, "B1", "item, subject, value", "section = 'group'") == [
        ("Registration group", None, "9B"),
        ("Teaching group", "Maths", "9/Ma2"),
    ]


def test_what_is_special_category_stands_in_the_special_relation_alone(connection: psycopg.Connection[Any]) -> None:
    special = _rows(connection, "B1", "section, item, value", "true", "_special")
    assert special == [
        ("SEN", "SEN status", "SEN support"),
        ("SEN", "Primary need", "SLCN"),
        ("ethnicity", "Ethnicity", "Irish"),
        ("language", "First language", "GLE"),
        ("language", "English as an additional language", "yes"),
        ("looked after", "Looked after now", "yes"),
        ("service child", "Service child", "not known"),
    ]
    open_to_all = _rows(connection, "B1", "section, item", "true")
    assert {row[:2] for row in special}.isdisjoint(open_to_all)


def test_a_reader_without_the_right_reads_the_rest(connection: psycopg.Connection[Any]) -> None:
    """The view runs with the reader's rights: the parts that it stands on must be theirs to read, too."""
    for special in (False, True):
        with connection.transaction():
            role = reader_role(Purpose.BENCHMARKS, Level.PUPILS, special=special)
            connection.execute(f"set local role {role}".encode())
            assert connection.execute("select count(*) >= 0 from benchmarks.student_explorer").fetchone() == (True,)
            allowed = connection.execute("select has_table_privilege('benchmarks.student_explorer_special', 'select')")
            assert allowed.fetchone() == (special,)
