"""Run a suite on a relation, or on a slice of it.

Great Expectations decides every rule, in one SELECT for the suite: a context of its own for each call (contexts shared
between threads mix up their batches, great_expectations#12209), no temporary table, no store, no Data Docs. What it
does not do is list rows: each list would be another scan and is capped, so example keys come from one statement of
ours, for the failed rules alone.

A gate reads through connections of its own and so sees committed rows only.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.quality.predicates import RowCheck, TableCheck, bind, literal
from orchestration.quality.quarantine_split import key_object, qualified
from orchestration.quality.results import GateResult, Outcome, RuleResult
from orchestration.quality.suites import Rule, Suite

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation

EXAMPLES = 10

_GX_LOGGER = logging.getLogger("great_expectations")


def run_gate(
    engine: sa.Engine,
    suite: Suite,
    *,
    relation: str | None = None,
    where: str | None = None,
    as_at: date | None = None,
) -> GateResult:
    """Evaluate every rule of ``suite`` on ``relation`` (default: the suite's own).

    ``where`` is an SQL condition that narrows the rows, on top of the suite's own if it has one.
    ``as_at`` is the day the data stand for (the partner's clock), to which rules about the future refer; the
    database's today when absent. Whatever goes wrong becomes an outcome ``error`` of the rules concerned, which blocks:
    nothing is raised for bad data, a missing relation or a rule that does not evaluate.

    Raises:
        ValueError: ``relation`` is not a plain ``schema.table``, or ``where`` holds a % sign.
    """
    started = time.perf_counter()
    target = relation or suite.relation
    slice_of = f"({suite.where}) and ({where})" if suite.where and where else suite.where or where
    if slice_of and "%" in slice_of:
        # 1.24.1 compiles the text of a query asset twice and so doubles it.
        raise ValueError(f"{slice_of!r}: Great Expectations garbles a % sign in a slice; use mod() or starts_with()")
    rows = _Slice(qualified(target), slice_of, as_at)
    try:
        missing = _missing(engine, rows)
        verdicts = {} if missing else _verdicts(engine, suite, rows)
        trouble = f"{target} does not exist" if missing else "Great Expectations returned no result for it"
    except Exception as error:  # a gate that cannot run must block, whatever stopped it
        verdicts, trouble = {}, _reason(error)
    results = [_result(suite, rule, verdicts.get(rule.rule_id), trouble) for rule in suite.rules]
    try:
        examples = _examples(engine, suite, rows, {r.rule_id for r in results if r.outcome == "failed"})
    except sa.exc.DBAPIError as error:
        # The verdicts stand without their examples: a gate must not lose what it found.
        _GX_LOGGER.debug("no example keys for %s: %s", target, error)
        examples = {}
    for result in results:
        result.examples.extend(examples.get(result.rule_id, []))
    return GateResult(
        stage=suite.stage,
        suite=suite.name,
        relation=suite.relation,
        results=tuple(results),
        title=suite.title,
        evaluated_on=target,
        slice_of=slice_of,
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, slots=True)
class _Slice:
    """The rows to judge: a quoted relation, a condition, and the day they stand for."""

    relation: str
    where: str | None
    as_at: date | None

    @property
    def query(self) -> str:
        return f"select * from {self.relation}{f' where {self.where}' if self.where else ''}"


def _missing(engine: sa.Engine, rows: _Slice) -> bool:
    with engine.connect() as connection:
        return connection.execute(sa.text("select to_regclass(:name)"), {"name": rows.relation}).scalar() is None


def _verdicts(engine: sa.Engine, suite: Suite, rows: _Slice) -> dict[str, ExpectationValidationResult]:
    """Great Expectations' result for each rule id. It reorders results, so they are told apart by ``meta.id``."""
    from great_expectations.core import ExpectationSuite

    expectations = [_expectation(rule, rows.as_at) for rule in suite.rules]
    with _batch(engine, rows) as batch:
        # BASIC brings our expectations' counts along at no cost: they ask for no list. BOOLEAN_ONLY would drop them.
        found = batch.validate(ExpectationSuite(name=suite.name, expectations=expectations), result_format="BASIC")
    return {result.expectation_config.meta["id"]: result for result in found.results if result.expectation_config}


def _expectation(rule: Rule, as_at: date | None) -> Expectation:
    from great_expectations.expectations.metadata_types import FailureSeverity

    from orchestration.quality.expectations import ExpectRowsToSatisfy, ExpectTableToSatisfy

    meta, severity = {"id": rule.rule_id}, FailureSeverity(rule.severity)
    match rule.check:
        case RowCheck(predicate):
            return ExpectRowsToSatisfy(predicate=bind(predicate, as_at), meta=meta, severity=severity)
        case TableCheck(condition, observed):
            return ExpectTableToSatisfy(
                condition=bind(condition, as_at), observed=bind(observed, as_at), meta=meta, severity=severity
            )


@contextmanager
def _batch(engine: sa.Engine, rows: _Slice) -> Iterator[Batch]:
    """The rows to judge as a batch of a context that lives for this one gate; leaves no connection open."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),  # without a folder for Data Docs
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    source = context.data_sources.add_postgres(
        "warehouse",
        connection_string=engine.url.render_as_string(hide_password=False),
        create_temp_table=False,
    )
    level = _GX_LOGGER.level
    # A rule that does not evaluate is logged as well as returned; we report it, once and in plain words.
    _GX_LOGGER.setLevel(logging.CRITICAL)
    try:
        asset = source.add_query_asset("rows", query=rows.query)
        yield asset.add_batch_definition_whole_table("rows").get_batch()
    finally:
        _GX_LOGGER.setLevel(level)
        source.get_execution_engine().close()
        source.get_engine().dispose()


def _result(suite: Suite, rule: Rule, verdict: ExpectationValidationResult | None, trouble: str) -> RuleResult:
    def result(
        outcome: Outcome,
        checked: int = 0,
        failed: int = 0,
        *,
        message: str = rule.message,
        observed: Sequence[dict[str, Any]] = (),
    ) -> RuleResult:
        return RuleResult(
            suite=suite.name,
            rule_id=rule.rule_id,
            severity=rule.severity,
            outcome=outcome,
            rows_checked=checked,
            rows_failed=failed,
            examples=list(observed),
            message=message,
            what_to_do=rule.what_to_do,
            owner=rule.owner,
        )

    def unevaluated(why: str) -> RuleResult:
        return result("error", message=f"The rule could not be evaluated: {why}. Rule: {rule.message}")

    if verdict is None:
        return unevaluated(trouble)
    if raised := _raised(verdict.exception_info):
        return unevaluated(raised)
    if not verdict.result:
        return unevaluated("it gave neither true nor false")
    checked = verdict.result["element_count"]
    if verdict.success:
        return result("passed", checked)
    if isinstance(rule.check, TableCheck):
        return result("failed", checked, observed=[{"observed": verdict.result["observed_value"]}])
    return result("failed", checked, verdict.result["unexpected_count"])


def _raised(exception_info: dict[str, Any]) -> str | None:
    """What went wrong, out of either of the two shapes of Great Expectations' exception_info; none if nothing did."""
    shapes = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    messages = [str(info["exception_message"]) for info in shapes if info["raised_exception"]]
    return _first_line(messages[0]) if messages else None


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {_first_line(str(error))}"


def _first_line(text: str) -> str:
    """The line that says what is wrong; the rest quotes the statement."""
    return text.strip().partition("\n")[0]


def _examples(engine: sa.Engine, suite: Suite, rows: _Slice, failed: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Keys of up to ten rows that break each failed row rule."""
    parts = [
        f"(select {literal(rule.rule_id)} as rule_id, {key_object(suite)} as row_key from ({rows.query}) as candidate"
        f" where ({bind(check.predicate, rows.as_at)}) is not true limit {EXAMPLES})"
        for rule, check in suite.row_rules()
        if rule.rule_id in failed
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    if parts:
        # Without parameters the driver leaves the % signs of a predicate alone.
        with engine.connect().execution_options(no_parameters=True) as connection:
            for rule_id, row_key in connection.exec_driver_sql(" union all ".join(parts)):
                found.setdefault(rule_id, []).append(row_key)
    return found
