"""A gate decides in one statement, and blocks whenever it cannot decide."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from quality_tables import create, insert

from orchestration.quality.gate import run_gate
from orchestration.quality.predicates import Check, RowCheck, TableCheck
from orchestration.quality.results import GateResult, RuleResult
from orchestration.quality.suites import Rule, Severity, Suite


def rule(rule_id: str, check: Check, severity: Severity = "critical") -> Rule:
    return Rule(rule_id, severity, f"{rule_id} must hold.", "data engineering", "Mend it.", check)


def suite_of(*rules: Rule) -> Suite:
    return Suite(
        "marks", "Marks", "raw", "landing.marks", ("school_id", "pupil_id"), rules, "expectations/raw/marks.json"
    )


CODE = rule("M-1", RowCheck("code in ('/', 'L')"))
LATE = rule("M-2", RowCheck("minutes is null or minutes >= 0"), "warning")
ROWS = rule("M-3", TableCheck("count(*) between 1 and 100", "count(*)"))


@pytest.fixture(autouse=True)
def marks(conn: psycopg.Connection[Any]) -> None:
    create(
        conn,
        "landing.marks",
        {"school_id": "integer", "pupil_id": "text", "code": "text", "minutes": "integer", "surname": "text"},
    )
    rows = [{"school_id": n % 2, "pupil_id": f"A{n}", "code": "/", "minutes": n, "surname": "Beck"} for n in range(40)]
    insert(conn, "landing.marks", rows)


def outcomes(gate: GateResult) -> dict[str, str]:
    return {result.rule_id: result.outcome for result in gate.results}


@contextmanager
def statements() -> Iterator[list[str]]:
    """What SQLAlchemy sends to any server meanwhile, Great Expectations' own connections included."""
    sent: list[str] = []

    def hear(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def test_a_suite_is_one_scan_whatever_its_length(engine: sa.Engine) -> None:
    with statements() as sent:
        gate = run_gate(engine, suite_of(CODE, LATE, ROWS), where="school_id = 1")
    assert gate.passed
    assert {result.rows_checked for result in gate.results} == {20}
    assert len([statement for statement in sent if "landing" in statement]) == 1


def test_a_suites_own_slice_and_the_callers_both_hold(engine: sa.Engine) -> None:
    even = replace(suite_of(CODE), where="mod(minutes, 2) = 0")
    assert run_gate(engine, even).results[0].rows_checked == 20
    narrower = run_gate(engine, even, where="minutes < 10 or minutes = 11")
    assert (narrower.results[0].rows_checked, narrower.slice_of) == (
        5,
        "(mod(minutes, 2) = 0) and (minutes < 10 or minutes = 11)",
    )


def test_results_come_in_the_order_of_the_suite(engine: sa.Engine) -> None:
    many = [rule(f"M-{n:02}", RowCheck(f"minutes <> {n}")) for n in range(30)]
    gate = run_gate(engine, suite_of(*many))
    assert [r.rule_id for r in gate.results] == [r.rule_id for r in many]
    assert [r.rows_failed for r in gate.results] == [1] * 30
    assert [r.examples[0]["pupil_id"] for r in gate.results] == [f"A{n}" for n in range(30)]


def test_examples_are_keys_at_most_ten(engine: sa.Engine) -> None:
    result = run_gate(engine, suite_of(rule("M-1", RowCheck("code <> '/'")))).results[0]
    assert (result.rows_failed, len(result.examples)) == (40, 10)
    assert all(set(example) == {"school_id", "pupil_id"} for example in result.examples)


def test_null_breaks_a_row_rule(conn: psycopg.Connection[Any], engine: sa.Engine) -> None:
    insert(conn, "landing.marks", [{"school_id": 3, "pupil_id": "A99", "code": None}])
    assert run_gate(engine, suite_of(CODE)).results[0].rows_failed == 1


def test_severity_decides_what_a_failure_does(engine: sa.Engine) -> None:
    for severity, blocks, warned in (("critical", True, False), ("warning", False, True), ("info", False, False)):
        gate = run_gate(engine, suite_of(rule("M-1", RowCheck("code = 'L'"), severity)))
        assert (gate.blocks, gate.warned, gate.passed) == (blocks, warned, False)


def test_a_failed_table_rule_shows_what_was_observed(engine: sa.Engine) -> None:
    result = run_gate(engine, suite_of(rule("M-3", TableCheck("count(*) > 40", "count(*)")))).results[0]
    assert (result.outcome, result.rows_failed, result.examples) == ("failed", 0, [{"observed": 40}])


def test_as_at_is_the_day_of_the_data_else_today(conn: psycopg.Connection[Any], engine: sa.Engine) -> None:
    past = suite_of(rule("M-1", RowCheck(":as_at < current_date")))
    assert run_gate(engine, past, as_at=date(2025, 7, 18)).passed
    assert not run_gate(engine, past).passed


def test_percent_colon_and_quote_reach_the_server_as_written(conn: psycopg.Connection[Any], engine: sa.Engine) -> None:
    insert(conn, "landing.marks", [{"school_id": 3, "pupil_id": "A99", "code": "50% :x '"}])
    odd = suite_of(rule("M-1", RowCheck("code not like '50% :x ''%' and minutes % 2 in (0, 1)")))
    result = run_gate(engine, odd, where="pupil_id <> ':nobody'").results[0]
    assert (result.outcome, [e["pupil_id"] for e in result.examples]) == ("failed", ["A99"])


def test_a_percent_sign_in_a_slice_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="garbles a % sign"):
        run_gate(engine, suite_of(CODE), where="minutes % 2 = 0")


UNEVALUABLE = [
    (RowCheck("nothing > 3"), 'column "nothing" does not exist'),
    (RowCheck("minutes / (minutes - minutes) = 1"), "division by zero"),
    (RowCheck("code >"), "syntax error"),
    (RowCheck("code + 1 = 2"), "operator does not exist"),
    (TableCheck("sum(minutes) filter (where false) > 0", "count(*)"), "neither true nor false"),
    (TableCheck("(select count(*) from landing.gone) = 0", "count(*)"), 'relation "landing.gone" does not exist'),
]


@pytest.mark.parametrize(("check", "why"), UNEVALUABLE)
@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_a_rule_that_cannot_be_evaluated_blocks_and_the_others_stand(
    engine: sa.Engine, check: Check, why: str, severity: Severity
) -> None:
    gate = run_gate(engine, suite_of(CODE, rule("M-9", check, severity), ROWS))
    assert outcomes(gate) == {"M-1": "passed", "M-9": "error", "M-3": "passed"}
    assert gate.blocks
    assert not gate.passed
    assert "could not be evaluated" in gate.errors[0].message
    assert why in gate.errors[0].message
    assert "\n" not in gate.errors[0].message


def test_a_missing_relation_blocks_with_every_rule(engine: sa.Engine) -> None:
    gate = run_gate(engine, suite_of(CODE, LATE, ROWS), relation="landing.gone")
    assert outcomes(gate) == dict.fromkeys(("M-1", "M-2", "M-3"), "error")
    assert gate.blocks
    assert "landing.gone does not exist" in gate.results[0].message
    assert (gate.relation, gate.evaluated_on) == ("landing.marks", "landing.gone")


def test_a_slice_that_is_no_sql_blocks(engine: sa.Engine) -> None:
    assert set(outcomes(run_gate(engine, suite_of(CODE, LATE), where="school_id =")).values()) == {"error"}


def test_a_server_that_does_not_answer_blocks() -> None:
    nobody = sa.create_engine("postgresql+psycopg2://mis:secret-word@127.0.0.1:1/mis")
    gate = run_gate(nobody, suite_of(CODE, LATE))
    assert set(outcomes(gate).values()) == {"error"}
    assert "OperationalError" in gate.results[0].message
    assert "secret-word" not in gate.results[0].message


def test_a_rule_without_a_result_blocks(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations loses the result of a rule: nobody has shown that it holds."""
    from great_expectations.datasource.fluent.interfaces import Batch

    validate = Batch.validate

    def forgetful(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = validate(self, *args, **kwargs)
        found.results = [result for result in found.results if result.expectation_config.meta["id"] != "M-2"]
        return found

    monkeypatch.setattr(Batch, "validate", forgetful)
    gate = run_gate(engine, suite_of(CODE, LATE))
    assert outcomes(gate) == {"M-1": "passed", "M-2": "error"}
    assert gate.blocks


def test_an_empty_table_passes_row_rules_but_not_its_row_count(
    conn: psycopg.Connection[Any], engine: sa.Engine
) -> None:
    conn.execute("delete from landing.marks")
    assert outcomes(run_gate(engine, suite_of(CODE, ROWS))) == {"M-1": "passed", "M-3": "failed"}


def test_a_gate_leaves_no_connection_behind(engine: sa.Engine) -> None:
    opened: list[object] = []
    closed: list[object] = []

    def on_connect(connection: object, record: object) -> None:
        opened.append(connection)

    def on_close(connection: object, record: object) -> None:
        closed.append(connection)

    engine.dispose()
    sa.event.listen(sa.pool.Pool, "connect", on_connect)
    sa.event.listen(sa.pool.Pool, "close", on_close)
    try:
        run_gate(engine, suite_of(CODE, rule("M-9", RowCheck("nothing"))))
        engine.dispose()
    finally:
        sa.event.remove(sa.pool.Pool, "connect", on_connect)
        sa.event.remove(sa.pool.Pool, "close", on_close)
    assert opened
    assert set(map(id, opened)) == set(map(id, closed))


def test_a_gate_is_quiet(engine: sa.Engine, capfd: pytest.CaptureFixture[str]) -> None:
    run_gate(engine, suite_of(CODE, rule("M-9", RowCheck("nothing"))))
    assert capfd.readouterr() == ("", "")


def test_great_expectations_is_imported_by_the_first_gate_only() -> None:
    code = (
        "import sys, orchestration.quality.gate, orchestration.quality.report, orchestration.quality.quarantine_split;"
        "sys.exit('great_expectations' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_gate_results_are_plain_values() -> None:
    result = RuleResult("s", "M-1", "warning", "failed", 1, 1, [], "m", "w", "o")
    gate = GateResult("raw", "s", "raw.t", (result,))
    assert (gate.passed, gate.warned, gate.blocks, gate.errors) == (False, True, False, ())
