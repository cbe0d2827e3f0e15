"""Who looks on while a run works in this process: nobody, or the command line with its progress bars.

A process has one terminal, so there is one onlooker a process. Not a Dagster resource, because a job run on a selection
of its assets refuses one that differs from the definitions'.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from orchestration.ingest.progress import NO_PROGRESS, Progress


class Onlooker(Protocol):
    """Sees stages begin and end, and the extract loop's events."""

    @property
    def progress(self) -> Progress:
        """Is told of each event of the extract loop."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Wraps the work of one stage."""


class _Nobody:
    @property
    def progress(self) -> Progress:
        # Not a plain attribute of the class: the function would be called as its method, with one argument too many.
        return NO_PROGRESS

    def stage(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


_onlooker: Onlooker = _Nobody()


def onlooker() -> Onlooker:
    """Whoever looks on now."""
    return _onlooker


@contextmanager
def watched_by(newcomer: Onlooker) -> Iterator[None]:
    """Let ``newcomer`` look on during the block."""
    global _onlooker  # noqa: PLW0603  # see the module's docstring
    before, _onlooker = _onlooker, newcomer
    try:
        yield
    finally:
        _onlooker = before
