"""What a piece of work costs, and contenders measured in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one piece of work: on the clock, and of processors in this process and in others that worked for it.

    ``ours`` is this process, ``theirs`` by name the processes named to the :class:`Meter` with all their children.
    """

    wall: float
    ours: float
    theirs: Mapping[str, float]

    @property
    def cpu(self) -> float:
        """Processor seconds of everybody."""
        return self.ours + sum(self.theirs.values())


class Meter:
    """Measures calls; ``others`` names processes (by their root's pid) whose work counts too."""

    def __init__(self, **others: int) -> None:
        self._others = {name: psutil.Process(pid) for name, pid in others.items()}

    def cost(self, work: Callable[[], object]) -> Cost:
        """Do the work and say what it cost."""
        before = {name: tree_cpu(process) for name, process in self._others.items()}
        ours, started = _own_cpu(), time.perf_counter()
        work()
        wall, ours = time.perf_counter() - started, _own_cpu() - ours
        return Cost(wall, ours, {name: tree_cpu(process) - before[name] for name, process in self._others.items()})


def _own_cpu() -> float:
    return time.process_time()


def tree_cpu(root: psutil.Process) -> float:
    """Processor seconds of a process and all its children so far, those that have ended included."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        # A parent's times of children hold those that have ended, and only those.
        total += (
            times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        )
    return total


def in_turns(contenders: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """The costs of each contender: A B C, A B C ..., so that a busy minute of the machine falls on all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            costs[name].append(contender())
    return costs


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of some figures."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """The spread of at least one figure."""
        return cls(statistics.median(figures), min(figures), max(figures))

    def text(self, form: str) -> str:
        """``median (least-most)``, each in the given format; the median alone when there was one figure."""
        if self.least == self.most:
            return format(self.median, form)
        return f"{self.median:{form}} ({self.least:{form}}-{self.most:{form}})"


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """The spread of the ratios round by round: what was measured side by side is divided side by side."""
    return Spread.of([upper / lower for upper, lower in zip(above, below, strict=True)])
