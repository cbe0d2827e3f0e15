"""Metrics and dimensions as dbt's semantic manifest declares them, compiled to SQL by MetricFlow in this process.

MetricFlow's engine is used, its command line is not: that one asks a package index for newer versions, and connects as
dbt does. dbt builds marts in ``build_<purpose>``, which is empty once they are published; the engine is given the
manifest with the relations that people read instead. Nothing here opens a connection.

A metric is declared by the grain of its cheapest relation. Where a finer one is needed (a weekday, a date), the metric
that ``stands_for`` it is asked in its place, under the name that was asked for.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestration.dbt.project import semantic_manifest_path
from orchestration.dbt.runner import ensure_manifest
from orchestration.settings import Settings

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine

#: In a condition: text in quotes and MetricFlow's own templates, which are left as they are; and plain names.
_TOKENS = re.compile(r"'(?:[^']|'')*'|\{\{.*?\}\}|[A-Za-z_][A-Za-z0-9_]*", re.DOTALL)
_TIME = "metric_time"
_NEAR = 3


class MetricError(RuntimeError):
    """A question that the semantic layer cannot answer; the text says what it can."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, its label, and what it is, with its unit."""

    name: str
    label: str
    description: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a metric can be grouped by and filtered on, by its short name."""

    name: str
    description: str


class SemanticLayer:
    """The metrics of the project over the published relations."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        """Take dbt's semantic manifest as it was parsed from JSON."""
        self._manifest = _over_published_relations(manifest)
        self._finer = {
            metric["config"]["meta"]["stands_for"]: metric["name"]
            for metric in manifest["metrics"]
            if "stands_for" in ((metric.get("config") or {}).get("meta") or {})
        }
        self._declared = {
            metric["name"]: metric for metric in manifest["metrics"] if metric["name"] not in self._finer.values()
        }

    @classmethod
    def load(cls, settings: Settings) -> SemanticLayer:
        """Read the project's manifest, parsing the project first if it has changed. Raises DbtError if it is wrong."""
        ensure_manifest(settings)
        return cls(json.loads(semantic_manifest_path(settings).read_text(encoding="utf-8")))

    def metrics(self) -> list[Metric]:
        """Return every metric that can be asked for, by name."""
        return [Metric(name, metric["label"], metric["description"]) for name, metric in sorted(self._declared.items())]

    def dimensions(self, metrics: Sequence[str]) -> list[Dimension]:
        """Return what metrics can be asked by together, by name. Raises MetricError for one that there is not."""
        described = {
            f"{_primary_entity(model)}__{dimension['name']}": dimension["description"] or ""
            for model in self._manifest["semantic_models"]
            for dimension in model["dimensions"]
        }
        found = [
            Dimension(
                _short(name), described.get(name, f"The {name.removeprefix(f'{_TIME}__')} of the session or event.")
            )
            for name in self._all_dimensions(self._known_metrics(metrics))
        ]
        return sorted(found, key=lambda dimension: dimension.name)

    def sql(
        self,
        metrics: Sequence[str],
        group_by: Sequence[str] = (),
        *,
        where: Sequence[str] = (),
        order_by: Sequence[str] = (),
        limit: int | None = None,
    ) -> str:
        """Return the SQL that answers: columns are what it is grouped by, then the metrics as they are named here.

        Dimensions are named shortly (``is_fsm``) or in full (``pupil__is_fsm``), in ``group_by`` and in the conditions
        ``where``; dates are ``metric_time`` with ``__week``, ``__month``, ``__quarter`` or ``__year``. ``order_by``
        takes names of both, with ``-`` before them for the largest first; without it rows are in order of ``group_by``.

        Raises MetricError for a metric or a dimension that there is not, a dimension that the metrics do not share, and
        a condition that cannot be read.
        """
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest
        from metricflow_semantics.errors.error_classes import MetricFlowException
        from metricflow_semantics.specs.query_param_implementations import MetricParameter

        asked = self._known_metrics(metrics)
        used = self._names(condition for condition in where)
        chosen = self._at_a_grain_that_has(asked, [*group_by, *used])
        dimensions = self._dimensions(chosen)
        grouped = [_resolved(dimensions, name) for name in group_by]
        request = MetricFlowQueryRequest.create(
            metrics=[
                MetricParameter(name, alias=None if name == wanted else wanted)
                for name, wanted in zip(chosen, asked, strict=True)
            ],
            group_by_names=grouped,
            where_constraints=[self._templated(condition, dimensions) for condition in where],
        )
        try:
            compiled = self._engine.explain(request).sql_statement.sql
        except MetricFlowException as error:
            raise MetricError(str(error)) from error
        return _ordered(
            _uncommented(compiled),
            metrics=asked,
            dimensions=dimensions,
            grouped=grouped,
            order_by=order_by,
            limit=limit,
        )

    def _known_metrics(self, metrics: Sequence[str]) -> list[str]:
        if not metrics:
            raise MetricError("Ask for at least one metric; `mis metrics list` shows them.")
        for name in metrics:
            if name not in self._declared:
                raise MetricError(
                    f"There is no metric {name}.{_did_you_mean(name, self._declared)} `mis metrics list` shows them."
                )
        return list(dict.fromkeys(metrics))

    def _at_a_grain_that_has(self, asked: Sequence[str], names: Sequence[str]) -> list[str]:
        """Return the metrics to ask in the place of those asked for, so that all these dimensions are to be had."""
        if all(_find(self._dimensions(asked), name) for name in names):
            return list(asked)
        finer = [self._finer.get(name, name) for name in asked]
        lacking = [name for name in names if _find(self._dimensions(finer), name) is None]
        if not lacking:
            return finer
        everywhere = self._all_dimensions(sorted(self._declared), shared=False)
        if _find(everywhere, lacking[0]) is None:
            hint = _did_you_mean(lacking[0], [_short(name) for name in everywhere])
            raise MetricError(f"There is no dimension {lacking[0]}.{hint} {self._what_there_is(asked)}")
        alone = [name for name in asked if _find(self._all_dimensions([name]), lacking[0]) is None]
        who = f"{', '.join(alone)} cannot" if alone else f"{', '.join(asked)} cannot together"
        raise MetricError(f"{who} be asked by {lacking[0]}. {self._what_there_is(asked)}")

    def _what_there_is(self, asked: Sequence[str]) -> str:
        shared = ", ".join(_short(name) for name in self._all_dimensions(asked))
        return f"{', '.join(asked)} can be asked by: {shared or 'nothing in common'}."

    def _all_dimensions(self, metrics: Sequence[str], *, shared: bool = True) -> list[str]:
        """Dimensions at whichever grain, in order: those of all the metrics, or those of any of them."""
        if not shared:
            return sorted({name for metric in metrics for name in self._all_dimensions([metric])})
        finer = [self._finer.get(name, name) for name in metrics]
        return sorted({*self._dimensions(metrics), *self._dimensions(finer)})

    def _dimensions(self, metrics: Sequence[str]) -> list[str]:
        """Dimensions that metrics share, by their full names; one join away at most, which is where each of them is."""
        from metricflow_semantic_interfaces.type_enums.dimension_type import DimensionType

        found: list[str] = []
        for item in self._engine.list_group_bys(list(metrics), include_derived_time_granularities=True):
            name = getattr(item, "dunder_name", None)
            if name is None or name.count("__") != 1:
                continue
            if item.type is DimensionType.TIME and not name.startswith(f"{_TIME}__"):
                continue
            found.append(name)
        if f"{_TIME}__day" not in found:  # of an academic year, which is no year of metric_time's
            found = [name for name in found if not name.startswith(f"{_TIME}__")]
        return found

    def _names(self, conditions: Iterable[str]) -> list[str]:
        """Names in conditions that are those of dimensions, at whichever grain; the rest is SQL."""
        everywhere = self._all_dimensions(sorted(self._declared), shared=False)
        return [
            token
            for condition in conditions
            for token in _TOKENS.findall(condition)
            if _is_name(token) and _find(everywhere, token) is not None
        ]

    def _templated(self, condition: str, dimensions: Sequence[str]) -> str:
        def replace(match: re.Match[str]) -> str:
            token = match.group()
            name = _find(dimensions, token) if _is_name(token) else None
            if name is None:
                return token
            if name.startswith(f"{_TIME}__"):
                return f"{{{{ TimeDimension('{_TIME}', '{name.removeprefix(f'{_TIME}__')}') }}}}"
            return f"{{{{ Dimension('{name}') }}}}"

        return _TOKENS.sub(replace, condition)

    @cached_property
    def _engine(self) -> MetricFlowEngine:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        manifest = parse_manifest_from_dbt_generated_manifest(json.dumps(self._manifest))
        return MetricFlowEngine(SemanticManifestLookup(manifest), _postgres_without_connection())


def _over_published_relations(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with ``attendance.pupil_year`` in the place of ``mis.build_attendance.pupil_year``."""
    published: dict[str, Any] = json.loads(json.dumps(manifest))
    for holder in (*published["semantic_models"], *published["project_configuration"]["time_spines"]):
        relation = holder["node_relation"]
        schema = relation["schema_name"].removeprefix("build_")
        relation["schema_name"] = schema
        relation["relation_name"] = f"{schema}.{relation['alias']}"
    return published


def _postgres_without_connection() -> Any:
    """MetricFlow wants a client to know the dialect; we run the SQL ourselves, as whoever asks."""
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer

    class Dialect:
        sql_engine_type = SqlEngine.POSTGRES
        sql_plan_renderer = PostgresSQLSqlPlanRenderer()

    return Dialect()


def _primary_entity(model: Mapping[str, Any]) -> str:
    named = [str(entity["name"]) for entity in model["entities"] if entity["type"] == "primary"]
    return named[0] if named else str(model["primary_entity"])


def _ordered(
    statement: str,
    *,
    metrics: Sequence[str],
    dimensions: Sequence[str],
    grouped: Sequence[str],
    order_by: Sequence[str],
    limit: int | None,
) -> str:
    """Order and cut the answer from outside: MetricFlow orders by no metric under the name that was asked for."""
    columns = [*grouped, *metrics]
    # date_trunc makes of a date a moment in the session's time zone.
    selected = [f"{name}::date AS {name}" if name.startswith(f"{_TIME}__") else name for name in columns]
    terms = []
    for given in order_by or grouped:
        name = given.removeprefix("-")
        column = name if name in metrics else _find(dimensions, name)
        if column not in columns:
            raise MetricError(f"The answer has no {name} to order it by, only {', '.join(map(_short, columns))}.")
        terms.append(f"{column} desc nulls last" if given.startswith("-") else str(column))
    order = f"\nORDER BY {', '.join(terms)}" if terms else ""
    cut = f"\nLIMIT {limit}" if limit is not None else ""
    return f"SELECT {', '.join(selected)}\nFROM (\n{statement}\n) answer{order}{cut}"


def _uncommented(statement: str) -> str:
    """Without the notes on MetricFlow's plan, which help nobody who reads the SQL."""
    return "\n".join(line for line in statement.splitlines() if not line.lstrip().startswith("--"))


def _resolved(dimensions: Sequence[str], name: str) -> str:
    found = _find(dimensions, name)
    assert found is not None  # _at_a_grain_that_has has seen to it
    return found


def _find(dimensions: Sequence[str], name: str) -> str | None:
    """Return the full name of a dimension that is named shortly or in full."""
    wanted = f"{_TIME}__day" if name == _TIME else name
    if wanted in dimensions:
        return wanted
    return next((full for full in dimensions if _short(full) == wanted), None)


def _short(name: str) -> str:
    return name if name.startswith(f"{_TIME}__") else name.split("__", 1)[-1]


def _is_name(token: str) -> bool:
    return not token.startswith(("'", "{{"))


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), _NEAR)
    return f" Did you mean {' or '.join(near)}?" if near else ""
