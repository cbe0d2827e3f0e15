"""What readers of aggregates see of a whole school: nothing hidden in it follows from the rest of what they see."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from working_out import determined

from orchestration.warehouse.connection import Warehouse

YEAR = 202425
FIRST_MONDAY = date(2024, 9, 2)
COUNTS = ("possible", "attended", "absence", "authorised", "unauthorised")
HEADS = ("enrolments", "persistently_absent_enrolments", "severely_absent_enrolments")
RATES = {
    "attendance_rate": ("attended_sessions", "possible_sessions"),
    "absence_rate": ("absence_sessions", "possible_sessions"),
    "authorised_rate": ("authorised_sessions", "possible_sessions"),
    "unauthorised_rate": ("unauthorised_sessions", "possible_sessions"),
    "persistent_absence_rate": ("persistently_absent_enrolments", "enrolments"),
    "severe_absence_rate": ("severely_absent_enrolments", "enrolments"),
}
SEEDS = range(60)

#: Number of the week, weekday and session.
Session = tuple[int, int, str]
Place = tuple[int, str]
Row = dict[str, Any]


@dataclass
class School:
    """A school's sessions, each with its counts."""

    enrolments: int
    sessions: dict[Session, dict[str, int]] = field(default_factory=dict)

    def of_week(self) -> dict[int, list[Session]]:
        found: dict[int, list[Session]] = defaultdict(list)
        for session in self.sessions:
            found[session[0]].append(session)
        return found

    def of_place(self) -> dict[Place, list[Session]]:
        found: dict[Place, list[Session]] = defaultdict(list)
        for session in self.sessions:
            found[session[1:]].append(session)
        return found


def random_school(seed: int) -> School:
    """A school of 4 to 150 pupils whose year began one to twelve weeks ago, on any day, and ends on any session."""
    rng = random.Random(seed)
    school = School(rng.choice([4, 8, 30, 150]))
    weeks = rng.choice([1, 2, 3, 4, 12])
    days = [(week, day) for week in range(weeks) for day in range(1, 6)]
    days = days[rng.randrange(4) : len(days) - rng.randrange(4)]
    open_days = [day for day in days if rng.random() > 0.1]
    if rng.random() < 0.15:
        open_days.append((weeks, 6))  # a Saturday of its own week
    illness = rng.choice([0.0, 0.01, 0.05, 0.2])
    places = [(week, day, session) for week, day in open_days for session in ("AM", "PM")]
    for place in places[: len(places) - rng.randrange(2)]:
        absent = sum(rng.random() < illness for _ in range(school.enrolments))
        authorised = sum(rng.random() < 0.7 for _ in range(absent))
        school.sessions[place] = {
            "possible": school.enrolments,
            "attended": school.enrolments - absent,
            "absence": absent,
            "authorised": authorised,
            "unauthorised": absent - authorised,
        }
    return school


def steady_school(weeks: int, absent: Mapping[Place, int], enrolments: int = 100) -> School:
    """A school of whole weeks, each weekday and session with so many absent in all, the others with 20 a week."""
    school = School(enrolments)
    for week in range(weeks):
        for day in range(1, 6):
            for session in ("AM", "PM"):
                place = (day, session)
                count = absent[place] // weeks + (week < absent[place] % weeks) if place in absent else 20
                school.sessions[(week, *place)] = {
                    "possible": enrolments,
                    "attended": enrolments - count,
                    "absence": count,
                    "authorised": count,
                    "unauthorised": 0,
                }
    return school


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """Empty relations that the models read, with the columns that they use."""
    counts = ", ".join(f"{name} integer" for name in (*HEADS, *(f"{count}_sessions" for count in COUNTS)))
    rates = ", ".join(f"{rate} numeric" for rate in RATES)
    with module_warehouse.connect(autocommit=True) as opened:
        opened.execute("create schema if not exists core")
        opened.execute("create schema build_attendance")
        for columns in (
            "core.school (school_id int, state text, la_code text, region_code text, trust_uid text)",
            "build_attendance.school_session (school_id int, session_date date, session text, academic_year int,"
            f" week_start date, weekday smallint, {counts})",
            f"build_attendance.school_year (school_id int, academic_year int, national_phase text, {counts}, {rates})",
            "build_attendance.school_year_before (school_id int, academic_year int, is_whole_year boolean,"
            f" last_week_number int, {rates})",
            "build_attendance.published_rate (academic_year int, area_level text, area_code text, phase text,"
            f" schools numeric, release text, is_suppressed boolean, {rates})",
            "build_attendance.area_year (academic_year int, area_level text, area_code text, phase text, schools int,"
            f" is_suppressed boolean, {rates})",
            "build_attendance.similar_school (school_id int, academic_year int, neighbour_school_id int)",
        ):
            opened.execute(f"create table {columns}".encode())
        yield opened


def put(connection: psycopg.Connection[Any], table: str, **values: object) -> None:
    places = ", ".join(["%s"] * len(values))
    connection.execute(f"insert into {table} ({', '.join(values)}) values ({places})".encode(), list(values.values()))


STEADY = {
    1001: steady_school(6, {}),
    1002: steady_school(6, {(3, "AM"): 2}),
    1003: steady_school(6, {(3, "AM"): 2, (5, "PM"): 1}),
    1004: steady_school(2, {}),
    1005: steady_school(6, {}, enrolments=5),
}


@pytest.fixture(scope="module")
def schools(connection: psycopg.Connection[Any], dbt: Any) -> dict[int, School]:
    """Schools, and their published weekdays."""
    made = {seed: random_school(seed) for seed in SEEDS} | STEADY
    for school_id, school in made.items():
        put(
            connection,
            "build_attendance.school_year",
            school_id=school_id,
            academic_year=YEAR,
            enrolments=school.enrolments,
        )
        for (week, weekday, session), counted in school.sessions.items():
            monday = FIRST_MONDAY + timedelta(7 * week)
            put(
                connection,
                "build_attendance.school_session",
                school_id=school_id,
                session_date=monday + timedelta(weekday - 1),
                session=session,
                academic_year=YEAR,
                week_start=monday,
                weekday=weekday,
                **{f"{count}_sessions": number for count, number in counted.items()},
            )
    dbt("run", "--select", "attendance__weekday_year")
    return made


def weekdays(connection: psycopg.Connection[Any], school_id: int) -> dict[Place, Row]:
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute("select * from build_attendance.weekday_year where school_id = %s", [school_id])
        return {(row["weekday"], row["session"]): row for row in found}


def hidden(connection: psycopg.Connection[Any], school_id: int, column: str = "absence_sessions") -> set[Place]:
    return {place for place, row in weekdays(connection, school_id).items() if row[column] is None}


@pytest.mark.parametrize("measure", COUNTS)
def test_no_hidden_weekday_and_no_small_session_can_be_worked_out(
    connection: psycopg.Connection[Any], schools: dict[int, School], measure: str
) -> None:
    """From the other weekdays and from the school's weeks, which group_period shows.

    A week of one session is that session, and a school whose year so far is one weekday's mornings is that weekday.
    """
    seen = 0
    for school_id, school in schools.items():
        published = weekdays(connection, school_id)
        places = school.of_place()
        kept = {place for place, row in published.items() if row[f"{measure}_sessions"] is None}
        seen += len(kept)
        weeks = [dict.fromkeys(sessions, 1) for sessions in school.of_week().values()]
        shown = [dict.fromkeys(sessions, 1) for place, sessions in places.items() if place not in kept]
        sums = [dict.fromkeys(places[place], 1) | {place: -1} for place in kept]
        unknown: set[Any] = {*school.sessions, *kept}
        found = determined(unknown, [*weeks, *shown, *sums]) - determined(unknown, [*weeks, *sums])
        assert found & kept == set(), f"school {school_id}"
        small = {session for session in found - kept if school.sessions[session][measure] in (1, 2)}
        assert small == set(), f"school {school_id}"
    assert seen > 0


def test_what_is_shown_is_exact_and_what_is_small_is_not_shown(
    connection: psycopg.Connection[Any], schools: dict[int, School]
) -> None:
    shown = 0
    for school_id, school in schools.items():
        published = weekdays(connection, school_id)
        places = school.of_place()
        assert set(published) == set(places)
        for place, row in published.items():
            sessions = [school.sessions[session] for session in places[place]]
            assert row["openings"] == len(sessions)
            for count in COUNTS:
                value = row[f"{count}_sessions"]
                if value is None:
                    assert row["is_suppressed"]
                    assert row["suppression_reason"] in ("small", "secondary")
                else:
                    shown += 1
                    assert value == sum(counted[count] for counted in sessions)
                    assert value not in (1, 2)
                    assert row["openings"] not in (1, 2)
            assert (row["absence_rate"] is None) == (row["absence_sessions"] is None)
    assert shown > 500


@pytest.mark.parametrize(
    ("school_id", "expected"),
    [
        (1001, set()),
        (1002, {(3, "AM"), (1, "AM")}),  # two sessions of absence, and the smallest other, of which the sum is known
        (1003, {(3, "AM"), (5, "PM")}),
        (1004, {(day, session) for day in range(1, 6) for session in ("AM", "PM")}),  # each open twice
        (1005, {(day, session) for day in range(1, 6) for session in ("AM", "PM")}),  # five pupils
    ],
)
def test_a_weekday_of_few_is_hidden(
    connection: psycopg.Connection[Any], schools: dict[int, School], school_id: int, expected: set[Place]
) -> None:
    assert school_id in schools
    assert hidden(connection, school_id) == expected


def test_the_proof_finds_weeks_that_share_no_weekday() -> None:
    """Two weeks of other days: what the one has follows from its week, so that one hidden place beside it is known."""
    first, second = {(0, 4, "AM"), (0, 5, "AM")}, {(1, 1, "AM"), (1, 2, "AM")}
    equations = [dict.fromkeys(first, 1), dict.fromkeys(second, 1), {(0, 5, "AM"): 1}, {(1, 2, "AM"): 1}]
    assert determined(first | second, equations) == first | second


#: School, then pupils, persistently and severely absent ones, and sessions of a year: authorised, unauthorised.
COMPARED = {
    2001: (100, 20, 2, 900, 100),
    2002: (100, 20, 1, 900, 1),
    2003: (100, 20, 1, 900, 50),
    2004: (100, 20, 0, 900, 0),
    2005: (4, 1, 1, 30, 10),
}
NEIGHBOURS = {
    2001: (2002, 2003, 2004),  # two severely absent in all
    2002: (2003,),  # one school alone
    2003: (2002, 2004),  # one session of unauthorised absence in all
    2004: (),
    2005: (2001, 2002, 2003),
}


@pytest.fixture(scope="module")
def comparisons(connection: psycopg.Connection[Any], dbt: Any) -> dict[tuple[int, str, str], Row]:
    """Published comparisons by school, comparison and measure; nothing is hidden from whoever is not told so here."""
    for school_id, (enrolments, persistent, severe, authorised, unauthorised) in COMPARED.items():
        absence, possible = authorised + unauthorised, 300 * enrolments
        counted = {
            **dict(zip(HEADS, (enrolments, persistent, severe), strict=True)),
            "possible_sessions": possible,
            "attended_sessions": possible - absence,
            "absence_sessions": absence,
            "authorised_sessions": authorised,
            "unauthorised_sessions": unauthorised,
        }
        rates = {rate: round(100 * counted[part] / counted[whole], 6) for rate, (part, whole) in RATES.items()}
        key = {"school_id": school_id, "academic_year": YEAR}
        put(
            connection,
            "core.school",
            school_id=school_id,
            state="approved",
            la_code="850",
            region_code="E12000008",
            trust_uid="1",
        )
        put(connection, "build_attendance.school_year", **key, national_phase="Secondary", **counted, **rates)
        put(
            connection,
            "build_attendance.school_year_before",
            **key,
            is_whole_year=False,
            last_week_number=9,
            **dict.fromkeys(RATES, 1),
        )
        for neighbour in NEIGHBOURS[school_id]:
            put(connection, "build_attendance.similar_school", **key, neighbour_school_id=neighbour)
    of_phase = {"academic_year": YEAR, "phase": "Secondary"}
    for level, code, is_hidden in (("trust", "1", True), ("platform", "platform", False)):
        rates = dict.fromkeys(RATES, None if is_hidden else 5)
        area = {"area_level": level, "area_code": code, "is_suppressed": is_hidden}
        put(connection, "build_attendance.area_year", **of_phase, **area, schools=5, **rates)
    for level, code, is_hidden in (
        ("Local authority", "850", True),
        ("Region", "E12000008", False),
        ("England", "E92000001", False),
    ):
        rates = dict.fromkeys(RATES, None if is_hidden else 5)
        area = {"area_level": level, "area_code": code, "is_suppressed": is_hidden}
        put(connection, "build_attendance.published_rate", **of_phase, **area, schools=9, release="R", **rates)
    dbt("run", "--select", "attendance__school_comparison")
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute("select * from build_attendance.school_comparison").fetchall()
    return {(row["school_id"], row["comparison"], row["measure"]): row for row in rows}


@pytest.mark.parametrize(
    ("school_id", "comparison", "expected"),
    [
        (2001, "similar schools", {"severe_absence_rate"}),
        (2002, "similar schools", set(RATES)),
        (2003, "similar schools", {"severe_absence_rate", "authorised_rate", "unauthorised_rate"}),
        (2004, "similar schools", set()),  # there is none, so none is hidden
        (2005, "similar schools", set()),
        (2001, "trust", set(RATES)),
        (2001, "platform pool", set()),
        (2001, "local authority", set(RATES)),
        (2001, "region", set()),
        (2001, "England", set()),
        (2001, "own last year, same weeks", set()),
    ],
)
def test_what_a_school_is_compared_with_is_hidden_where_it_is_small(
    comparisons: dict[tuple[int, str, str], Row], school_id: int, comparison: str, expected: set[str]
) -> None:
    rows = {measure: comparisons[school_id, comparison, measure] for measure in RATES}
    assert {measure for measure, row in rows.items() if row["is_suppressed"]} == expected
    for measure in expected:
        row = rows[measure]
        assert (row["comparison_value"], row["difference"], row["rank"], row["percentile"]) == (None,) * 4
        assert row["note"] is not None


def test_a_schools_own_value_is_never_hidden(comparisons: dict[tuple[int, str, str], Row]) -> None:
    """As in the rows `all` of group_year: whoever reads the one reads the other."""
    assert {school for school, *_ in comparisons} == set(COMPARED)
    assert all(row["school_value"] is not None for row in comparisons.values())
