"""dbt on hand-made raw rows: what seeds, staging, core and marts give together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from raw_rows import WEEK, marks, pupil, put, school

from orchestration.warehouse.connection import Warehouse

PRESENT = ("/", "\\")
#: The last day of the old codes and the first of the new ones that schools could meet.
SUMMER = [date(2024, 8, 16), date(2024, 8, 19)]
Rows = list[tuple[Any, ...]]
#: Blanks around, marks that combine, right to left, SQL, COPY's and templates' own characters; and long.
ODD_NAME = (" e\u0301 \u05e9\u05d9 {{ 1 }} ", "O'Neill\"); drop table core.pupil; -- \\N %s" + "\u00f1" * 10_000)


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
        pupil(connection, oak, f"A{number}", forename=ODD_NAME[0], surname=ODD_NAME[1])
        put(connection, "pupil_demographics", school_id=oak, pupil_id=f"A{number}", enrolment_status="C", extract_id=1)
        marks(connection, oak, f"A{number}", dict.fromkeys([*SUMMER, *WEEK], PRESENT))
    marks(connection, oak, "A2", {WEEK[0]: ("I", "I")})
    marks(connection, oak, "A3", {WEEK[0]: ("D", "D"), WEEK[1]: ("-", "-"), WEEK[2]: ("H", "%")})
    marks(connection, oak, "A4", {SUMMER[0]: ("J", "J"), SUMMER[1]: ("J1", "C2")})
    pupil(connection, elm, "B1", person_id=None)
    put(connection, "attendance_code", school_id=elm, code_id="1", code="@", code_type="PRESENT", extract_id=1)
    put(
        connection,
        "attendance_code",
        school_id=elm,
        code_id="2",
        code="I",
        code_type="UNAUTHORISED_ABSENCE",
        extract_id=1,
    )
    marks(connection, elm, "B1", {WEEK[0]: ("@", "I"), WEEK[1]: ("/", "@")})
    return oak, elm


@pytest.fixture(scope="module")
def built(schools: tuple[int, int], dbt: Any) -> tuple[int, int]:
    """The schools, after a first build of everything with its data tests.

    Unit tests come later: that of an incremental run wants to see the table it adds to.
    """
    dbt("build", "--exclude-resource-type", "unit_test")
    return schools


def _rows(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Rows:
    return connection.execute(query, parameters).fetchall()


def test_unit_and_data_tests_ran_and_passed(built: tuple[int, int], dbt: Any, manifest: dict[str, Any]) -> None:
    ran = {event["data"]["node_info"].get("unique_id") for event in dbt("test").events}
    declared = {
        *manifest["unit_tests"],
        *(name for name, node in manifest["nodes"].items() if node["resource_type"] == "test"),
    }
    assert declared <= ran


def test_names_are_what_the_school_writes(connection: psycopg.Connection[Any], built: tuple[int, int]) -> None:
    oak, _ = built
    for relation in ("core.pupil_name", "build_attendance.pupil_name"):
        found = _rows(connection, f"select forename, surname from {relation} where school_id = %s", oak)
        assert found == [ODD_NAME] * 5


def test_a_code_counts_by_the_date_of_its_session(connection: psycopg.Connection[Any], built: tuple[int, int]) -> None:
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


def test_day_pupil_week_and_school_add_up_to_the_same(
    connection: psycopg.Connection[Any], built: tuple[int, int]
) -> None:
    oak, _ = built
    # A1 and A5 have 14 sessions each, A2 14 with 2 of illness, A3 8 beside 2 D, 2 missing and 2 that mean nothing,
    # A4 14 with 2 of authorised absence.
    for relation in ("pupil_day", "pupil_year", "school_week", "school_year"):
        assert _rows(
            connection,
            "select sum(possible_sessions), sum(attended_sessions), sum(absence_sessions), sum(missing_sessions),"
            f" sum(unclassified_sessions), sum(not_possible_sessions) from build_attendance.{relation}"
            " where school_id = %s",
            oak,
        ) == [(64, 60, 4, 2, 2, 2)], relation


def test_a_school_year_stands_beside_the_national_figures(
    connection: psycopg.Connection[Any], built: tuple[int, int]
) -> None:
    oak, _ = built
    assert _rows(
        connection,
        "select academic_year, school_days, last_session_date, enrolments, persistently_absent_enrolments,"
        " severely_absent_enrolments, absence_rate, persistent_absence_rate, national_phase, national_absence_rate"
        " from build_attendance.school_year where school_id = %s",
        oak,
    ) == [
        (202425, 7, WEEK[-1], 5, 2, 0, Decimal("6.250000"), Decimal("40.000000"), "Primary", Decimal("5.247310")),
    ]


def test_published_views_would_stand_on_tables_of_their_own_schema(
    connection: psycopg.Connection[Any], built: tuple[int, int]
) -> None:
    assert (
        _rows(
            connection,
            "select view_schema, view_name, table_schema, table_name from information_schema.view_table_usage"
            " where view_schema like 'build\\_%%' and table_schema <> view_schema",
        )
        == []
    )


def test_keys_are_enforced_and_led_by_the_school(connection: psycopg.Connection[Any], built: tuple[int, int]) -> None:
    keyless = _rows(
        connection,
        "select relation.oid::regclass::text from pg_class as relation"
        " join pg_namespace as space on space.oid = relation.relnamespace"
        " left join pg_index as key on key.indrelid = relation.oid and key.indisprimary"
        " left join pg_attribute as led on led.attrelid = relation.oid and led.attnum = key.indkey[0]"
        " where relation.relkind = 'r' and (space.nspname = 'core' or space.nspname like 'build\\_%%')"
        " and led.attname is distinct from 'school_id'",
    )
    assert sorted(keyless) == [
        ("build_attendance.area_group_year",),
        ("build_attendance.area_year",),
        ("build_attendance.calendar_day",),
        ("build_attendance.national_rate",),
        ("build_attendance.published_rate",),
        ("build_attendance.risk_model",),
        ("build_attendance.risk_model_coefficient",),
        ("build_attendance.risk_reliability",),
        ("build_benchmarks.estimate_basis",),
        ("build_benchmarks.estimate_calibration",),
        ("build_benchmarks.estimate_reliability",),
    ]


def test_marts_are_built_again_after_a_release_took_them_away(
    connection: psycopg.Connection[Any], built: tuple[int, int], dbt: Any
) -> None:
    before = _rows(connection, "select * from build_attendance.session order by 1, 2, 3, 4")
    connection.execute("create schema release_attendance_1")
    for kind, name in _rows(
        connection,
        "select case relkind when 'v' then 'view' else 'table' end, relname from pg_class"
        " where relnamespace = 'build_attendance'::regnamespace and relkind in ('r', 'v')",
    ):
        connection.execute(f"alter {kind} build_attendance.{name} set schema release_attendance_1")
    dbt("run", "--select", "tag:marts")
    assert _rows(connection, "select * from build_attendance.session order by 1, 2, 3, 4") == before
    assert _rows(connection, "select * from release_attendance_1.session order by 1, 2, 3, 4") == before
