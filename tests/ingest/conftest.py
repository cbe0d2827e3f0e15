"""What the ingest tests share: a warehouse, a partner in memory, a copy of the suites that a test may change."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_partner import FakePartner
from trial import MakeTrial, Trial, TrialSettings

from orchestration.warehouse.connection import Warehouse

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"


@pytest.fixture
def make_trial(warehouse: Warehouse, tmp_path: Path) -> MakeTrial:
    """A function that makes an installation with the named schools, all approved and known."""

    def make(schools: Sequence[str]) -> Trial:
        suites = tmp_path / "expectations"
        shutil.copytree(EXPECTATIONS, suites)
        settings = TrialSettings(home=tmp_path / "home", suites=suites, schools_per_batch=10)
        trial = Trial(warehouse, settings, FakePartner(schools))
        trial.register()
        return trial

    return make


@pytest.fixture
def trial(make_trial: MakeTrial) -> Trial:
    """An installation with one school, ``A``."""
    return make_trial(["A"])
