"""``python -m benchmarks``: measure, print, and keep the figures in ``.mis/benchmarks``."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from dataclasses import replace
from typing import Annotated, cast

import typer
from rich.console import Console

from benchmarks.report import Result, put_into, read
from orchestration.settings import get_settings

#: In this order, the quick ones first. Each is a module with ``measure(*, quick: bool) -> Result``.
NAMES = ("gate", "startup", "estimates", "scoring", "pages", "marks", "attendance", "memory", "schools", "run")

#: In a pipe or a file, tables are not broken at the 80 characters of a terminal that is not there.
_PIPE_WIDTH = 160

# A library looks for a run-time folder at its import and warns where there is none: here, and in child processes.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
os.environ.setdefault("PYTHONWARNINGS", "ignore:XDG_RUNTIME_DIR")


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Just this one: {', '.join(NAMES)}. May be repeated.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small and few: shows that it works, not how fast.")] = False,
    document: Annotated[
        bool, typer.Option("--document", help="Measure nothing; put the kept figures into docs/performance.md.")
    ] = False,
) -> None:
    """Measure the platform beside its limits and its peers."""
    from benchmarks import machine  # after the filter above: it brings the warning

    chosen = only or list(NAMES)
    if unknown := set(chosen) - set(NAMES):
        raise typer.BadParameter(f"There is no benchmark {', '.join(sorted(unknown))}.")
    settings = get_settings()
    folder = settings.home / "benchmarks"
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    if document:
        kept = [read(path) for name in chosen if (path := folder / f"{name}.json").exists()]
        for name in put_into(settings.project_root / "docs" / "performance.md", kept):
            console.print(f"docs/performance.md has no block for {name}.")
        return
    for name in chosen:
        console.rule(name)
        load_before = machine.load()
        measured = cast(Result, importlib.import_module(f"benchmarks.{name}").measure(quick=quick))
        facts = {**machine.describe(), "load before": load_before, "load after": machine.load()}
        result = replace(measured, machine=facts, quick=quick)
        result.show(console)
        console.print(f"  {'; '.join(f'{fact} {value}' for fact, value in facts.items())}")
        console.print(f"  {result.write(folder)}")


if __name__ == "__main__":
    typer.run(main)
