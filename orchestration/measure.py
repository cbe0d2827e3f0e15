"""Seconds and peak memory of a stage, as the operating system accounts for them."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass
class Stage:
    """One measured stage: wall seconds, and the peak resident memory of this process while it ran (MiB)."""

    name: str
    seconds: float = 0.0
    peak_mib: float = 0.0


@contextmanager
def measured(name: str) -> Iterator[Stage]:
    """Measure the block. The stage's figures are filled in when the block ends, also when it raises."""
    stage = Stage(name)
    _reset_peak()
    started = time.perf_counter()
    try:
        yield stage
    finally:
        stage.seconds = time.perf_counter() - started
        stage.peak_mib = _peak_mib()


def _reset_peak() -> None:
    # Linux keeps one high-water mark a process; writing 5 sets it back, so that each stage shows its own peak and not
    # the largest so far. Where that is refused, a stage shows the process's peak until then.
    try:
        _CLEAR_REFS.write_text("5", encoding="ascii")
    except OSError:
        return


def _peak_mib() -> float:
    try:
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024) if sys.platform == "darwin" else peak / 1024
