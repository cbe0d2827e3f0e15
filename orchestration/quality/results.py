"""What a gate found, and its record in ``ops.gate_result``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

Outcome = Literal["passed", "failed", "error"]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule.

    ``rows_failed`` of ``rows_checked`` rows break a row rule; a rule about the whole relation has 0 rows failed and
    shows what was observed in ``examples``. ``examples`` hold keys only, at most ten. ``outcome`` error means that the
    rule could not be evaluated: ``message`` then says why.
    """

    suite: str
    rule_id: str
    severity: str
    outcome: Outcome
    rows_checked: int
    rows_failed: int
    examples: list[dict[str, Any]]
    message: str
    what_to_do: str
    owner: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of a suite: one result for each of its rules, in the suite's order.

    ``relation`` is the relation the rules are about, ``evaluated_on`` the one they were evaluated on (a landing table,
    say) and ``slice_of`` the condition that narrowed it. ``seconds`` is wall time; a process's first gate also imports
    Great Expectations, 3 to 5 seconds.
    """

    stage: str
    suite: str
    relation: str
    results: tuple[RuleResult, ...]
    title: str = ""
    evaluated_on: str = ""
    slice_of: str | None = None
    evaluated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Every rule holds."""
        return all(result.outcome == "passed" for result in self.results)

    @property
    def blocks(self) -> bool:
        """A critical rule failed, or any rule, whatever its severity, could not be evaluated."""
        return bool(self.errors) or any(r.outcome == "failed" and r.severity == "critical" for r in self.results)

    @property
    def warned(self) -> bool:
        """A warning rule failed."""
        return any(result.outcome == "failed" and result.severity == "warning" for result in self.results)

    @property
    def errors(self) -> tuple[RuleResult, ...]:
        """The rules that could not be evaluated."""
        return tuple(result for result in self.results if result.outcome == "error")


def record(conn: psycopg.Connection[Any], run_id: str, gate: GateResult, school_id: int | None = None) -> None:
    """Add one row for each rule to ``ops.gate_result``, in the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.gate_result (
                run_id, evaluated_at, stage, suite, relation, school_id, rule_id, severity, outcome,
                rows_checked, rows_failed, examples, message, what_to_do, owner
            ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    run_id,
                    gate.evaluated_at,
                    gate.stage,
                    gate.suite,
                    gate.relation,
                    school_id,
                    result.rule_id,
                    result.severity,
                    result.outcome,
                    result.rows_checked,
                    result.rows_failed,
                    Jsonb(result.examples),
                    result.message,
                    result.what_to_do,
                    result.owner,
                )
                for result in gate.results
            ],
        )


def failed_rules(conn: psycopg.Connection[Any], run_id: str, relations: Sequence[str]) -> list[RuleResult]:
    """The rules about ``relations`` that failed, or could not be evaluated, in a run; worst first.

    A run gates a relation once for each batch of schools: the counts of a rule are added up, and the examples are those
    of the batch with the most rows failed.
    """
    with conn.cursor(row_factory=class_row(RuleResult)) as cursor:
        cursor.execute(
            """
            select
                suite,
                rule_id,
                severity,
                case when bool_or(outcome = 'error') then 'error' else 'failed' end as outcome,
                sum(rows_checked)::bigint as rows_checked,
                sum(rows_failed)::bigint as rows_failed,
                (array_agg(examples order by rows_failed desc))[1] as examples,
                (array_agg(message order by outcome = 'error' desc))[1] as message,
                max(what_to_do) as what_to_do,
                max(owner) as owner
            from ops.gate_result
            where run_id = %s and relation = any(%s)
            group by suite, rule_id, severity
            having bool_or(outcome <> 'passed')
            order by
                bool_or(outcome = 'error') desc,
                array_position(array['critical', 'warning', 'info'], severity),
                sum(rows_failed) desc,
                rule_id
            """,
            (run_id, list(relations)),
        )
        return cursor.fetchall()
