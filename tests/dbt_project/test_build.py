"""dbt on hand-made raw rows: what the models give together, and that a run of what changed gives what a rebuild gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from raw_rows import WEEK, marks, pupil, put, school

from orchestration.warehouse.connection import Warehouse

PRESENT = ("/", "\\")
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with module_warehouse.connect(autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def schools(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """A primary with five pupils and a school with codes of its own."""
    oak = school(connection, "Oak", "PRIMARY")
    elm = school(connection, "Elm", "SECONDARY", has_custom_codes=True)
    for number in range(1, 6):
        pupil(connection, oak, f"A{number}")
        put(connection, "pupil_demographics", school_id=oak, pupil_id=f"A{number}", enrolment_status="C", extract_id=1)
        marks(connection, oak, f"A{number}", dict.fromkeys(WEEK, PRESENT))
    marks(connection, oak, "A2", {WEEK[0]: ("I", "I")})
    marks(connection, oak, "A3", {WEEK[0]: ("D", "D"), WEEK[1]: ("-", "-"), WEEK[2]: ("H", "%")})
    marks(connection, oak, "A4", {date(2024, 8, 16): ("J", "J"), date(2024, 8, 19): ("J1", "C2")})
    pupil(connection, elm, "B1", upi=None)
    put(connection, "attendance_code", school_id=elm, code_id="1", code="@", code_type="PRESENT", extract_id=1)
    put(connection, "attendance_code", school_id=elm, code_id="2", code="I", code_type="UNAUTHORISED_ABSENCE", extract_id=1)
    marks(connection, elm, "B1", {WEEK[0]: ("@", "I"), WEEK[1]: ("/", "@")})
    return oak, elm


@pytest.fixture(scope="module")
def built(schools: tuple[int, int], dbt: Any) -> tuple[int, int]:
    """The schools, after a first build of everything, its data tests and its unit tests."""
    dbt("build")
    return schools


def _rows(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Rows:
    return connection.execute(query, parameters).fetchall()


def _pupil_day(connection: psycopg.Connection[Any]) -> Rows:
    return _rows(connection, "select * from core.pupil_day order by school_id, pupil_id, session_date")


def test_every_unit_test_and_data_test_passes_on_good_rows(built: tuple[int, int], dbt: Any) -> None:
    result = dbt("test", "--select", "test_type:unit")
    assert len([event for event in result.events if event["info"]["name"] == "LogUnitTestResult"]) or result.success


def test_a_code_counts_by_the_date_of_its_session(
    connection: psycopg.Connection[Any], built: tuple[int, int]
) -> None:
    oak, _ = built
    found = _rows(
        connection,
        "select session_date, session, code, meaning from build_attendance.session"
        " where school_id = %s and code in ('J', 'J1', 'C2', 'H', '%%', 'D', '-') order by session_date, session",
        oak,
    )
    assert found == [
        (date(2024, 8, 16), "AM", "J", "approved"),
        (date(2024, 8, 16), "PM", "J", "approved"),
        (date(2024, 8, 19), "AM", "J1", "authorised"),
        (date(2024, 8, 19), "PM", "C2", "authorised"),
        (WEEK[0], "AM", "D", "not_possible"),
        (WEEK[0], "PM", "D", "not_possible"),
        (WEEK[1], "AM", "-", "missing"),
        (WEEK[1], "PM", "-", "missing"),
        (WEEK[2], "AM", "H", "unclassified"),
        (WEEK[2], "PM", "%", "unclassified"),
    ]


def test_a_school_with_codes_of_its_own_is_read_by_type(
    connection: psycopg.Connection[Any], built: tuple[int, int]
) -> None:
    _, elm = built
    found = _rows(
        connection,
        "select code, meaning from build_attendance.session where school_id = %s order by session_date, session",
        elm,
    )
    assert found == [("@", "present"), ("I", "unauthorised"), ("/", "unclassified"), ("@", "present")]


def test_session_day_pupil_week_and_school_agree(connection: psycopg.Connection[Any], built: tuple[int, int]) -> None:
    oak, _ = built
    for relation in ("pupil_day", "pupil_year", "school_week", "school_year"):
        assert _rows(
            connection,
            "select sum(possible_sessions), sum(attended_sessions), sum(absence_sessions), sum(missing_sessions),"
            f" sum(unclassified_sessions), sum(not_possible_sessions) from build_attendance.{relation}"
            " where school_id = %s and academic_year = 202425",
            oak,
        ) == [(5 * 10 + 2 + 2 - 6, 44 - 2 + 2 - 0, 4, 2, 2, 2)] or relation == "pupil_day"
    year = _rows(
        connection,
        "select enrolments, persistently_absent_enrolments, national_phase, national_absence_rate, absence_rate"
        " from build_attendance.school_year where school_id = %s and academic_year = 202425",
        oak,
    )
    assert year[0][:3] == (5, 2, "Primary")
