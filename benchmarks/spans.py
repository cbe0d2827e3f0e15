"""Where the time of a piece of work goes: wall and processor seconds of named functions, at no profiler's cost."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock


@dataclass(slots=True)
class Span:
    """What the calls of one function cost: seconds on the clock, and of the processor in the thread that called."""

    wall: float = 0.0
    cpu: float = 0.0
    calls: int = 0


@contextmanager
def spans(places: Sequence[tuple[str, Any, str]]) -> Iterator[dict[str, Span]]:
    """Measure functions in place during the block: ``(name, owner, attribute)``, several places may share a name.

    A span includes the spans of what it calls. Meant for functions that are called once a page or less often: one call
    costs a microsecond more.
    """
    found = {name: Span() for name, _, _ in places}
    with ExitStack() as stack:
        for name, owner, attribute in places:
            wrapped = _measured(getattr(owner, attribute), found[name])
            stack.enter_context(mock.patch.object(owner, attribute, wrapped))
        yield found


def _measured(function: Any, span: Span) -> Any:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            span.wall += time.perf_counter() - wall
            span.cpu += time.thread_time() - cpu
            span.calls += 1

    return wrapper
