"""A run after a change gives what a rebuild gives, and touches no more than the change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from raw_rows import WEEK, marks, pupil, school

from orchestration.warehouse.connection import Warehouse

PRESENT = ("/", "\\")
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with module_warehouse.connect(autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def schools(connection: psycopg.Connection[Any], dbt: Any) -> tuple[int, int]:
    """Two schools of three pupils with a week of marks, built once; the second school is far ahead in extracts."""
    oak, elm = school(connection, "Oak", "PRIMARY"), school(connection, "Elm", "SECONDARY")
    for school_id, extract_id in ((oak, 1), (elm, 90)):
        for number in range(1, 4):
            pupil(connection, school_id, f"A{number}")
            marks(connection, school_id, f"A{number}", dict.fromkeys(WEEK[:4], PRESENT), extract_id)
    dbt("build", "--exclude", "tag:marts", "--exclude-resource-type", "unit_test")
    return oak, elm


def _days(connection: psycopg.Connection[Any]) -> Rows:
    return connection.execute("select * from core.pupil_day order by school_id, pupil_id, session_date").fetchall()


def _versions(connection: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    """Each row with the place of its version in the table: a row that was written again has another."""
    return set(
        connection.execute("select school_id, pupil_id, session_date, ctid::text from core.pupil_day").fetchall()
    )


def _change(connection: psycopg.Connection[Any], dbt: Any) -> set[tuple[Any, ...]]:
    """Run the increment, compare it with a rebuild, and return the keys of the rows that it wrote."""
    before = _versions(connection)
    dbt("build", "--select", "pupil_day", "--exclude-resource-type", "unit_test")
    written = {version[:3] for version in _versions(connection) - before}
    incremental = _days(connection)
    dbt("run", "--select", "pupil_day", "--full-refresh")
    assert incremental == _days(connection)
    return written


def test_nothing_new_writes_nothing(connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any) -> None:
    assert _change(connection, dbt) == set()


def test_a_new_day_of_a_school_that_is_behind_in_extracts_writes_that_day(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    for number in range(1, 4):
        marks(connection, oak, f"A{number}", {WEEK[4]: PRESENT}, extract_id=2)
    assert _change(connection, dbt) == {(oak, f"A{number}", WEEK[4]) for number in range(1, 4)}


def test_amended_and_removed_marks_are_followed(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    marks(connection, oak, "A1", {WEEK[0]: ("I", None)}, extract_id=3)
    removed = "update raw.attendance_mark set removed_at = %s, extract_id = 3 where school_id = %s and pupil_id = %s"
    now = "2025-03-10 20:00+00"
    connection.execute(removed + " and mark_date = %s and session = 'PM'", [now, oak, "A2", WEEK[1]])
    connection.execute(removed + " and mark_date = %s", [now, oak, "A3", WEEK[2]])
    assert _change(connection, dbt) == {(oak, "A1", WEEK[0]), (oak, "A2", WEEK[1]), (oak, "A3", WEEK[2])}
    codes = {(row[5], row[1]): row[6:] for row in _days(connection) if row[0] == oak}
    assert codes["A1", WEEK[0]] == ("I", "\\")
    assert codes["A2", WEEK[1]] == ("/", None)
    assert codes["A3", WEEK[2]] == (None, None)


def test_a_mark_that_came_back_counts_again(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    connection.execute(
        "update raw.attendance_mark set removed_at = null, extract_id = 4"
        " where school_id = %s and pupil_id = 'A3' and removed_at is not null",
        [oak],
    )
    assert _change(connection, dbt) == {(oak, "A3", WEEK[2])}


def test_a_mark_retried_from_quarantine_counts_although_its_extract_is_old(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    marks(connection, oak, "A1", {WEEK[1]: ("I", None)}, extract_id=2)
    assert _change(connection, dbt) == {(oak, "A1", WEEK[1])}


def test_marks_that_came_before_their_pupil_count_when_the_pupil_comes(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    marks(connection, oak, "A9", dict.fromkeys(WEEK, PRESENT), extract_id=5)
    days = "select count(*) from build_attendance.pupil_day where school_id = %s"
    dbt("run", "--select", "pupil_day", "school_day", "attendance__pupil_day")
    assert connection.execute(days, [oak]).fetchall() == [(3 * len(WEEK),)]
    pupil(connection, oak, "A9", extract_id=6)
    dbt("run", "--select", "enrolment", "attendance__pupil_day")
    assert connection.execute(days, [oak]).fetchall() == [(4 * len(WEEK),)]


def test_a_wrong_increment_is_noticed(connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any) -> None:
    oak, _ = schools
    connection.execute("delete from core.pupil_day where school_id = %s and session_date = %s", [oak, WEEK[0]])
    with pytest.raises(AssertionError, match="pupil_day_agrees_with_raw"):
        dbt("test", "--select", "pupil_day_agrees_with_raw")
