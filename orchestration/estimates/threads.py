"""How many threads the linear algebra of a fit may take."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[Any]:
    """Linear algebra in one thread for the block.

    A fit multiplies thousands of small matrices. Threads wait for each other, spinning, longer than they work on one:
    on two cores the test out of time took 22 CPU seconds with them and 4 without.
    """
    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits
