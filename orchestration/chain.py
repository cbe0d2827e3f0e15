"""The nightly chain in one process: refresh the partner's lists, extract every approved school, publish.

The chain is three runs and not one. In one run a school that fails would fail its step, and the marts behind the step
would not be built; one school's trouble must never stop the others. Here the extract run is red for that school alone,
and the publish run works with what has been accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from orchestration.ingest.categories import Category

CHAIN_TAG = "mis/chain"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


@dataclass
class ChainResult:
    """Run ids of a chain by job; of the jobs that did not succeed for every school and gate, what each step said."""

    runs: dict[str, str] = field(default_factory=dict)
    failed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """True when every run succeeded."""
        return not self.failed


def run_chain(
    repository: dg.RepositoryDefinition,
    instance: dg.DagsterInstance,
    *,
    categories: Sequence[Category] = tuple(Category),
    full: bool = False,
    log_level: str = "INFO",
    tags: Mapping[str, str] | None = None,
) -> ChainResult:
    """Run the chain in this process and return what happened; a failed run does not raise.

    ``log_level`` is that of the console; Dagster's own storage keeps every event. When the partner's lists cannot be read, the known schools are tried all the same and what had been accepted before
    is published: yesterday's marts with today's code beat none.
    """
    chain = ChainResult()

    def run(
        job: str,
        *,
        keys: Sequence[dg.AssetKey] = (),
        run_tags: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        definition = repository.get_job(job)
        result = definition.execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=keys or None,
            tags={**(tags or {}), **(run_tags or {})},
            run_config={**(config or {}), "loggers": {"console": {"config": {"log_level": log_level}}}},
        )
        chain.runs[job] = result.run_id
        # A step behind one that yielded nothing is left out, and Dagster calls such a run a success.
        made = {event.asset_key for event in result.get_asset_materialization_events()}
        wanted = set(keys) or definition.asset_layer.selected_asset_keys
        if not result.success or not wanted <= made:
            chain.failed[job] = [_reason(event) for event in result.all_events if event.is_step_failure]

    run("connections")
    schools = instance.get_dynamic_partitions("school")
    if schools and categories:
        keys = [dg.AssetKey(["raw", category.value]) for category in categories]
        run(
            "extract",
            keys=keys,
            run_tags={_RANGE_START: schools[0], _RANGE_END: schools[-1]},
            config={"ops": {key.to_python_identifier(): {"config": {"full": full}} for key in keys}},
        )
    run("publish")
    return chain


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    error = failure.error.cause or failure.error if failure.error is not None else None
    return f"{event.step_key}: {error.message.strip() if error is not None else 'no reason given'}"
