"""Cases that have made others silently wrong, from marks as a partner sends them to what an analyst reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from raw_rows import WEEK, marks, pupil, put, school

from orchestration.warehouse.connection import Warehouse

PRESENT = ("/", "\\")
#: The second week of March 2025: no mark on Monday, a planned closure, an unplanned one, and two days of school.
NEXT_WEEK = [day + timedelta(days=7) for day in WEEK]
#: A day of the pandemic, the last day of the old codes, the first of the new, and the last days of 2024/25.
COVID, OLD, NEW, LAST = date(2021, 1, 11), date(2024, 8, 16), date(2024, 8, 19), [date(2025, 7, 30), date(2025, 7, 31)]
OPEN = [COVID, OLD, NEW, *WEEK, *NEXT_WEEK[3:], *LAST]
ANCHORS = 4

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with module_warehouse.connect(autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def oak(connection: psycopg.Connection[Any], dbt: Any) -> int:
    """A primary in which four pupils are always present and each other one is a case; and a second school."""
    oak, elm = school(connection, "Oak", "PRIMARY"), school(connection, "Elm", "SECONDARY", has_custom_codes=True)
    for number in range(ANCHORS):
        pupil(connection, oak, f"anchor{number}", sex="F" if number % 2 else "M")
        days = dict.fromkeys(OPEN, PRESENT)
        marks(connection, oak, f"anchor{number}", days | {NEXT_WEEK[1]: ("#", "#"), NEXT_WEEK[2]: ("Y4", "Y4")})
    _case(connection, oak, "part-time", {WEEK[0]: ("/", "C2"), WEEK[1]: ("/", "C2"), OLD: ("/", "C")})
    _case(connection, oak, "not compulsory", {WEEK[0]: ("/", "X")}, date_of_birth=date(2020, 10, 1))
    _case(connection, oak, "joiner", {WEEK[0]: ("Z", "Z"), WEEK[1]: ("Z", "Z")}, admission_date=WEEK[2])
    _case(connection, oak, "leaver", {}, leaving_date=WEEK[1], is_leaver=True)
    _case(connection, oak, "interview", {OLD: ("J", "J"), NEW: ("J", "J1")})
    _case(connection, oak, "covid", {COVID: ("X", "X"), WEEK[0]: ("X", "X")})
    _case(connection, oak, "no marks", dict.fromkeys(OPEN, (None, None)))
    _case(connection, oak, "one afternoon", {WEEK[4]: ("/", None)})
    _case(connection, oak, "two places", {WEEK[0]: ("D", "D"), WEEK[1]: ("D", "D")})
    _case(connection, oak, "year 11", {LAST[0]: ("S", "S")}, date_of_birth=date(2009, 1, 1))
    _case(connection, oak, "late", {WEEK[0]: ("L", "U"), WEEK[1]: ("L", "\\")})
    put(
        connection, "attendance_mark", school_id=oak, pupil_id="late", mark_date=WEEK[0], session="AM", code="L",
        minutes_late=12, extract_id=1,
    )  # fmt: skip
    _case(
        connection, oak, "came back 1", {WEEK[2]: (None, "\\")}, person_id="again", leaving_date=WEEK[2], is_leaver=True
    )
    _case(connection, oak, "came back 2", {WEEK[2]: ("I", "-")}, person_id="again", admission_date=WEEK[2])
    for name in ("guide 1", "guide 2"):
        pupil(connection, elm, name)
        marks(connection, elm, name, dict.fromkeys(WEEK, PRESENT))
    put(connection, "attendance_code", school_id=elm, code_id="1", code="/", code_type="PRESENT", extract_id=1)
    put(connection, "attendance_code", school_id=elm, code_id="2", code="\\", code_type="PRESENT", extract_id=1)
    put(connection, "attendance_code", school_id=elm, code_id="3", code="FV", code_type="VISIT", extract_id=1)
    put(connection, "attendance_code", school_id=elm, code_id="4", code="DR", code_type="OTHER", extract_id=1)
    marks(connection, elm, "guide 1", {WEEK[0]: ("FV", "DR"), WEEK[1]: ("QQ", "\\")})
    dbt("seed")
    connection.execute("insert into reference.custom_attendance_code values ('*', 'DR', 'M', 'a test')")
    dbt(
        "build",
        "--select",
        "tag:snapshot",
        "tag:staging",
        "tag:core",
        "group:attendance",
        "--exclude-resource-type",
        "unit_test",
    )
    return oak


def _case(
    connection: psycopg.Connection[Any], school_id: int, name: str, differently: dict[date, Any], **values: object
) -> None:
    """A pupil present on every open day but those said."""
    pupil(connection, school_id, name, **values)
    marks(connection, school_id, name, dict.fromkeys(OPEN, PRESENT) | differently)


def _rows(connection: psycopg.Connection[Any], query: str, *values: object) -> Rows:
    return connection.execute(query.encode(), values).fetchall()


def _of(connection: psycopg.Connection[Any], relation: str, name: str, columns: str, condition: str = "true") -> Rows:
    """Columns of a mart's rows of one pupil, in order."""
    key = "select pupil_key from core.enrolment where pupil_id = %s"
    return _rows(
        connection,
        f"select {columns} from build_attendance.{relation} where pupil_key = ({key}) and {condition} order by 1, 2",
        name,
    )


def _week(connection: psycopg.Connection[Any], name: str) -> tuple[Any, ...]:
    """Possible, attended, absent, not possible, missing and unclassified sessions of the first week of March."""
    (row,) = _of(
        connection,
        "pupil_week",
        name,
        "possible_sessions, attended_sessions, absence_sessions, not_possible_sessions, missing_sessions,"
        " unclassified_sessions",
        f"week_start = date '{WEEK[0]}'",
    )
    return row


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("anchor0", (10, 10, 0, 0, 0, 0)),
        ("part-time", (10, 8, 2, 0, 0, 0)),  # C2 is an authorised absence
        ("not compulsory", (9, 9, 0, 1, 0, 0)),  # X is no possible session
        ("joiner", (6, 6, 0, 0, 0, 0)),  # Z before admission is not even that
        ("leaver", (4, 4, 0, 0, 0, 0)),  # to the leaving day, it included
        ("no marks", (0, 0, 0, 0, 10, 0)),  # missing is neither presence nor absence
        ("one afternoon", (9, 9, 0, 0, 1, 0)),
        ("two places", (6, 6, 0, 4, 0, 0)),  # D: the other school counts them
        ("covid", (8, 8, 0, 2, 0, 0)),  # X of 2025
        ("came back 2", (10, 9, 1, 0, 0, 0)),  # of two enrolments on a day, a mark goes before a missing one
        ("guide 1", (8, 7, 1, 0, 0, 2)),  # DR is mapped to M; FV and QQ mean nothing
    ],
)
def test_what_counts(connection: psycopg.Connection[Any], oak: int, name: str, counts: tuple[int, ...]) -> None:
    assert _week(connection, name) == counts


def test_a_code_means_what_it_meant_on_its_day(connection: psycopg.Connection[Any], oak: int) -> None:
    sessions = "session_date, session, code, meaning"
    assert _of(connection, "session", "interview", sessions, f"session_date in ('{OLD}', '{NEW}')") == [
        (OLD, "AM", "J", "approved"), (OLD, "PM", "J", "approved"),
        (NEW, "AM", "J", "unclassified"), (NEW, "PM", "J1", "authorised"),
    ]  # fmt: skip
    assert _of(connection, "session", "covid", sessions, f"session_date = '{COVID}'") == [
        (COVID, "AM", "X", "covid"), (COVID, "PM", "X", "covid")
    ]  # fmt: skip
    assert _of(
        connection, "pupil_day", "covid", "possible_sessions, absence_sessions", f"session_date = '{COVID}'"
    ) == [(2, 0)]
    assert _of(
        connection, "pupil_year", "part-time",
        "academic_year, part_time_timetable_sessions, exceptional_leave_sessions",
        "academic_year = 202425",
    ) == [(202425, 2, 1)]  # fmt: skip


def test_minutes_late_stand_with_their_session(connection: psycopg.Connection[Any], oak: int) -> None:
    late = _of(connection, "session", "late", "session_date, session, code, minutes_late", "code in ('L', 'U')")
    assert late == [(WEEK[0], "AM", "L", 12), (WEEK[0], "PM", "U", None), (WEEK[1], "AM", "L", None)]
    assert _of(connection, "pupil_year", "late", "minutes_late, late_sessions", "academic_year = 202425") == [(12, 3)]


def test_a_day_without_marks_and_a_closure_are_no_school_days(connection: psycopg.Connection[Any], oak: int) -> None:
    days = "select session_date, is_open_day from build_attendance.school_day where school_id = %s and week_start = %s"
    assert _rows(connection, days + " order by 1", oak, NEXT_WEEK[0]) == [
        (NEXT_WEEK[1], False), (NEXT_WEEK[2], False), (NEXT_WEEK[3], True), (NEXT_WEEK[4], True)
    ]  # fmt: skip
    assert _of(
        connection, "pupil_day", "anchor0", "session_date, possible_sessions, not_possible_sessions, missing_sessions",
        f"session_date between '{NEXT_WEEK[0]}' and '{NEXT_WEEK[2]}'",
    ) == [(NEXT_WEEK[1], 0, 2, 0), (NEXT_WEEK[2], 0, 2, 0)]  # fmt: skip
    # Nor is anybody's mark missing on them.
    assert (
        _of(connection, "pupil_day", "no marks", "session_date, 1", f"session_date < '{NEXT_WEEK[3]}'")[-1][0]
        == WEEK[4]
    )


def test_registers_say_how_complete_they_are(connection: psycopg.Connection[Any], oak: int) -> None:
    rows = _rows(
        connection,
        "select session, weekday, pupils_expected, missing_sessions, marked_percent::text"
        " from build_attendance.school_session where school_id = %s and session_date = %s order by 1",
        oak,
        WEEK[4],
    )
    expected = ANCHORS + 10  # all but the leaver and the child of four
    assert rows == [
        ("AM", 5, expected, 1, str(round(100 * (expected - 1) / expected, 6))),
        ("PM", 5, expected, 2, str(round(100 * (expected - 2) / expected, 6))),
    ]


def test_codes_that_mean_nothing_are_listed_with_what_to_do(connection: psycopg.Connection[Any], oak: int) -> None:
    rows = _rows(
        connection,
        "select code, sessions, pupils, first_date, last_date, what_to_do from build_attendance.unclassified_code"
        " order by code",
    )
    assert [row[:5] for row in rows] == [
        ("FV", 1, 1, WEEK[0], WEEK[0]), ("J", 1, 1, NEW, NEW), ("QQ", 1, 1, WEEK[1], WEEK[1])
    ]  # fmt: skip
    assert "custom_attendance_code" in rows[0][5]
    assert "ended on 2024-08-18" in rows[1][5]
    assert _of(connection, "session", "guide 1", "code, meaning", f"session_date = '{WEEK[0]}'") == [
        ("DR", "authorised"), ("FV", "unclassified")
    ]  # fmt: skip


def test_days_weeks_and_terms_add_up_to_the_year_where_nothing_is_cut(
    connection: psycopg.Connection[Any], oak: int
) -> None:
    sums = ", ".join(
        f"sum({name}_sessions)"
        for name in ("possible", "attended", "absence", "covid", "not_possible", "missing", "unclassified", "late")
    )
    uncut = (
        "(school_id, pupil_key, academic_year) in (select school_id, pupil_key, academic_year"
        " from build_attendance.pupil_year where extract(month from counted_until) = 7)"
    )
    totals = {
        relation: _rows(connection, f"select {sums} from build_attendance.{relation} where {uncut}")
        for relation in ("pupil_day", "pupil_week", "pupil_term", "pupil_year")
    }
    assert len({tuple(map(int, rows[0])) for rows in totals.values()}) == 1, totals
    # Year 11 after the May half term: in the weeks, for they happened, and not in the year.
    (week,) = _of(connection, "pupil_week", "year 11", "absence_sessions, 1", "week_start = '2025-07-28'")
    (year,) = _of(connection, "pupil_year", "year 11", "absence_sessions, 1", "academic_year = 202425")
    assert (week[0], year[0]) == (2, 0)


def _groups(connection: psycopg.Connection[Any], relation: str) -> Rows:
    return _rows(connection, f"select * from core.{relation} order by 1, 2, 3, 4, 5, 6")


def _regroup(connection: psycopg.Connection[Any], dbt: Any) -> set[tuple[Any, ...]]:
    """Run the whole chain, compare the groups with a rebuild, and return the schools and years that were counted."""
    versions = "select school_id, academic_year, group_1, value_1, group_2, value_2, ctid::text from core.group_year"
    before = set(_rows(connection, versions))
    dbt("run", "--select", "tag:core")
    counted = {row[:2] for row in set(_rows(connection, versions)) - before}
    incremental = {relation: _groups(connection, relation) for relation in ("group_year", "group_period")}
    dbt("run", "--select", "group_year", "group_period", "--full-refresh")
    assert incremental == {relation: _groups(connection, relation) for relation in ("group_year", "group_period")}
    return counted


def test_groups_are_counted_again_where_something_changed_and_nowhere_else(
    connection: psycopg.Connection[Any], oak: int, dbt: Any
) -> None:
    assert _regroup(connection, dbt) == set()
    marks(connection, oak, "anchor0", {WEEK[0]: ("I", None)}, extract_id=2)
    assert _regroup(connection, dbt) == {(oak, 202425)}
    by_sex = (
        "select value_1, enrolments, absence_sessions from core.group_year"
        " where school_id = %s and academic_year = 202425 and group_1 = 'sex' and group_2 = 'all' order by 1"
    )
    before = {row[0]: row[1:] for row in _rows(connection, by_sex, oak)}
    assert (before["F"], before["M"]) == ((2, 0), (2, 1))
    # A characteristic is of today: every year of the pupil's school is counted again, and nobody else's.
    pupil(connection, oak, "anchor0", sex="F", extract_id=3)
    assert _regroup(connection, dbt) == {(oak, 202021), (oak, 202425)}
    after = {row[0]: row[1:] for row in _rows(connection, by_sex, oak)}
    assert (after["F"], after["M"]) == ((3, 1), (1, 0))


def test_a_year_that_has_gone_leaves_no_group(connection: psycopg.Connection[Any], oak: int, dbt: Any) -> None:
    connection.execute(
        "update raw.attendance_mark set removed_at = now(), extract_id = 4 where school_id = %s and mark_date = %s",
        [oak, COVID],
    )
    assert _regroup(connection, dbt) == set()
    assert _rows(connection, "select 1 from core.group_year where academic_year = 202021") == []


@pytest.mark.parametrize("relation", ["session", "pupil_day", "pupil_week"])
def test_a_filter_reaches_the_tables_behind_a_view(
    connection: psycopg.Connection[Any], oak: int, relation: str
) -> None:
    date_column = "week_start" if relation == "pupil_week" else "session_date"
    with connection.transaction():
        connection.execute("set local enable_seqscan = off")
        plan = [
            line
            for (line,) in _rows(
                connection,
                f"explain select * from build_attendance.{relation} where school_id = %s and pupil_key = 7"
                f" and academic_year = 202425 and {date_column} = '{WEEK[0]}'",
                oak,
            )
        ]
    register = next(number for number, line in enumerate(plan) if "on _register_year" in line)
    assert "pupil_key = 7" in plan[register + 1], plan
    assert "academic_year = 202425" in plan[register + 1], plan
    assert not any("CTE Scan" in line for line in plan), plan
    if relation != "pupil_week":
        assert any("Index Cond" in line and "session_date = " in line for line in plan), plan
