"""A published school by the contract of the marts, and people who set its targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from orchestration.access import people
from orchestration.access.people import Person, Rights, person_by_email
from orchestration.access.target_tasks import TargetGrant, TargetTask
from orchestration.ingest.categories import Purpose
from orchestration.targets.rules import Key, Proposal
from orchestration.warehouse.publishing import publish
from orchestration.warehouse.roles import ensure_roles
from sandbox.identity import upn_check_letter

YEAR = 202526
LAST_YEAR = 202425
GRADES = ["U", *(str(grade) for grade in range(1, 10))]
MATHS, HISTORY, LATIN = ("GCSE", "Mathematics"), ("GCSE", "History"), ("GCSE", "Latin")
#: Centre of a pupil's distribution at level 50; level 20 is half a grade harder, level 5 a whole one.
CENTRES = {1: 4.8, 2: 5.2, 3: 6.1, 4: 3.4}
SHIFTS = {50: 0.0, 20: 0.5, 5: 1.0}
UPNS = {number: upn_check_letter(f"82020000000{number}") + f"82020000000{number}" for number in range(1, 5)} | {5: None}

_MARTS = """
create schema if not exists core;
create table core.school as select * from (values (1, 'T1'), (2, 'T1'), (3, null)) as s (school_id, trust_uid);
create schema build_benchmarks;
create table build_benchmarks.school as
    select s as school_id, 'School ' || s as school_name from generate_series(1, 3) as s;
create table build_benchmarks.pupil (school_id int, pupil_key bigint, nc_year text);
create table build_benchmarks.pupil_name (school_id int, pupil_key bigint, forename text, surname text, upn text);
create table build_benchmarks.group_pupil (school_id int, group_id text, pupil_key bigint);
create table build_benchmarks.estimate (
    school_id int, pupil_key bigint, academic_year int, qualification text, subject text, challenge numeric(5, 2),
    prior_measure text, prior_value numeric, estimate_grade text, estimate_points numeric(6, 2), chance float8,
    grades text[], points numeric(6, 2)[], chances float8[], reliability text, run_id text, caveat text
);
create table build_benchmarks.pupil_subject (
    school_id int, pupil_key bigint, academic_year int, qualification text, subject text
);
"""


def chances(centre: float) -> list[float]:
    """Chance of each grade or better, U first."""
    return [1.0, *(1 / (1 + math.exp(points - centre)) for points in range(1, 10))]


def estimates(
    school_id: int, academic_year: int, run_id: str, subjects: Sequence[tuple[str, str]], add: float = 0.0
) -> list[dict[str, Any]]:
    """Rows of ``estimate`` for the four pupils, ``add`` grades better than CENTRES says."""
    rows = []
    for pupil_key, centre in CENTRES.items():
        for qualification, subject in subjects:
            for challenge, shift in SHIFTS.items():
                distribution = chances(centre + shift + add)
                best = max(place for place, chance in enumerate(distribution) if chance >= 0.5)
                rows.append(
                    {
                        "school_id": school_id,
                        "pupil_key": pupil_key,
                        "academic_year": academic_year,
                        "qualification": qualification,
                        "subject": subject,
                        "challenge": challenge,
                        "prior_measure": "ks2_mean",
                        "prior_value": 100 + pupil_key,
                        "estimate_grade": GRADES[best],
                        "estimate_points": best,
                        "chance": distribution[best],
                        "grades": GRADES,
                        "points": list(range(10)),
                        "chances": distribution,
                        "reliability": "high",
                        "run_id": run_id,
                        "caveat": "",
                    }
                )
    return rows


def put_estimates(connection: psycopg.Connection[Any], rows: list[dict[str, Any]], schema: str = "benchmarks") -> None:
    """Add rows to the published (or built) estimates, and what they say is studied."""
    columns = ", ".join(rows[0])
    connection.execute(
        f"insert into {schema}.estimate ({columns}) select {columns}"
        f" from jsonb_populate_recordset(null::{schema}.estimate, %s)".encode(),
        [Jsonb(rows)],
    )
    pair = "school_id, pupil_key, academic_year, qualification, subject"
    connection.execute(
        f"insert into {schema}.pupil_subject select {pair} from {schema}.estimate"
        f" except select {pair} from {schema}.pupil_subject".encode()
    )


def publish_school(connection: psycopg.Connection[Any]) -> None:
    """Three schools, the first two of a trust, each with pupils 1 to 5 in Year 10.

    The first four study mathematics and history; the fifth of school 1 history, without an estimate. Nobody has Latin.
    """
    connection.execute(
        "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
        " select n, 'wonde', 'A' || n, 'School ' || n, 'approved' from generate_series(1, 3) n"
    )
    ensure_roles(connection)
    connection.execute(_MARTS.encode())
    for school_id in (1, 2, 3):
        connection.cursor().executemany(
            "insert into build_benchmarks.pupil values (%s, %s, '10')", [(school_id, key) for key in UPNS]
        )
        connection.cursor().executemany(
            "insert into build_benchmarks.pupil_name values (%s, %s, %s, %s, %s)",
            [(school_id, key, f"Forename {key}", f"Surname {key}", upn) for key, upn in UPNS.items()],
        )
        put_estimates(connection, estimates(school_id, YEAR, "run 1", (MATHS, HISTORY)), "build_benchmarks")
    connection.execute("insert into build_benchmarks.pupil_subject values (1, 5, %s, 'GCSE', 'History')", [YEAR])
    connection.execute("insert into build_benchmarks.group_pupil values (1, 'set 1', 1), (1, 'set 1', 2)")
    publish(connection, Purpose.BENCHMARKS, "run")


def someone(
    connection: psycopg.Connection[Any],
    name: str,
    *tasks: str,
    schools: Sequence[int] = (1,),
    subject: str = "*",
    named: bool = True,
) -> Person:
    """A person who may do the tasks at the schools."""
    grants = tuple(TargetGrant(school, TargetTask(task), subject) for school in schools for task in tasks)
    rights = Rights(tuple(schools), (Purpose.BENCHMARKS,), named, True, False, grants)
    return people.add(connection, f"{name}@school.example", name.title(), rights)


@dataclass(frozen=True)
class Staff:
    """Who sets targets at school 1; ``maths`` has mathematics alone, ``looker`` looks, ``other`` is of school 3."""

    teacher: Person
    maths: Person
    leader: Person
    head: Person
    looker: Person
    other: Person


def put_people(connection: psycopg.Connection[Any]) -> None:
    """Add the staff."""
    someone(connection, "teacher", "edit")
    someone(connection, "maths", "edit", subject="Mathematics")
    someone(connection, "leader", "edit", "review")
    someone(connection, "head", "edit", "review", "approve", "lock", "policy")
    someone(connection, "looker", named=False)
    someone(connection, "other", "edit", "review", "approve", "lock", "policy", schools=(3,))


def staff_of(connection: psycopg.Connection[Any]) -> Staff:
    return Staff(**{name: person_by_email(connection, f"{name}@school.example") for name in Staff.__annotations__})


def key(pupil_key: int = 1, pair: tuple[str, str] = MATHS, school_id: int = 1, academic_year: int = YEAR) -> Key:
    return Key(school_id, pupil_key, academic_year, *pair)


def proposal(
    grade: str, version: int = 0, pupil_key: int = 1, pair: tuple[str, str] = MATHS, rationale: str | None = None
) -> Proposal:
    return Proposal(key(pupil_key, pair), version, grade, rationale)


def points(grade: str) -> Decimal:
    return Decimal(GRADES.index(grade))
