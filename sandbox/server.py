"""Starting the sandbox: in this process, or as a child process for tests and for the platform's own runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

DEFAULT_SEED = 20250718
DEFAULT_SCHOOLS = 3
DEFAULT_TODAY = date(2025, 7, 18)


@dataclass(frozen=True)
class Announcement:
    """Where a sandbox is: Wonde's base address and token, Groupcall's API root and the application's name there."""

    url: str
    token: str
    groupcall_url: str
    groupcall_relying_party: str


class _Server(uvicorn.Server):
    """Says when it takes requests."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def serve(
    directory: Path,
    *,
    schools: int = DEFAULT_SCHOOLS,
    seed: int = DEFAULT_SEED,
    size: float = 1.0,
    today: date = DEFAULT_TODAY,
    port: int = 0,
    reset: bool = False,
    exit_with_stdin: bool = False,
    ready: Callable[[Announcement], None],
) -> None:
    """Serve on 127.0.0.1 until told to stop; generates into ``directory`` what is not there yet.

    ``ready`` is called once with where the partners are and what opens them. ``port`` 0 takes a free one.
    ``exit_with_stdin`` stops the server when standard input ends, so that it does not outlive the process that
    started it.
    """
    from sandbox.app import build
    from sandbox.connections import Protocol
    from sandbox.groupcall.tokens import Tokens
    from sandbox.site import Site
    from sandbox.world import Parameters

    site = Site(directory, Parameters(seed, schools, size, today), reset=reset)
    tokens = Tokens(site)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    root = f"http://127.0.0.1:{listener.getsockname()[1]}"
    told = Announcement(f"{root}/v1.0/", site.token, f"{root}/api/v1/", tokens.relying_party)
    config = uvicorn.Config(
        build(site, tokens),
        http=Protocol,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, lambda: ready(told))
    if exit_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def _stop_at_end_of_stdin(server: uvicorn.Server) -> None:
    while os.read(0, 4096):
        pass
    server.should_exit = True


@dataclass(frozen=True)
class Sandbox(Announcement):
    """A running sandbox. ``url`` ends in ``/v1.0/``; ``token`` opens Wonde's API and the control endpoints;
    ``groupcall_url`` ends in ``/api/v1/``."""

    pid: int

    def get(self, path: str, **query: Any) -> Any:
        """Decoded answer of the API at ``path`` below ``/v1.0/``.

        Raises httpx.HTTPStatusError for an answer other than 2xx.
        """
        return self._call("GET", self.url + path, params=query or None)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """``data`` of a control endpoint: POST if there is a body, else GET.

        Raises httpx.HTTPStatusError for an answer other than 2xx.
        """
        address = self.url.removesuffix("v1.0/") + "_sandbox/" + path
        return self._call("GET" if body is None else "POST", address, json=body)["data"]

    def groupcall_secrets(self) -> dict[str, str]:
        """Groupcall's secret of every school in any state, by estab."""
        secrets: dict[str, str] = self.control("groupcall/secrets")
        return secrets

    def advance(self, days: int = 1) -> date:
        """Move the simulated clock on by so many school days; returns the new day."""
        return date.fromisoformat(self.control("advance", {"days": days})["today"])

    def _call(self, method: str, address: str, **arguments: Any) -> Any:
        import httpx

        answer = httpx.request(
            method, address, headers={"Authorization": f"Bearer {self.token}"}, timeout=60, **arguments
        )
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running(
    *,
    schools: int = DEFAULT_SCHOOLS,
    seed: int = DEFAULT_SEED,
    size: float = 1.0,
    today: date = DEFAULT_TODAY,
    directory: Path | None = None,
    port: int = 0,
    reset: bool = False,
) -> Iterator[Sandbox]:
    """A sandbox in a child process, stopped on leaving; its data are kept only if a ``directory`` is given.

    Raises RuntimeError, with what the child wrote, if it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
        arguments = [
            "--schools",
            schools,
            "--seed",
            seed,
            "--size",
            size,
            "--today",
            today,
            "--port",
            port,
            "--data",
            directory or scratch,
        ]
        root = str(Path(__file__).resolve().parent.parent)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sandbox",
                *map(str, arguments),
                "--exit-with-stdin",
                *(["--reset"] if reset else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            if not line:
                raise RuntimeError(
                    f"the sandbox did not start (exit status {child.wait()}); run python -m sandbox to see why"
                )
            yield Sandbox(**json.loads(line), pid=child.pid)
        finally:
            child.stdin.close()
            try:
                child.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            child.stdout.close()
