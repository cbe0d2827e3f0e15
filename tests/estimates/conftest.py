"""The shipped references and the models fitted to them, once a module run."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.estimates import files, model
from orchestration.estimates.model import Model
from orchestration.estimates.reference import CountReference

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds" / "estimates"


@pytest.fixture(scope="session")
def seeds() -> Path:
    return SEEDS


@pytest.fixture(scope="session")
def ks4_2023() -> CountReference:
    return files.read_counts(SEEDS / "ks4_grade_count_2023.csv")


@pytest.fixture(scope="session")
def ks4_2024() -> CountReference:
    return files.read_counts(SEEDS / "ks4_grade_count_2024.csv")


@pytest.fixture(scope="session")
def ks4_model(ks4_2024: CountReference) -> Model:
    return model.fit(ks4_2024)


@pytest.fixture(scope="session")
def ks5_model() -> Model:
    return model.fit(files.read_counts(SEEDS / "ks5_grade_count_2024.csv"))
