"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import pytest
from installation import Installation, new_installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A fresh installation for the module's tests, in which nothing has run yet."""
    return new_installation(tmp_path_factory.mktemp("installation") / "mis home")
