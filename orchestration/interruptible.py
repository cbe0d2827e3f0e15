"""Work that Ctrl-C and SIGTERM stop at once.

While Dagster executes a run in the main thread it keeps signals back until the next moment at which it may raise, and
one that came between two runs of the chain was lost: the chain went on and ended well. So the work is done beside the
main thread, which has nothing to do but to be interrupted.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


#: Seconds between two looks at what the work stands on.
_LOOK_EVERY = 2.0


def interruptible(work: Callable[[], T], look: Callable[[], object] = lambda: None) -> T:
    """The result of ``work``, done in a thread of its own; ``look`` is called every two seconds meanwhile.

    Raises what ``work`` raises. Raises KeyboardInterrupt when a signal comes, or what ``look`` raises, at once: the
    thread then goes on until the process ends, which is the caller's next step.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    with sigterm_interrupts():
        threading.Thread(target=run, name="work", daemon=True).start()
        while not future.done():
            wait([future], timeout=_LOOK_EVERY)
            look()
        return future.result()


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt during the block, as Ctrl-C does; for the main thread alone."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
