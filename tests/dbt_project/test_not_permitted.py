"""A null that a school keeps from us, and one that it never recorded: from the partner's scopes to groups and gates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from raw_rows import WEEK, marks, pupil, put, school

from orchestration.quality.gate import run_gate
from orchestration.quality.suites import load_suite
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse, dbt: Any) -> Iterator[psycopg.Connection[Any]]:
    """Three schools of 20 pupils without an ethnicity: Oak grants it, Elm does not, of Ash nothing is known."""
    with module_warehouse.connect(autocommit=True) as opened:
        for name, granted in (("Oak", True), ("Elm", False), ("Ash", None)):
            school_id = school(opened, name, "PRIMARY")
            for scope in ("students.read", "students.ethnicity.read", "students.sen.read"):
                if granted is not None:
                    _grants(opened, school_id, name, scope, granted or scope != "students.ethnicity.read")
            for number in range(20):
                pupil(opened, school_id, f"P{number}", sex="F")
                put(
                    opened,
                    "pupil_demographics",
                    school_id=school_id,
                    pupil_id=f"P{number}",
                    sen_status="N" if number else None,
                    extract_id=1,
                )
                marks(opened, school_id, f"P{number}", dict.fromkeys(WEEK, ("/", "\\")))
        dbt("build", "--exclude-resource-type", "unit_test", "--select", "+group_year", "+attendance__data_permission")
        yield opened


def _grants(connection: psycopg.Connection[Any], school_id: int, name: str, scope: str, granted: bool) -> None:
    connection.execute(
        "with known as ("
        " insert into ops.connection (school_id, application, partner, partner_school_id, state)"
        " values (%(school)s, 'mis', 'wonde', %(name)s, 'approved')"
        " on conflict (application, partner, partner_school_id) do update set state = excluded.state"
        " returning connection_id)"
        " insert into ops.connection_scope (connection_id, scope, granted)"
        " select connection_id, %(scope)s, %(granted)s from known",
        {"school": school_id, "name": name, "scope": scope, "granted": granted},
    )


def test_groups_of_nulls_say_why_they_are_null(connection: psycopg.Connection[Any]) -> None:
    rows: Rows = connection.execute(
        "select school_name, group_1, value_1, enrolments from core.group_year inner join core.school using (school_id)"
        " where group_1 in ('ethnicity', 'sen') and group_2 = 'all' order by 1, 2, 4"
    ).fetchall()
    assert rows == [
        ("Ash", "ethnicity", "not known", 20),
        ("Ash", "sen", "not known", 1),
        ("Ash", "sen", "N", 19),
        ("Elm", "ethnicity", "not permitted", 20),
        ("Elm", "sen", "not recorded", 1),
        ("Elm", "sen", "N", 19),
        ("Oak", "ethnicity", "not recorded", 20),
        ("Oak", "sen", "not recorded", 1),
        ("Oak", "sen", "N", 19),
    ]


def test_analysts_see_beside_the_pupils_what_a_null_means(connection: psycopg.Connection[Any]) -> None:
    rows: Rows = connection.execute(
        "select school_name, is_permitted, null_means, category from build_attendance.data_permission"
        " inner join core.school using (school_id) where attribute = 'ethnicity_group' order by 1"
    ).fetchall()
    assert rows == [
        ("Ash", None, "not known", "demographics"),
        ("Elm", False, "not permitted", "demographics"),
        ("Oak", True, "not recorded", "demographics"),
    ]


def test_the_gate_names_what_is_permitted_and_empty_and_not_what_is_withheld(
    connection: psycopg.Connection[Any], module_warehouse: Warehouse
) -> None:
    suite = load_suite(Settings().expectations_dir / "core" / "attribute_permission.json")
    engine = sa.create_engine(module_warehouse.sqlalchemy_url, poolclass=sa.NullPool)
    gate = run_gate(engine, suite, as_at=date(2025, 3, 7))
    rule = next(result for result in gate.results if result.rule_id == "CAP-001")
    oak = connection.execute("select school_id from core.school where school_name = 'Oak'").fetchone()
    assert oak is not None
    assert not gate.blocks
    assert {(row["school_id"], row["attribute"]) for row in rule.examples} == {(oak[0], "ethnicity_group")}
