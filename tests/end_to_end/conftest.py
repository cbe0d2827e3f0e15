"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import templates
from installation import Installation

from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse
from sandbox import Sandbox


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation of the module's own after a first run from nothing; its server stays up between the tests."""
    home = tmp_path_factory.mktemp("installation") / "mis home"
    own = templates.published(templates.shared_folder(tmp_path_factory), home)
    with warehouse(Settings(home=own.home)):
        yield own


@pytest.fixture(scope="module")
def sandbox(installation: Installation) -> Iterator[Sandbox]:
    """The installation's own sandbox, running for the module's tests and under their control."""
    with installation.partner() as partner:
        yield partner


@pytest.fixture(scope="module")
def served(installation: Installation, sandbox: Sandbox) -> Installation:
    """The installation as it is when that sandbox is its configured partner."""
    return installation.with_environment(MIS_WONDE_URL=sandbox.url, MIS_WONDE_TOKEN=sandbox.token)
