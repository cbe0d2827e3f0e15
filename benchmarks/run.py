"""Seconds and peak memory of each stage of ``mis run``: a first run, one that finds nothing new, one a day later.

The default world: a primary, a secondary with sixth form and an all-through school, two academic years of marks.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.children import Child, environment, python
from benchmarks.measuring import Spread
from benchmarks.report import Result, Table
from sandbox import running
from sandbox.server import DEFAULT_SCHOOLS

_FIRST, _SAME, _DAY = "first", "nothing new", "one day later"


@dataclass(frozen=True)
class _Run:
    """A run: its process, and the summary that it printed."""

    child: Child
    summary: dict[str, Any]

    def seconds(self, stage: str) -> float:
        return sum(float(found["seconds"]) for found in self.summary["stages"] if found["name"] == stage)

    def peak(self, stage: str) -> float:
        return max(
            (float(found["peak_mib"]) for found in self.summary["stages"] if found["name"] == stage), default=0.0
        )

    @property
    def largest_peak(self) -> float:
        # Not the child's own account, in which a process of Postgres counts with the shared cache that it touched.
        return max(float(found["peak_mib"]) for found in self.summary["stages"])

    def rows(self, figure: str) -> int:
        return sum(int(category[figure]) for category in self.summary["categories"])


def measure(*, quick: bool) -> Result:
    """Three runs of a new installation, several times over."""
    rounds, size = (1, 0.04) if quick else (2, 1.0)
    runs: dict[str, list[_Run]] = {_FIRST: [], _SAME: [], _DAY: []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="mis-bench-") as home:
            env = environment(MIS_HOME=home, MIS_SANDBOX_SIZE=str(size))
            runs[_FIRST].append(_run(env))
            runs[_SAME].append(_run(env))
            with running(schools=DEFAULT_SCHOOLS, size=size, directory=Path(home) / "sandbox") as partner:
                partner.advance()
            runs[_DAY].append(_run(env))
    return Result(
        "run",
        [_stages(runs), _totals(runs)],
        {
            name: [{"wall": run.child.wall, "cpu": run.child.cpu, "peak": run.child.peak, **run.summary} for run in of]
            for name, of in runs.items()
        },
    )


def _run(env: dict[str, str]) -> _Run:
    child = python("-m", "orchestration", "run", "--json", env=env)
    return _Run(child, json.loads(child.output))


def _stages(runs: dict[str, list[_Run]]) -> Table:
    names = [stage["name"] for stage in runs[_FIRST][0].summary["stages"]]
    return Table(
        "Stages of `mis run`: seconds and peak memory of its process (MiB), medians",
        ("stage", *(f"{name}, {what}" for name in runs for what in ("s", "MiB"))),
        [
            (
                stage,
                *(
                    text
                    for of in runs.values()
                    for text in (
                        f"{Spread.of([run.seconds(stage) for run in of]).median:.1f}",
                        f"{Spread.of([run.peak(stage) for run in of]).median:.0f}",
                    )
                ),
            )
            for stage in dict.fromkeys(names)
        ],
    )


def _totals(runs: dict[str, list[_Run]]) -> Table:
    def row(name: str, of: list[_Run]) -> tuple[str, ...]:
        stages = [sum(float(stage["seconds"]) for stage in run.summary["stages"]) for run in of]
        start = Spread.of([run.seconds("start") / run.child.wall for run in of]).median
        outside = [1 - inside / run.child.wall for inside, run in zip(stages, of, strict=True)]
        return (
            name,
            Spread.of([run.child.wall for run in of]).text(".1f"),
            Spread.of([run.child.cpu for run in of]).text(".1f"),
            f"{Spread.of([run.largest_peak for run in of]).median:.0f}",
            f"{of[0].rows('rows_extracted'):,}",
            f"{of[0].rows('rows_loaded'):,}",
            f"{start:.0%}",
            f"{Spread.of(outside).median:.0%}",
        )

    return Table(
        "Whole runs, process start to exit: median (least-most)",
        (
            "run",
            "seconds",
            "CPU s, children too",
            "peak MiB of `mis`",
            "rows read",
            "rows changed",
            "start",
            "between stages",
        ),
        [row(name, of) for name, of in runs.items()],
    )
