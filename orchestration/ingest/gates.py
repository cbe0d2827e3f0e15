"""The gates between landing and raw: what a failed rule means for the rows and the schools of a batch.

Great Expectations judges the batch at once; when a rule fails, the schools that broke it are told apart here, so that
one school's trouble stays its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import psycopg

from orchestration.ingest.categories import Table
from orchestration.ingest.job import Bench
from orchestration.ingest.landing import Landing
from orchestration.quality.gate import EXAMPLES, run_gate
from orchestration.quality.predicates import RowCheck, bind
from orchestration.quality.quarantine_split import key_object, split_bad_rows
from orchestration.quality.results import GateResult, RuleResult, record
from orchestration.quality.suites import Rule, Suite, load_suite


@dataclass(slots=True)
class Findings:
    """What the gates of a batch found, for its record and for the outcome of each school.

    ``gates`` have every rule over the whole batch. ``by_school`` has the share of each school in the row rules that
    failed; the batch-wide result of such a rule is not recorded beside them, or its rows would count twice.
    ``held`` says why a school may not be loaded, ``accepted`` which critical batch rules the operator has overridden,
    ``warnings`` which others it was loaded in spite of.
    """

    gates: list[GateResult] = field(default_factory=list)
    by_school: dict[int, list[GateResult]] = field(default_factory=lambda: defaultdict(list))
    held: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    accepted: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    warnings: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def record(self, conn: psycopg.Connection[Any], run_id: str) -> None:
        """Write all of it to ``ops.gate_result``, in the caller's transaction."""
        split = {
            (gate.suite, result.rule_id)
            for gates in self.by_school.values()
            for gate in gates
            for result in gate.results
        }
        for gate in self.gates:
            common = tuple(result for result in gate.results if (gate.suite, result.rule_id) not in split)
            record(conn, run_id, replace(gate, results=common))
        for school_id, gates in self.by_school.items():
            for gate in gates:
                record(conn, run_id, gate, school_id)


def judge_rows(job: Bench, table: Table, landing: Landing, findings: Findings, *, as_at: date) -> None:
    """Run the row rules of ``table`` on a batch and move the rows that break a critical one to ``landing.rejected``.

    A rule that cannot be evaluated, and a failed critical rule about the table as a whole, hold every school that has
    rows in the table. Raises ``SuiteError`` or ``OSError`` when there is no usable suite.
    """
    suite = load_suite(job.settings.expectations_dir / "raw" / f"{table.name}.json")
    rows = landing.row_counts(table)
    if not rows:
        return
    broken = _judge(job, suite, landing.rows(table), rows, findings=findings, as_at=as_at)
    if any(rule.severity == "critical" for _, rule in broken):
        split_bad_rows(job.conn, suite, landing.rows(table), into=landing.rejected, as_at=as_at)


def judge_batch(job: Bench, landing: Landing, findings: Findings, *, schools: Sequence[int], as_at: date) -> None:
    """Run the batch rules on ``landing.profile``, which has a row for each school and table of the category; a
    school that breaks a critical rule is held, unless the job is to accept it all the same. A rule that cannot be
    evaluated holds every school even then. Raises ``SuiteError`` or ``OSError`` when there is no usable suite.
    """
    suite = load_suite(job.settings.expectations_dir / "batch" / "school_batch.json")
    rows = dict.fromkeys(schools, len(job.spec.tables))
    for school_id, rule in _judge(job, suite, landing.profile, rows, findings=findings, as_at=as_at):
        where = ", ".join(
            str(example["table_name"])
            for gate in findings.by_school[school_id]
            for result in gate.results
            if result.rule_id == rule.rule_id
            for example in result.examples
        )
        if rule.severity == "critical" and job.accept_held:
            findings.accepted[school_id].append(f"{rule.rule_id} ({where}): {rule.message}")
        elif rule.severity == "critical":
            findings.held[school_id].append(f"{rule.rule_id} ({where}): {rule.message} {rule.what_to_do}")
        elif rule.severity == "warning":
            findings.warnings[school_id].append(f"{rule.rule_id} ({where}): {rule.message}")


def _judge(
    job: Bench, suite: Suite, relation: str, rows: Mapping[int, int], *, findings: Findings, as_at: date
) -> list[tuple[int, Rule]]:
    """Run the suite; note what holds every school, and share the failed row rules out: which school breaks which.

    Nothing is shared out when a rule could not be evaluated: the same statement might fail again.
    """
    gate = run_gate(job.engine, suite, relation=relation, as_at=as_at)
    findings.gates.append(gate)
    rules = {rule.rule_id: rule for rule in suite.rules}
    broken: list[tuple[int, Rule]] = []
    by_school: dict[int, list[RuleResult]] = defaultdict(list)
    for result in gate.results:
        rule = rules[result.rule_id]
        if result.outcome == "failed" and isinstance(rule.check, RowCheck) and not gate.errors:
            predicate = bind(rule.check.predicate, as_at)
            for school_id, failed, examples in job.conn.execute(_shares(suite, relation, predicate)):
                share = replace(result, rows_checked=rows[school_id], rows_failed=failed, examples=examples)
                by_school[school_id].append(share)
                broken.append((school_id, rule))
        elif result.outcome == "error" or (result.outcome == "failed" and rule.severity == "critical"):
            for school_id in rows:
                findings.held[school_id].append(f"{rule.rule_id}: {result.message} {rule.what_to_do}")
    for school_id, results in by_school.items():
        findings.by_school[school_id].append(replace(gate, results=tuple(results)))
    return broken


def _shares(suite: Suite, relation: str, predicate: str) -> bytes:
    """A query for each school's part in a failed row rule: school, rows, keys of a few of them."""
    return f"""
        select school_id, count(*), (array_agg(row_key order by place) filter (where place <= {EXAMPLES}))
        from (
            select school_id, {key_object(suite)} as row_key, row_number() over (partition by school_id) as place
            from {relation} where ({predicate}) is not true
        ) as broken
        group by school_id
    """.encode()
