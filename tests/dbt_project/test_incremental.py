"""A run after a change gives what a rebuild gives, and touches no more than the change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
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
def schools(connection: psycopg.Connection[Any], dbt: Any) -> tuple[int, int]:
    """Two schools of three pupils with a week of marks, built once; the second school is far ahead in extracts."""
    oak, elm = school(connection, "Oak", "PRIMARY"), school(connection, "Elm", "SECONDARY")
    for school_id, extract_id in ((oak, 1), (elm, 90)):
        for number in range(1, 4):
            pupil(connection, school_id, f"A{number}")
            marks(connection, school_id, f"A{number}", dict.fromkeys(WEEK[:4], PRESENT), extract_id)
    dbt("build", "--exclude", "tag:marts", "--exclude-resource-type", "unit_test")
    return oak, elm


#: What is kept from run to run, and the columns of its key.
KEPT = {
    "core.register_year": "school_id, academic_year, pupil_id",
    "core.day_tally": "school_id, session_date",
    "core.register": "school_id, academic_year, pupil_key",
    "core.risk_example": "school_id, academic_year, pupil_key, week_number",
}
MARTS = ["attendance__school_day", "attendance___register_year", "attendance__pupil_day"]
CHAIN = ["attendance_code", "enrolment", "school_day", "roll_year", "register_input", "risk_input"]
CHAIN += [relation.removeprefix("core.") for relation in KEPT]


def _rows(connection: psycopg.Connection[Any], relation: str) -> Rows:
    return connection.execute(f"select * from {relation} order by {KEPT[relation]}".encode()).fetchall()


def _versions(connection: psycopg.Connection[Any], relation: str) -> set[tuple[Any, ...]]:
    """Each row with the place of its version in the table: a row that was written again has another."""
    return set(connection.execute(f"select {KEPT[relation]}, ctid::text from {relation}".encode()).fetchall())


def _change(connection: psycopg.Connection[Any], dbt: Any) -> dict[str, set[tuple[Any, ...]]]:
    """Run the increment, compare it with a rebuild, and return the keys of the rows that it wrote, by relation."""
    before = {relation: _versions(connection, relation) for relation in KEPT}
    dbt("run", "--select", *CHAIN)
    written = {
        relation: {version[:-1] for version in _versions(connection, relation) - before[relation]} for relation in KEPT
    }
    incremental = {relation: _rows(connection, relation) for relation in KEPT}
    dbt("run", "--select", *CHAIN, "--full-refresh")
    for relation in KEPT:
        assert incremental[relation] == _rows(connection, relation), relation
    return written


def _year(connection: psycopg.Connection[Any], school_id: int, pupil_id: str, academic_year: int = 202425) -> str:
    """The marks of a pupil's year, blanks left out."""
    ((marks_of_year,),) = connection.execute(
        "select replace(marks, ' ', '') from core.register_year"
        " where school_id = %s and pupil_id = %s and academic_year = %s",
        [school_id, pupil_id, academic_year],
    ).fetchall()
    return str(marks_of_year)


def test_nothing_new_writes_nothing(connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any) -> None:
    assert _change(connection, dbt) == {relation: set() for relation in KEPT}


def test_a_new_day_of_a_school_that_is_behind_in_extracts_writes_that_day(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    for number in range(1, 4):
        marks(connection, oak, f"A{number}", {WEEK[4]: PRESENT}, extract_id=2)
    assert _change(connection, dbt) == {
        "core.register_year": {(oak, 202425, f"A{number}") for number in range(1, 4)},
        "core.day_tally": {(oak, WEEK[4])},
        "core.register": {(oak, 202425, key) for key in _keys(connection, oak)},
        "core.risk_example": set(),
    }
    assert _year(connection, oak, "A1") == "/\\" * 5


def test_amended_and_removed_marks_are_followed(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    marks(connection, oak, "A1", {WEEK[0]: ("I", None)}, extract_id=3)
    put(connection, "attendance_mark", **_mark(oak, "A1", WEEK[3]), code="L", minutes_late=12, extract_id=3)
    removed = "update raw.attendance_mark set removed_at = %s, extract_id = 3 where school_id = %s and pupil_id = %s"
    now = "2025-03-10 20:00+00"
    connection.execute(removed + " and mark_date = %s and session = 'PM'", [now, oak, "A2", WEEK[1]])
    connection.execute(removed + " and mark_date = %s", [now, oak, "A3", WEEK[2]])
    written = _change(connection, dbt)
    assert written["core.register_year"] == {(oak, 202425, f"A{number}") for number in range(1, 4)}
    assert written["core.day_tally"] == {(oak, day) for day in WEEK[:4]}
    assert [_year(connection, oak, f"A{number}") for number in (1, 2, 3)] == [
        "I\\/\\/\\L\\/\\",
        "/\\//\\/\\/\\",
        "/\\/\\/\\/\\",
    ]


def test_minutes_that_no_longer_stand_go(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    late = "select minutes_late from core.register_year where school_id = %s and pupil_id = 'A1'"
    assert connection.execute(late, [oak]).fetchall() == [({"441": 12},)]
    put(connection, "attendance_mark", **_mark(oak, "A1", WEEK[3]), code="/", minutes_late=None, extract_id=4)
    _change(connection, dbt)
    assert connection.execute(late, [oak]).fetchall() == [({},)]


def test_a_mark_that_came_back_counts_again(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    connection.execute(
        "update raw.attendance_mark set removed_at = null, extract_id = 5"
        " where school_id = %s and pupil_id = 'A3' and removed_at is not null",
        [oak],
    )
    assert _change(connection, dbt)["core.register_year"] == {(oak, 202425, "A3")}
    assert _year(connection, oak, "A3") == "/\\" * 5


def test_the_year_is_cut_between_july_and_august(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    days = {date(2025, 7, 31): ("I", "I"), date(2025, 8, 1): PRESENT, date(2024, 8, 1): ("M", "M")}
    marks(connection, oak, "A2", days, extract_id=6)
    assert _change(connection, dbt)["core.register_year"] == {(oak, 202425, "A2"), (oak, 202526, "A2")}
    assert _year(connection, oak, "A2") == "MM/\\//\\/\\/\\II"
    assert _year(connection, oak, "A2", 202526) == "/\\"


def test_a_code_that_comes_to_mean_something_else_writes_its_school_again(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, elm = schools
    marks(connection, elm, "A1", {WEEK[4]: ("SL", "J")}, extract_id=91)
    _change(connection, dbt)
    assert _year(connection, elm, "A1").endswith("!!")
    assert _entered(connection, elm, "A1") == {"443": "SL", "444": "J"}
    connection.execute("insert into reference.custom_attendance_code values ('*', 'SL', 'S', 'a test')")
    written = _change(connection, dbt)["core.register_year"]
    assert {key[0] for key in written} == {oak, elm}
    assert _year(connection, elm, "A1").endswith("S!")
    assert _entered(connection, elm, "A1") == {"443": "SL", "444": "J"}


def test_who_leaves_changes_the_year_of_leaving_alone(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    left = "update raw.pupil set leaving_date = %s where school_id = %s and pupil_id = 'A2'"
    connection.execute(left, [date(2025, 9, 30), oak])
    written = _change(connection, dbt)
    assert {key[:2] for key in written.pop("core.register")} == {(oak, 202526)}
    assert set().union(*written.values()) == set()


def _keys(connection: psycopg.Connection[Any], school_id: int) -> list[int]:
    found = connection.execute("select pupil_key from core.pupil where school_id = %s", [school_id]).fetchall()
    return [key for (key,) in found]


def _mark(school_id: int, pupil_id: str, day: date) -> dict[str, object]:
    return {"school_id": school_id, "pupil_id": pupil_id, "mark_date": day, "session": "AM"}


def _entered(connection: psycopg.Connection[Any], school_id: int, pupil_id: str) -> dict[str, str]:
    ((codes,),) = connection.execute(
        "select entered_codes from core.register_year"
        " where school_id = %s and pupil_id = %s and academic_year = 202425",
        [school_id, pupil_id],
    ).fetchall()
    return dict(codes)


def test_marks_that_came_before_their_pupil_count_when_the_pupil_comes(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    oak, _ = schools
    marks(connection, oak, "A9", dict.fromkeys(WEEK, PRESENT), extract_id=7)
    days = "select count(*) from build_attendance.pupil_day where school_id = %s and session_date = any(%s)"
    dbt("run", "--select", *CHAIN, *MARTS)
    before = 3 * len(WEEK)
    assert connection.execute(days, [oak, WEEK]).fetchall() == [(before,)]
    pupil(connection, oak, "A9", extract_id=8)
    dbt("run", "--select", "pupil", *CHAIN, *MARTS)
    assert connection.execute(days, [oak, WEEK]).fetchall() == [(before + len(WEEK),)]


def test_examples_of_a_finished_year_are_made_again_when_the_year_changes_and_not_before(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    ash = school(connection, "Ash", "PRIMARY")
    pupil(connection, ash, "A1")
    days = [date(2023, 9, 4) + timedelta(days=number) for number in range(320)]
    marks(connection, ash, "A1", dict.fromkeys([day for day in days if day.isoweekday() < 6], PRESENT))
    marks(connection, ash, "A1", dict.fromkeys(WEEK[:4], PRESENT))
    dbt("run", "--select", "school", "pupil", *CHAIN)
    examples = {key[:2] for key in _versions(connection, "core.risk_example")}
    assert examples == {(ash, 202324)}
    marks(connection, ash, "A1", {WEEK[4]: PRESENT}, extract_id=2)
    assert _change(connection, dbt)["core.risk_example"] == set()
    marks(connection, ash, "A1", {date(2024, 3, 4): ("I", "I")}, extract_id=3)
    assert {key[:2] for key in _change(connection, dbt)["core.risk_example"]} == examples


def test_a_school_that_withdraws_is_nowhere_and_comes_back_as_it_was(
    connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any
) -> None:
    _, elm = schools

    def set_state(state: str) -> None:
        connection.execute("update ops.school set state = %s where school_id = %s", [state, elm])

    dbt("run", "--select", *CHAIN)
    before = {relation: _rows(connection, relation) for relation in KEPT}
    assert all(any(row[0] == elm for row in before[relation]) for relation in ("core.register_year", "core.day_tally"))
    set_state("revoked")
    _change(connection, dbt)
    for relation in KEPT:
        assert [row for row in _rows(connection, relation) if row[0] == elm] == [], relation
    for model in ("school", "pupil", "enrolment", "school_day", "attendance_code"):
        query = f"select count(*) from core.{model} where school_id = %s".encode()
        dbt("run", "--select", model)
        assert connection.execute(query, [elm]).fetchall() == [(0,)], model
    set_state("approved")
    dbt("run", "--select", "school", "pupil", *CHAIN)
    assert {relation: _rows(connection, relation) for relation in KEPT} == before


def test_a_wrong_increment_is_noticed(connection: psycopg.Connection[Any], schools: tuple[int, int], dbt: Any) -> None:
    oak, _ = schools
    connection.execute(
        "update core.register_year set marks = overlay(marks placing ' ' from 435) where school_id = %s", [oak]
    )
    with pytest.raises(AssertionError, match="register_year_agrees_with_raw"):
        dbt("test", "--select", "register_year_agrees_with_raw")
