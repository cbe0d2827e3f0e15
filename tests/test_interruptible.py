"""Ctrl-C and SIGTERM reach the caller while the work is still being done."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from orchestration.interruptible import interruptible


def test_gives_the_result_and_raises_what_the_work_raises() -> None:
    assert interruptible(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_work_that_goes_on(number: signal.Signals) -> None:
    released = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), number)
        assert released.wait(timeout=60)

    with pytest.raises(KeyboardInterrupt):
        interruptible(work)
    released.set()
