"""Child processes measured as the operating system accounts for them, and functions run in a fresh process."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO, Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: What an installation is configured by: a benchmark's child must not find the caller's.
_CONFIGURATION = ("DATABASE_URL", "MIS_", "DAGSTER_", "DBT_")


@dataclass(frozen=True, slots=True)
class Child:
    """What a child process printed and cost: seconds on the clock and of processors (those of its own children that it
    waited for included), and the most resident memory of the largest of them (MiB).
    """

    output: str
    wall: float
    cpu: float
    peak: float


def environment(**more: str) -> dict[str, str]:
    """The environment without any configuration of the platform but ``more``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_CONFIGURATION)}
    return inherited | more


def python(*arguments: str, env: Mapping[str, str]) -> Child:
    """Run this Python with the arguments. Raises RuntimeError, with all that it said, when it fails."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], env=dict(env), stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output, said = (_content(file) for file in (stdout, stderr))
    if process.returncode:
        raise RuntimeError(f"python {' '.join(arguments)}: exit status {process.returncode}\n{output}\n{said}")
    kib = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Child(output, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / kib)


def _content(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def in_a_process(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a module's function in a fresh process, where nothing is imported and nothing left over; its result."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_answer, args=(theirs, function, arguments, named))
    process.start()
    theirs.close()
    try:
        found: T = ours.recv()
    except EOFError:
        raise RuntimeError(f"The process of {function.__name__} died; what it said stands above.") from None
    finally:
        process.join()
    return found


def _answer(
    answer: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    answer.send(function(*arguments, **named))
    answer.close()
