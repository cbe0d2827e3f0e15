"""No hidden cell of the groups can be worked out from what is published: every linear way of it is tried.

Random schools of random pupils are counted here in Python, exactly; the models hide; then all equations a reader knows
(values add up to the total, crossed values to single ones, weeks to half terms, terms and the year) are put into one
matrix. A hidden number can be worked out exactly when every solution of the homogeneous system is zero in its place.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import psycopg
import pytest
from working_out import determined

from orchestration.warehouse.connection import Warehouse

YEAR = 202425
GROUPS: dict[str, dict[str, float]] = {
    "ethnicity": {"White": 0.6, "Asian": 0.2, "Mixed": 0.1, "Black": 0.07, "Not known": 0.03},
    "sen": {"N": 0.8, "K": 0.15, "E": 0.05},
    "sex": {"F": 0.5, "M": 0.5},
    "year_group": {"7": 0.4, "8": 0.35, "9": 0.25},
}
#: Weeks by half term and half terms by term: a half term of one week and a term of one half term among them.
WEEKS = {
    "1": ["2024-09-02", "2024-09-09", "2024-09-16"],
    "2": ["2024-11-04", "2024-11-11"],
    "3": ["2025-01-06"],
    "5": ["2025-04-28", "2025-05-05"],
}
TERMS = {"autumn": ["1", "2"], "spring": ["3"], "summer": ["5"]}
COUNTS = ("possible", "attended", "absence", "authorised", "unauthorised")
HEADS = ("enrolments", "persistently_absent_enrolments", "severely_absent_enrolments")
ALL_COUNTS = (
    *("possible", "attended", "present", "approved_activity", "absence", "authorised", "unauthorised", "covid"),
    *("not_possible", "missing", "unclassified", "late", "late_after_register", "illness", "appointment", "suspended"),
    *("agreed_holiday", "unauthorised_holiday", "no_reason", "other_unauthorised", "late_before_register"),
    *("study_leave", "religious", "mobile_child", "exceptional_leave", "part_time_timetable", "performance"),
    "interview",
)
SEEDS = range(40)

Cell = tuple[str, ...]
Rows = dict[Cell, dict[str, Any]]


@dataclass
class School:
    """Exact counts of a random school: by (group_1, value_1, group_2, value_2) and (type, period, group, value)."""

    year: dict[Cell, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    period: dict[Cell, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def _count(cell: Counter[str], sessions: Counter[str], *, heads: bool) -> None:
    cell["enrolments"] += 1
    cell.update(sessions)
    if heads:
        cell["persistently_absent_enrolments"] += 10 * sessions["absence"] >= sessions["possible"]
        cell["severely_absent_enrolments"] += 2 * sessions["absence"] >= sessions["possible"]


def random_school(seed: int) -> School:
    """A school of 8 to 150 pupils; some join late, so that a week has pupils that another has not."""
    rng = random.Random(seed)
    school = School()
    for _ in range(rng.choice([8, 25, 60, 150])):
        values = {
            name: rng.choices(list(shares), list(shares.values()))[0]
            for name, shares in GROUPS.items()
            if not (name == "sex" and seed % 5 == 0)  # a school of one sex
        } | ({"sex": "F"} if seed % 5 == 0 else {})
        illness = rng.choice([0.0, 0.03, 0.1, 0.6])
        begins = rng.choice([0, 0, 0, 0, 1, 3])
        by_period: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        number = 0
        for term, half_terms in TERMS.items():
            for half_term in half_terms:
                for week in WEEKS[half_term]:
                    number += 1
                    if number <= begins:
                        continue
                    possible = 10
                    authorised = sum(rng.random() < illness for _ in range(possible))
                    unauthorised = sum(rng.random() < illness / 5 for _ in range(possible - authorised))
                    absence = authorised + unauthorised
                    sessions = Counter(
                        possible=possible,
                        attended=possible - absence,
                        absence=absence,
                        authorised=authorised,
                        unauthorised=unauthorised,
                    )
                    for period in (("term", term), ("half_term", half_term), ("week", week), ("year", "")):
                        by_period[period].update(sessions)
        singles = [("all", "all"), *sorted(values.items())]
        for (kind, name), sessions in by_period.items():
            if kind == "year":
                for single in singles:
                    _count(school.year[(*single, "all", "all")], sessions, heads=True)
                for one, two in combinations(singles[1:], 2):
                    _count(school.year[(*one, *two)], sessions, heads=True)
            else:
                for single in singles:
                    _count(school.period[(kind, name, *single)], sessions, heads=kind != "week")
    return school


def _create(connection: psycopg.Connection[Any]) -> None:
    counts = ", ".join(f"{name}_sessions integer not null default 0" for name in ALL_COUNTS)
    heads = ", ".join(f"{name} integer" for name in HEADS)
    for schema in ("core", "build_attendance"):
        connection.execute(f"create schema if not exists {schema}")
    connection.execute(
        "create table core.group_year (school_id integer, academic_year integer, group_1 text, value_1 text,"
        f" group_2 text, value_2 text, {heads}, {counts})"
    )
    connection.execute(
        "create table core.group_period (school_id integer, academic_year integer, period_type text, period text,"
        f" group_1 text, value_1 text, {heads}, {counts})"
    )
    connection.execute(
        "create table build_attendance.school_week (school_id integer, academic_year integer, week_start date,"
        " term text, half_term smallint)"
    )


def _fill(connection: psycopg.Connection[Any], school_id: int, school: School) -> None:
    measures = [*HEADS, *(f"{name}_sessions" for name in COUNTS)]

    def values(cell: Counter[str]) -> list[int]:
        return [*(cell[name] for name in HEADS), *(cell[name] for name in COUNTS)]

    for table, keys, cells in (
        ("group_year", "group_1, value_1, group_2, value_2", school.year),
        ("group_period", "period_type, period, group_1, value_1", school.period),
    ):
        with connection.cursor() as cursor:
            cursor.executemany(
                f"insert into core.{table} (school_id, academic_year, {keys}, {', '.join(measures)})"
                f" values ({', '.join(['%s'] * (6 + len(measures)))})",
                [[school_id, YEAR, *key, *values(cell)] for key, cell in cells.items()],
            )
    for half_term, weeks in WEEKS.items():
        for week in weeks:
            connection.execute(
                "insert into build_attendance.school_week values (%s, %s, %s, 'autumn', %s)",
                [school_id, YEAR, week, half_term],
            )


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with module_warehouse.connect(autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def schools(connection: psycopg.Connection[Any], dbt: Any) -> dict[int, School]:
    """Random schools, and the published groups of them."""
    _create(connection)
    made = {seed: random_school(seed) for seed in SEEDS}
    for school_id, school in made.items():
        _fill(connection, school_id, school)
    dbt("seed", "--select", "half_term")
    dbt("run", "--select", "attendance__group_year", "attendance__group_period")
    return made


def _published(connection: psycopg.Connection[Any], school_id: int) -> Rows:
    """Everything published about the school: ("year", ...) and (type, period, ...) to the columns."""
    found: Rows = {}
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        for row in cursor.execute("select * from build_attendance.group_year where school_id = %s", [school_id]):
            found["year", "", row["group_1"], row["value_1"], row["group_2"], row["value_2"]] = row
        for row in cursor.execute("select * from build_attendance.group_period where school_id = %s", [school_id]):
            found[row["period_type"], row["period"], row["group_1"], row["value_1"], "all", "all"] = row
    return found


def _exact(school: School) -> dict[Cell, Counter[str]]:
    return {("year", "", *key): cell for key, cell in school.year.items()} | {
        (*key, "all", "all"): cell for key, cell in school.period.items()
    }


def _equations(cells: set[Cell], *, over_time: bool) -> list[dict[Cell, int]]:
    """What a reader knows to add up: each a sum of cells that is zero."""
    sums: dict[tuple[Cell, str], list[Cell]] = defaultdict(list)
    parents = {("week", week): ("half_term", half) for half, weeks in WEEKS.items() for week in weeks}
    parents |= {("half_term", half): ("term", term) for term, halves in TERMS.items() for half in halves}
    parents |= {("term", term): ("year", "") for term in TERMS}
    for cell in cells:
        kind, period, group_1, value_1, group_2, value_2 = cell
        when = (kind, period)
        if group_1 != "all" and group_2 == "all":
            sums[(*when, "all", "all", "all", "all"), group_1].append(cell)
        if group_2 != "all":
            sums[(*when, group_1, value_1, "all", "all"), group_2].append(cell)
            sums[(*when, group_2, value_2, "all", "all"), group_1].append(cell)
        if over_time and when in parents:
            sums[(*parents[when], *cell[2:]), f"{kind}s"].append(cell)
    return [dict.fromkeys(parts, 1) | {total: -1} for (total, _), parts in sums.items()]


def derivable(cells: set[Cell], hidden: set[Cell], *, over_time: bool) -> set[Cell]:
    """The hidden cells that the published ones determine."""
    return determined(hidden, _equations(cells, over_time=over_time))


MEASURES = {
    "enrolments": False,
    "persistently_absent_enrolments": False,
    "severely_absent_enrolments": False,
    "possible_sessions": True,
    "attended_sessions": True,
    "absence_sessions": True,
    "authorised_sessions": True,
    "unauthorised_sessions": True,
}


def _lonely(cells: set[Cell]) -> set[tuple[str, str]]:
    """Groups of which a period has one value only: it is the total under another name, and cannot be hidden."""
    values: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for kind, period, group_1, value_1, group_2, _ in cells:
        if group_2 == "all":
            values[kind, period, group_1].add(value_1)
    return {(kind, group) for (kind, _, group), found in values.items() if len(found) == 1 and group != "all"}


@pytest.mark.parametrize("measure", MEASURES)
def test_no_hidden_number_can_be_worked_out(
    connection: psycopg.Connection[Any], schools: dict[int, School], measure: str
) -> None:
    hidden_somewhere = 0
    for school_id, school in schools.items():
        published = _published(connection, school_id)
        has_measure = measure not in HEADS[1:]
        cells = {cell for cell in published if has_measure or cell[0] != "week"}
        hidden = {cell for cell in cells if published[cell][measure] is None}
        hidden_somewhere += len(hidden)
        if not hidden:
            continue
        lonely = {group for _, group in _lonely(set(_exact(school)))}
        found = {
            cell
            for cell in derivable(cells, hidden, over_time=MEASURES[measure])
            if cell[2] not in lonely and cell[4] not in lonely
        }
        assert found == set(), f"school {school_id}"
    assert hidden_somewhere > 0


def test_what_is_small_is_hidden_and_what_is_shown_is_exact(
    connection: psycopg.Connection[Any], schools: dict[int, School]
) -> None:
    shown = 0
    for school_id, school in schools.items():
        published = _published(connection, school_id)
        exact = _exact(school)
        assert set(exact) <= set(published)
        for cell, row in published.items():
            count = exact.get(cell, Counter())
            for name in (*HEADS, *(f"{name}_sessions" for name in COUNTS)):
                value = row[name]
                if cell[0] == "week" and name in HEADS[1:]:
                    assert value is None
                elif value is not None:
                    shown += 1
                    assert value == count[name.removesuffix("_sessions")]
                else:
                    assert row["is_suppressed"]
                    assert row["suppression_reason"] in ("small", "secondary")
            if cell[2] == "all":
                assert not row["is_suppressed"]
            else:
                assert row["enrolments"] is None or row["enrolments"] == 0 or row["enrolments"] >= 6
                for part in ("persistently_absent_enrolments", "severely_absent_enrolments", "absence_sessions"):
                    assert row[part] not in (1, 2)
    assert shown > 10_000


def test_the_proof_finds_a_cell_left_open() -> None:
    """One hidden value beside a published total, and a single hidden cell between two rectangles."""
    total: Cell = ("year", "", "all", "all", "all", "all")
    girls, boys = (("year", "", "sex", value, "all", "all") for value in "FM")
    assert derivable({total, girls, boys}, {girls}, over_time=False) == {girls}
    assert derivable({total, girls, boys}, {girls, boys}, over_time=False) == set()
    margins: set[Cell] = {("year", "", name, str(value), "all", "all") for name in ("a", "b") for value in range(4)}
    cells: set[Cell] = {("year", "", "a", str(i), "b", str(j)) for i in range(4) for j in range(4)}
    rectangles = {(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3)}
    bridge: Cell = ("year", "", "a", "1", "b", "2")
    hidden: set[Cell] = {("year", "", "a", str(i), "b", str(j)) for i, j in rectangles} | {bridge}
    assert derivable({total} | margins | cells, hidden, over_time=False) == {bridge}
