"""Installations made once a test session, and copied for whoever begins where they end.

``published`` is a first run from nothing, by `mis` as a user types it: test_run.py says what it must give, and modules
that begin after a first run begin with a copy. ``prepared`` has what no first run need make again to be interrupted:
migrations, look-ups of estimates with their test, the partner's world and dbt's manifest; nothing has been extracted,
built or published in it.

The processes of a session share them: the first that wants one makes it, and others wait. What is copied is the folder
of a server that has stopped, so a copy is an installation like any other.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, new_installation

from orchestration.estimate_runs import calibrate, provide
from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse

_FIRST_RUN = "first_run.json"


def published(shared: Path, home: Path) -> Installation:
    """A copy, at ``home``, of an installation after its first run; ``first_run`` tells what that said."""
    return _copy(shared, "published", _run_from_nothing, home)


def prepared(shared: Path, home: Path) -> Installation:
    """A copy, at ``home``, of an installation before its first run."""
    return _copy(shared, "prepared", _prepare, home)


def first_run(installation: Installation) -> Any:
    """What `mis run --json` printed at the first run of a ``published`` installation."""
    return json.loads((installation.home / _FIRST_RUN).read_text())


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the processes of this test session have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if own.name.startswith("popen-") else own


def _run_from_nothing(installation: Installation) -> None:
    said = installation.mis("run", "--json")
    (installation.home / _FIRST_RUN).write_text(said)


def _prepare(installation: Installation) -> None:
    installation.mis("exec", "true")
    settings = Settings(home=installation.home)
    with warehouse(settings) as leased, closing(leased.connect(autocommit=True)) as connection:
        provide(connection, settings.references_dir)
        calibrate(connection, settings.references_dir)


def _copy(shared: Path, name: str, make: Callable[[Installation], None], home: Path) -> Installation:
    template = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            unfinished = shared / f"{name} unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            make(new_installation(unfinished))
            unfinished.rename(template)
    shutil.copytree(template, home, symlinks=True)
    return new_installation(home)
