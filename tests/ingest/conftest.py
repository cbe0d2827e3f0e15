"""What the ingest tests share: a warehouse, a partner in memory, a copy of the suites that a test may change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from trial import MakeTrial, Trial, install

from orchestration.warehouse.connection import Warehouse


@pytest.fixture
def make_trial(warehouse: Warehouse, tmp_path: Path) -> MakeTrial:
    """A function that makes an installation with the named schools, all approved and known."""

    def make(schools: Sequence[str]) -> Trial:
        return install(warehouse, tmp_path, schools)

    return make


@pytest.fixture
def trial(make_trial: MakeTrial) -> Trial:
    """An installation with one school, ``A``."""
    return make_trial(["A"])
