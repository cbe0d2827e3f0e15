"""``mis run`` and ``mis publish``: the chain in this process, watched, and its summary."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from rich import progress as columns
from rich.console import Console
from rich.logging import RichHandler

from orchestration.ingest.categories import Category, Purpose
from orchestration.ingest.progress import Event, Progress
from orchestration.interruptible import interruptible
from orchestration.measure import Stage, measured
from orchestration.settings import Settings
from orchestration.summary import RunSummary, summarise
from orchestration.watch import watched_by


@dataclass
class Bars:
    """The onlooker with a bar a stage; keeps what each stage cost."""

    display: columns.Progress
    stages: list[Stage] = field(default_factory=list)
    _task: columns.TaskID | None = None

    @property
    def progress(self) -> Progress:
        """Is told of each event of the extract loop."""
        return self._extracting

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Shows and measures the work of one stage."""
        self._task = self.display.add_task(name, total=None, rows="")
        try:
            with measured(name) as stage:
                yield
        finally:
            self.stages.append(stage)
            task = self.display.tasks[self._task]
            total = task.total or 1
            self.display.update(self._task, total=total, completed=total)

    def _extracting(self, event: Event) -> None:
        assert self._task is not None
        self.display.update(self._task, total=event.schools, completed=event.schools_done, rows=f"{event.rows:,} rows")


def execute(
    settings: Settings,
    *,
    console: Console,
    categories: Sequence[Category] = (),
    full: bool = False,
    accept_held: bool = False,
    schools: Sequence[int] = (),
    purposes: Sequence[Purpose] = tuple(Purpose),
    allow_breaking: bool = False,
) -> RunSummary:
    """Run the chain (see ``orchestration.chain.run_chain``), write ``.mis/last_run.json``, return the summary.

    Raises KeyboardInterrupt when a signal comes; a thread may then still be at work, and the process should end.
    """
    display = columns.Progress(
        columns.SpinnerColumn(),
        columns.TextColumn("{task.description:<24}"),
        columns.BarColumn(bar_width=24),
        columns.MofNCompleteColumn(),
        columns.TextColumn("{task.fields[rows]:>18}"),
        columns.TimeElapsedColumn(),
        console=console,
        # Drawing the bars ten times a second takes 3 CPU seconds of a first run, which a log has nothing of.
        auto_refresh=console.is_terminal,
    )
    bars = Bars(display)
    # Before the libraries set up logging of their own, which would write through the bars.
    logging.basicConfig(
        level=logging.WARNING, format="%(message)s", handlers=[RichHandler(console=console, show_path=False)]
    )
    with display, watched_by(bars), ExitStack() as stack:
        with bars.stage("start"):
            # Dagster, dbt and their friends take seconds to import: counted here, and not paid by `mis --help`.
            from orchestration.chain import run_chain
            from orchestration.dead_runs import end_own_runs
            from orchestration.runtime import dagster_instance, platform_ready

            warehouse = stack.enter_context(platform_ready(settings))
            instance = stack.enter_context(dagster_instance())
            from orchestration.definitions import defs
        # Dagster in this process would wait for ever for a slot that was claimed before the server died.
        sentinel = stack.enter_context(warehouse.connect(autocommit=True))
        try:
            result = interruptible(
                lambda: run_chain(
                    defs.get_repository_def(),
                    instance,
                    categories=categories,
                    full=full,
                    accept_held=accept_held,
                    schools=schools,
                    purposes=purposes,
                    allow_breaking=allow_breaking,
                    log_level="CRITICAL",
                ),
                look=lambda: sentinel.execute("select"),
            )
        except KeyboardInterrupt:
            end_own_runs(instance)
            raise
        with warehouse.connect() as connection:
            summary = summarise(connection, result.runs, failed=result.failed, stages=bars.stages)
    path = settings.home / "last_run.json"
    path.write_text(json.dumps(summary.as_json(), indent=2, default=str), encoding="utf-8")
    return summary
