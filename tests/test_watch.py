"""Whoever looks on, or nobody, is told of events and stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.ingest.categories import Category
from orchestration.ingest.progress import Event, Progress
from orchestration.watch import onlooker, watched_by

EVENT = Event("started", Category.STAFF, 1, 1, 0, 0, 0)


class Notebook:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.stages: list[str] = []

    @property
    def progress(self) -> Progress:
        return self.events.append

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages.append(name)
        yield


def test_nobody_can_be_told() -> None:
    """Runs from the UI have no onlooker; telling nobody once failed each of their extracts."""
    with onlooker().stage("extract staff"):
        onlooker().progress(EVENT)


def test_an_onlooker_is_told_until_it_leaves() -> None:
    notebook = Notebook()
    with watched_by(notebook), onlooker().stage("extract staff"):
        onlooker().progress(EVENT)
    onlooker().progress(EVENT)
    assert notebook.stages == ["extract staff"]
    assert notebook.events == [EVENT]
