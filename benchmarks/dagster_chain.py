"""A chain by Dagster and the same functions called directly, in turns, in a process that has nothing else to do.

The platform's modules are imported in the functions: they read the configuration when they are imported, and it is set
here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.children import environment
from benchmarks.measuring import Cost, Meter, in_turns

if TYPE_CHECKING:
    from orchestration.quality.suites import Suite
    from orchestration.warehouse.connection import Warehouse

_RUN = "benchmark"


@dataclass(frozen=True)
class ChainCosts:
    """What was measured. ``first`` is the first chain, which extracts everything; ``events`` are of a later one."""

    first: Cost
    by_dagster: list[Cost]
    directly: list[Cost]
    events: int
    definitions: float
    parsing: list[float]


def measure(home: str, size: float, rounds: int) -> ChainCosts:
    """Set this process up for an installation of its own in ``home``, and measure its chain."""
    os.environ.clear()
    os.environ.update(environment(MIS_HOME=home, MIS_SANDBOX_SIZE=str(size)))
    # Whatever is imported finds logging set up and prints nothing; Dagster's own storage still gets every event.
    logging.basicConfig(handlers=[logging.NullHandler()])
    from orchestration.chain import run_chain
    from orchestration.dbt.runner import invoke
    from orchestration.runtime import dagster_instance, platform_ready
    from orchestration.settings import get_settings

    own = Meter()
    with platform_ready(get_settings()) as warehouse, dagster_instance() as instance:
        parsing = [
            own.cost(lambda: invoke(get_settings(), ["parse", "--no-partial-parse"])).wall for _ in range(rounds)
        ]
        import dagster_dbt  # noqa: F401  # not part of loading the definitions

        definitions = own.cost(_load_definitions).wall
        from orchestration.definitions import defs

        repository = defs.get_repository_def()
        runs: list[Sequence[str]] = []

        def chain() -> None:
            result = run_chain(repository, instance, log_level="CRITICAL")
            if not result.success:
                raise RuntimeError(f"A benchmark must not measure what failed: {result.failed}")
            runs.append(result.runs)

        meter = Meter(postgres=_server_pid(Path(home)))
        first = meter.cost(chain)
        costs = in_turns(
            {"dagster": lambda: meter.cost(chain), "directly": lambda: meter.cost(lambda: _directly(warehouse))}, rounds
        )
        events = sum(len(instance.all_logs(run)) for run in runs[-1])
    return ChainCosts(first, costs["dagster"], costs["directly"], events, definitions, parsing)


def _server_pid(home: Path) -> int:
    from orchestration.warehouse.cluster import Cluster

    return int((Cluster(home / "postgres").data / "postmaster.pid").read_text().split()[0])


def _load_definitions() -> None:
    from orchestration.definitions import defs

    defs.get_repository_def()


def _directly(warehouse: Warehouse) -> None:
    """What a chain does, without Dagster: lists, extracts, dbt by stages, gates with their reports, publication."""
    from orchestration.dbt.project import Stage, build_args
    from orchestration.dbt.runner import invoke
    from orchestration.ingest import registry
    from orchestration.ingest.categories import Category, Purpose
    from orchestration.ingest.extract import extract_category
    from orchestration.partners import open_partners
    from orchestration.quality.suites import load_suites
    from orchestration.settings import get_settings
    from orchestration.warehouse.publishing import publish

    settings = get_settings()
    schools = [
        school.school_id
        for school in registry.sync_all(warehouse, open_partners(settings), settings)
        if school.state == "approved"
    ]
    for category in Category:
        extract_category(warehouse, open_partners(settings), settings, category, schools, run_id=_RUN)
    for stage in Stage:
        if not invoke(settings, build_args(["--select", stage.selector])).success:
            raise RuntimeError(f"dbt {stage.value} failed")
        if stage is Stage.CORE:
            _gate(warehouse, load_suites(settings.expectations_dir / "core"))
    for purpose in Purpose:
        _gate(warehouse, load_suites(settings.expectations_dir / "marts" / purpose.value))
    for purpose in Purpose:
        with warehouse.connect() as connection:
            publish(connection, purpose, _RUN)


def _gate(warehouse: Warehouse, suites: Sequence[Suite]) -> None:
    """As ``orchestration.defs.gates`` does it: judge, record, report."""
    from orchestration.defs.resources import engine
    from orchestration.quality.gate import run_gate
    from orchestration.quality.report import write_report
    from orchestration.quality.results import record
    from orchestration.settings import get_settings

    if not suites:
        return
    with engine(warehouse) as opened:
        results = [run_gate(opened, suite) for suite in suites]
    with warehouse.connect() as connection:
        for result in results:
            record(connection, _RUN, result)
        connection.commit()
    write_report(get_settings().reports_dir, _RUN, results)
