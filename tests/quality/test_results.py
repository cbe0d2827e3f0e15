"""What a gate found is recorded rule by rule, in the caller's transaction, and read back over a run's batches."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from orchestration.quality.results import GateResult, Outcome, RuleResult, failed_rules, record


def result(rule_id: str, outcome: Outcome, failed: int = 0, severity: str = "warning", **examples: Any) -> RuleResult:
    found = [{"school_id": 1, **examples}] if failed else []
    return RuleResult(
        "raw_pupil", rule_id, severity, outcome, 100, failed, found, f"{rule_id} must hold.", "Mend.", "us"
    )


def gate(*results: RuleResult, relation: str = "raw.pupil") -> GateResult:
    return GateResult("raw", "raw_pupil", relation, results)


@pytest.fixture(autouse=True)
def empty(conn: psycopg.Connection[Any]) -> None:
    conn.execute("delete from ops.gate_result")


def test_each_rule_is_a_row(conn: psycopg.Connection[Any]) -> None:
    found = gate(result("PUP-001", "passed", severity="critical"), result("PUP-007", "failed", 3, pupil_id="A1"))
    record(conn, "run-1", found, school_id=7)
    rows = conn.execute(
        "select run_id, evaluated_at, stage, suite, relation, school_id, rule_id, severity, outcome, rows_checked,"
        " rows_failed, examples, message, what_to_do, owner from ops.gate_result order by rule_id"
    ).fetchall()
    shared = ("run-1", found.evaluated_at, "raw", "raw_pupil", "raw.pupil", 7)
    story = ("Mend.", "us")
    examples = [{"school_id": 1, "pupil_id": "A1"}]
    assert rows == [
        (*shared, "PUP-001", "critical", "passed", 100, 0, [], "PUP-001 must hold.", *story),
        (*shared, "PUP-007", "warning", "failed", 100, 3, examples, "PUP-007 must hold.", *story),
    ]


def test_a_record_belongs_to_the_callers_transaction(conn: psycopg.Connection[Any]) -> None:
    with conn.transaction(force_rollback=True):
        record(conn, "run-1", gate(result("PUP-001", "passed")))
    assert conn.execute("select count(*) from ops.gate_result").fetchone() == (0,)


def test_failed_rules_add_up_the_batches_of_a_run_worst_first(conn: psycopg.Connection[Any]) -> None:
    record(
        conn,
        "run-1",
        gate(
            result("PUP-007", "failed", 3, pupil_id="few"),
            result("PUP-010", "failed", 9),
            result("PUP-011", "passed"),
            result("PUP-002", "failed", 1, "critical"),
            result("PUP-003", "passed", 0, "critical"),
        ),
    )
    record(
        conn,
        "run-1",
        gate(
            result("PUP-007", "failed", 5, pupil_id="many"),
            result("PUP-010", "passed"),
            result("PUP-003", "error", 0, "critical"),
        ),
    )
    record(conn, "run-2", gate(result("PUP-012", "failed", 1)))
    record(conn, "run-1", gate(result("STF-006", "failed", 1), relation="raw.staff"))

    broken = failed_rules(conn, "run-1", ["raw.pupil"])

    assert [(r.rule_id, r.outcome, r.rows_failed, r.rows_checked) for r in broken] == [
        ("PUP-003", "error", 0, 200),
        ("PUP-002", "failed", 1, 100),
        ("PUP-010", "failed", 9, 200),
        ("PUP-007", "failed", 8, 200),
    ]
    assert broken[3].examples == [{"school_id": 1, "pupil_id": "many"}]
    assert failed_rules(conn, "run-3", ["raw.pupil"]) == []
