"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import templates
from installation import Installation
from interrupting import final_state

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


@pytest.fixture(scope="module")
def undisturbed(installation: Installation) -> dict[str, str]:
    """What a first run from nothing leaves: digests of raw and of marts."""
    return final_state(installation)


@pytest.fixture
def unrun(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation of the test's own before its first run, whose steps are tried twice."""
    shared = templates.shared_folder(tmp_path_factory)
    return templates.prepared(shared, tmp_path / "home").with_environment(MIS_MAX_ATTEMPTS="2")
