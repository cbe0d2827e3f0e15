"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from installation import Installation, new_installation

from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A fresh installation for the module's tests, in which nothing has run yet; its server stays up between them."""
    fresh = new_installation(tmp_path_factory.mktemp("installation") / "mis home")
    with warehouse(Settings(home=fresh.home)):
        yield fresh
