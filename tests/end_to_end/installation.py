"""An installation of its own for end-to-end tests: its `.mis`, its small sandbox, and `mis` as a user types it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from psycopg.rows import dict_row

from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse
from sandbox import Sandbox, running

SCHOOLS = 3
SIZE = 0.04
#: How long a server may take to answer for the first time, and to stop.
PATIENCE_SECONDS = 120
#: Nothing of the surroundings may decide what a test does; and missing bytecode would be a finding of the doctor.
_LEFT_OUT = ("DATABASE_URL", "MIS_", "DAGSTER_", "DBT_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Installation:
    """A folder that stands for `.mis`, and the environment in which `mis` uses it."""

    home: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "orchestration", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def serving(self, *arguments: str, answers_at: str) -> Iterator[None]:
        """A server of `mis`, once the address answers; at the end it is told to stop and must leave cleanly."""
        server = self.start(*arguments)
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while not _answers(answers_at):
                assert server.poll() is None, server.communicate()
                assert time.monotonic() < deadline, f"{answers_at} does not answer"
                time.sleep(0.2)
            yield
        finally:
            server.terminate()
            said = server.communicate(timeout=PATIENCE_SECONDS)
        assert server.returncode == 0, said

    def mis(self, *arguments: str, expect: int = 0) -> str:
        """What `mis` prints; fails with all of its output when the exit status is another."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, expect: int = 0) -> Any:
        return json.loads(self.mis(*arguments, "--json", expect=expect))

    def rows(self, query: str) -> list[dict[str, Any]]:
        with warehouse(Settings(home=self.home)) as leased, leased.connect() as connection:
            return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()

    def with_environment(self, **more: str) -> Installation:
        return Installation(self.home, {**self.environment, **more})

    @contextmanager
    def partner(self) -> Iterator[Sandbox]:
        """The installation's own sandbox, for changing its world between two runs."""
        with running(schools=SCHOOLS, size=SIZE, directory=self.home / "sandbox") as sandbox:
            yield sandbox


def _answers(url: str) -> bool:
    try:
        return not httpx.get(url, timeout=5).is_server_error
    except httpx.HTTPError:
        return False


def new_installation(home: Path) -> Installation:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    environment.update(
        MIS_HOME=str(home), MIS_SANDBOX_SCHOOLS=str(SCHOOLS), MIS_SANDBOX_SIZE=str(SIZE), MIS_SCHOOLS_PER_BATCH="2"
    )
    return Installation(home, environment)


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
