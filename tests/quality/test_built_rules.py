"""Every rule on core tables and marts, shown on the row or the state that breaks it.

The tables are made from dbt's contracts, so that a rule about a column that a model does not have fails here.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from built_rows import AS_AT, BASE, BUILT
from quality_tables import EXPECTATIONS, create, dbt_columns, insert, suite

from orchestration.quality.gate import run_gate
from orchestration.warehouse.connection import Warehouse

RULES = {name: suite(name) for name in BUILT}
RAW_TABLES = (
    "raw.pupil",
    "raw.pupil_demographics",
    "raw.attendance_mark",
    "raw.exclusion",
    "raw.result",
    "raw.staff",
    "raw.teaching_group",
)
BUILT_TABLES = tuple(rules.relation for rules in RULES.values())


@pytest.fixture(scope="module", autouse=True)
def relations(module_warehouse: Warehouse) -> None:
    columns = dbt_columns()
    with module_warehouse.connect(autocommit=True) as connection:
        for schema in {relation.split(".")[0] for relation in BUILT_TABLES}:
            connection.execute(f"create schema if not exists {schema}")
        for relation in BUILT_TABLES:
            create(connection, relation, columns[relation])


@pytest.fixture
def base(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The small warehouse in which every suite passes."""
    conn.execute("set mis.erasure = 'on'")
    with conn.transaction():  # a commit each would be 120 flushes a test
        conn.execute("delete from targets.target_entry")
        for relation in (*BUILT_TABLES, *RAW_TABLES, "ops.school"):
            conn.execute(f"delete from {relation}")
        for name, built in BUILT.items():
            insert(conn, RULES[name].relation, [built.good])
        conn.execute(BASE.encode())
    return conn


def test_every_suite_has_its_cases_and_every_rule_a_case() -> None:
    written = {
        path.relative_to(EXPECTATIONS).with_suffix("").as_posix()
        for stage in ("core", "marts")
        for path in (EXPECTATIONS / stage).rglob("*.json")
    }
    assert set(BUILT) == written
    for name, built in BUILT.items():
        row_rules = {rule.rule_id for rule, _ in RULES[name].row_rules()}
        assert set(built.rows) == row_rules
        assert set(built.states) == {rule.rule_id for rule in RULES[name].rules} - row_rules


def test_every_suite_passes_where_all_is_well(base: psycopg.Connection[Any], engine: sa.Engine) -> None:
    gates = [run_gate(engine, rules, as_at=AS_AT) for rules in RULES.values()]
    assert [result for gate in gates for result in gate.results if result.outcome != "passed"] == []


@pytest.mark.parametrize("name", BUILT)
def test_each_row_rule_counts_the_row_that_breaks_it(
    base: psycopg.Connection[Any], engine: sa.Engine, name: str
) -> None:
    built, rules = BUILT[name], RULES[name]
    mark = rules.key[0]  # the school's number, or the fit's where no school is in the key
    for number, changes in enumerate(built.rows.values(), 100):
        insert(base, rules.relation, [{**built.good, **changes, mark: number}])
    gate = run_gate(engine, rules, as_at=AS_AT)
    row_rules = {rule.rule_id for rule, _ in rules.row_rules()}
    found = {
        result.rule_id: [example[mark] for example in result.examples]
        for result in gate.results
        if result.rule_id in row_rules
    }
    assert found == {rule_id: [number] for number, rule_id in enumerate(built.rows, 100)}


@pytest.mark.parametrize(("name", "rule_id"), [(name, rule) for name, built in BUILT.items() for rule in built.states])
def test_each_table_rule_fails_in_the_state_that_breaks_it(
    base: psycopg.Connection[Any], engine: sa.Engine, name: str, rule_id: str
) -> None:
    base.execute(BUILT[name].states[rule_id].encode())
    gate = run_gate(engine, RULES[name], as_at=AS_AT)
    result = next(result for result in gate.results if result.rule_id == rule_id)
    assert result.outcome == "failed"
    assert "observed" in result.examples[0]
    assert gate.blocks == any(r.outcome == "failed" and r.severity == "critical" for r in gate.results)


@pytest.mark.parametrize("name", BUILT)
def test_a_warehouse_without_any_data_passes(base: psycopg.Connection[Any], engine: sa.Engine, name: str) -> None:
    for relation in (*BUILT_TABLES, *RAW_TABLES, "ops.school"):
        base.execute(f"delete from {relation}")
    assert run_gate(engine, RULES[name], as_at=AS_AT).passed


def test_marks_that_came_after_the_build_do_not_block_it(base: psycopg.Connection[Any], engine: sa.Engine) -> None:
    base.execute(
        "insert into raw.attendance_mark (school_id, pupil_id, mark_date, session, extract_id)"
        " values (1, 'A1', date '2025-07-17', 'AM', 2)"
    )
    assert run_gate(engine, RULES["core/register_year"], as_at=AS_AT).passed


def test_rows_of_pupils_nobody_knows_do_not_block_the_build(base: psycopg.Connection[Any], engine: sa.Engine) -> None:
    """One school's exclusion of a pupil it does not list must not stop the other schools' publication."""
    for table in ("exclusion", "result"):
        base.execute(f"delete from core.{table}")
        base.execute(f"update raw.{table} set pupil_id = 'gone'")
        assert run_gate(engine, RULES[f"core/{table}"], as_at=AS_AT).passed
