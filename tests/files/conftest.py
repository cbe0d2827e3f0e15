"""What the tests of loading share: a school with pupils in ``raw``, in a warehouse of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from file_school import FileSchool, put_school
from pydantic import SecretStr

from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


@pytest.fixture
def school(warehouse: Warehouse, tmp_path: Path) -> FileSchool:
    """The school of file_school.py."""
    settings = Settings(database_url=SecretStr(warehouse.url), home=tmp_path / "home")
    put_school(warehouse)
    (tmp_path / "in").mkdir()
    return FileSchool(warehouse, settings, tmp_path / "in")
