"""The two expectations of our own, and the metrics behind them.

Both are single aggregates over the whole batch. Great Expectations folds aggregates that share a domain into one
SELECT, so a suite of any length is one scan. Its own alternatives cost more: ``UnexpectedRowsExpectation`` runs its
query twice, a multicolumn map expectation first reads the columns and their types, each at its own depth of the metric
graph.

Importing this module imports Great Expectations: 3 to 5 seconds. Only ``gate`` does so, when the first gate runs.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

_ROWS = "table.row_count"
_BREAKING = "rows.breaking_predicate"
_VERDICT = "table.verdict"


class RowsBreakingPredicate(TableMetricProvider):
    """Number of rows for which an SQL predicate is false or null."""

    metric_name = _BREAKING
    value_keys = ("predicate",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # Great Expectations binds the class
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[sa.ColumnElement[Any], dict[str, Any], dict[str, Any]]:
        broken: sa.ColumnElement[bool] = sa.literal_column(f"(({metric_value_kwargs['predicate']}) is not true)")
        return sa.func.count().filter(broken), metric_domain_kwargs, {}


class TableVerdict(TableMetricProvider):
    """A condition made of aggregates, and the value a reader wants to see beside it, as one JSON object."""

    metric_name = _VERDICT
    value_keys = ("condition", "observed")

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # Great Expectations binds the class
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[sa.ColumnElement[Any], dict[str, Any], dict[str, Any]]:
        condition, observed = metric_value_kwargs["condition"], metric_value_kwargs["observed"]
        verdict = f"jsonb_build_object('holds', ({condition}), 'observed', ({observed}))"
        return sa.literal_column(verdict), metric_domain_kwargs, {}


class ExpectRowsToSatisfy(BatchExpectation):
    """Expect an SQL predicate over the columns of a row to be true for every row; false and null both break it."""

    predicate: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (_BREAKING, _ROWS)
    success_keys: ClassVar[tuple[str, ...]] = ("predicate",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        broken = metrics[_BREAKING]
        return {"success": broken == 0, "result": {"element_count": metrics[_ROWS], "unexpected_count": broken}}


class ExpectTableToSatisfy(BatchExpectation):
    """Expect an SQL condition made of aggregates to be true for the batch; null counts as not evaluated."""

    condition: str
    observed: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (_VERDICT, _ROWS)
    success_keys: ClassVar[tuple[str, ...]] = ("condition", "observed")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        holds, observed = metrics[_VERDICT]["holds"], metrics[_VERDICT]["observed"]
        if holds is None:
            return {"success": False, "result": {}}
        return {"success": holds, "result": {"element_count": metrics[_ROWS], "observed_value": observed}}
