"""A parsed manifest, and dbt in this process against a warehouse of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.dbt.project import manifest_path
from orchestration.dbt.runner import DbtResult, invoke
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

Dbt = Callable[..., DbtResult]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of the project as it stands; any warning of the parser is an error."""
    settings = Settings(home=tmp_path_factory.mktemp("parse"))
    result = invoke(settings, ["parse", "--warn-error"])
    assert result.success
    parsed: dict[str, Any] = json.loads(manifest_path(settings).read_text())
    return parsed


@pytest.fixture(scope="session")
def dbt_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt keeps what it parsed, so that each module does not parse the project again."""
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="module")
def dbt(module_warehouse: Warehouse, dbt_home: Path) -> Iterator[Dbt]:
    """dbt against the module's warehouse: ``dbt("run", "--select", "tag:core")``."""
    settings = Settings(home=dbt_home)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in module_warehouse.env().items():
            patch.setenv(name, value)

        def run(*args: str) -> DbtResult:
            result = invoke(settings, list(args))
            assert result.success, result.failures
            return result

        yield run
