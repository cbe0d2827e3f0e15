"""What the extract loop tells somebody who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from orchestration.ingest.categories import Category


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one school; the totals are of the whole call of ``extract_category`` so far.

    ``kind``: a school's reading ``started``, a ``page`` of it was archived and decoded, the school is ``done``
    (``state`` then says how it ended: loaded, held or failed).
    """

    kind: Literal["started", "page", "done"]
    category: Category
    school_id: int
    schools: int
    schools_done: int
    pages: int
    rows: int
    state: str | None = None


class Progress(Protocol):
    """Is called with every event, now from the event loop's thread, now from the landing thread, never by two at once
    for the same school; must be quick and must not raise."""

    def __call__(self, event: Event, /) -> None: ...


def ignore(event: Event, /) -> None:
    """Watches nothing."""


#: The default watcher.
NO_PROGRESS: Progress = ignore


class Tally:
    """Keeps the totals of one call of ``extract_category`` and tells the watcher."""

    def __init__(self, watcher: Progress, category: Category, schools: int) -> None:
        self._watcher = watcher
        self._category = category
        self._schools = schools
        self._done = 0
        self._pages = 0
        self._rows = 0

    def started(self, school_id: int) -> None:
        """A school's turn has come."""
        self._tell("started", school_id)

    def page(self, school_id: int, rows: int) -> None:
        """A page with so many rows has been read."""
        self._pages += 1
        self._rows += rows
        self._tell("page", school_id)

    def done(self, school_id: int, state: str) -> None:
        """A school has its outcome."""
        self._done += 1
        self._tell("done", school_id, state)

    def _tell(self, kind: Literal["started", "page", "done"], school_id: int, state: str | None = None) -> None:
        self._watcher(Event(kind, self._category, school_id, self._schools, self._done, self._pages, self._rows, state))
