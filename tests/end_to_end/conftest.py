"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from installation import Installation, new_installation

from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse
from sandbox import Sandbox


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A fresh installation for the module's tests, in which nothing has run yet; its server stays up between them."""
    fresh = new_installation(tmp_path_factory.mktemp("installation") / "mis home")
    with warehouse(Settings(home=fresh.home)):
        yield fresh


@pytest.fixture(scope="module")
def sandbox(installation: Installation) -> Iterator[Sandbox]:
    """The installation's own sandbox, running for the module's tests and under their control."""
    with installation.partner() as partner:
        yield partner


@pytest.fixture(scope="module")
def served(installation: Installation, sandbox: Sandbox) -> Installation:
    """The installation as it is when that sandbox is its configured partner."""
    return installation.with_environment(MIS_WONDE_URL=sandbox.url, MIS_WONDE_TOKEN=sandbox.token)
