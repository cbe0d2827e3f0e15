"""Which rows of a list a page holds, whichever partner numbers the pages."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.faults import Faults


class Window(NamedTuple):
    """A page: its number, its rows [start, stop) and how many rows the list has."""

    page: int
    start: int
    stop: int
    total: int

    @property
    def is_last(self) -> bool:
        """Whether no page follows."""
        return self.stop >= self.total

    @property
    def rows(self) -> slice:
        """The part of the list."""
        return slice(self.start, self.stop)


def window(faults: Faults, path: str, *, page: int, size: int, total: int) -> Window:
    """The page asked for, or the one that faults put in its place."""
    page += faults.turn(path, has_before=page > 1, has_after=page * size < total)
    moved = faults.shift(path) if page > 1 else 0
    start = (page - 1) * size - moved
    return Window(page, max(start, 0), max(start + size, 0), max(total, 0))
