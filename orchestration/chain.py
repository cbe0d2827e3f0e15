"""The nightly chain in one process: refresh the partner's lists, extract every approved school, publish.

The chain is three runs and not one. In one run a school that fails would fail its step, and the marts behind the step
would not be built; one school's trouble must never stop the others. Here the extract run is red for that school alone,
and the publish run works with what has been accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import dagster as dg

from orchestration.dead_runs import PROCESS_TAG, end_dead_runs, this_process
from orchestration.defs.partitions import school_id_of
from orchestration.ingest.categories import Category, Purpose

CHAIN_TAG = "mis/chain"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


@dataclass
class ChainResult:
    """Run ids of a chain in order; of the jobs that did not succeed for every school and gate, what each step said."""

    runs: list[str] = field(default_factory=list)
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
    accept_held: bool = False,
    schools: Sequence[int] = (),
    purposes: Sequence[Purpose] = tuple(Purpose),
    allow_breaking: bool = False,
    refresh_lists: bool = True,
    this_year: bool = False,
    log_level: str = "INFO",
    tags: Mapping[str, str] | None = None,
) -> ChainResult:
    """Run the chain in this process and return what happened; a failed run does not raise.

    ``schools`` are ids, all when empty. Without ``categories`` nothing is extracted, without ``purposes`` nothing is
    built and published. ``refresh_lists``: whether the partners are asked first which schools there are.
    ``this_year``: whether marks that are to be read whole are read for the present academic year alone.
    ``log_level`` is that of the console; Dagster's own storage keeps every event. When the partner's lists cannot be
    read, the known schools are tried all the same and what had been accepted before is published:
    yesterday's marts with today's code beat none.
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
            tags={**(tags or {}), **(run_tags or {}), PROCESS_TAG: this_process()},
            run_config={**(config or {}), "loggers": {"console": {"config": {"log_level": log_level}}}},
        )
        chain.runs.append(result.run_id)
        # A step behind one that yielded nothing is left out, and Dagster calls such a run a success.
        made = {event.asset_key for event in result.get_asset_materialization_events()}
        wanted = set(keys) or definition.asset_layer.selected_asset_keys
        if not result.success or not wanted <= made:
            reasons = chain.failed.setdefault(job, [])
            reasons.extend(_reason(event) for event in result.all_events if event.is_step_failure)

    end_dead_runs(instance)
    if refresh_lists:
        run("connections")
    extracted = [dg.AssetKey(["raw", category.value]) for category in categories]
    options = {"full": full, "accept_held": accept_held, "this_year": this_year}
    for first, last in _ranges(instance.get_dynamic_partitions("school"), schools) if extracted else ():
        run(
            "extract",
            keys=extracted,
            run_tags={_RANGE_START: first, _RANGE_END: last},
            config={"ops": {key.to_python_identifier(): {"config": options} for key in extracted}},
        )
    if not purposes:
        return chain
    published = {purpose: dg.AssetKey(["published", purpose.value]) for purpose in Purpose}
    left_out = {key for purpose, key in published.items() if purpose not in purposes}
    run(
        "publish",
        keys=sorted(repository.get_job("publish").asset_layer.selected_asset_keys - left_out),
        config={
            "ops": {
                published[purpose].to_python_identifier(): {"config": {"allow_breaking": allow_breaking}}
                for purpose in purposes
            }
        },
    )
    return chain


def _ranges(partitions: Sequence[str], schools: Sequence[int]) -> list[tuple[str, str]]:
    """First and last partition of each extract run: one run for all schools, or for each row of neighbours named."""
    if not schools:
        return [(partitions[0], partitions[-1])] if partitions else []
    named = set(schools)
    rows = [list(row) for is_named, row in groupby(partitions, lambda key: school_id_of(key) in named) if is_named]
    return [(row[0], row[-1]) for row in rows]


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    error = failure.error.cause or failure.error if failure.error is not None else None
    return f"{event.step_key}: {error.message.strip() if error is not None else 'no reason given'}"
