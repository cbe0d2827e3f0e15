"""``mis up``: the Dagster webserver and daemon as children of this process, and the page of connections beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

from rich.console import Console

from orchestration.connections_page.app import create_app
from orchestration.dead_runs import end_dead_runs
from orchestration.interruptible import sigterm_interrupts
from orchestration.rerun import Rerun
from orchestration.runtime import dagster_instance, platform_ready
from orchestration.serving import served
from orchestration.settings import Settings


def serve(settings: Settings, host: str, port: int, connections_port: int, console: Console) -> int:
    """Serve until Ctrl-C or SIGTERM, or until Dagster stops by itself; returns the exit status.

    Dagster runs in a session of its own: a Ctrl-C reaches this process alone, which then stops Dagster first and the
    partner and the warehouse after it. Otherwise the warehouse goes first and Dagster ends in a screenful of errors.
    Raises PortTaken when the page of connections cannot listen.
    """
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 -- compared, not listened at
    address = f"http://{here}:{port}"
    page = str(settings.connections_url or f"http://{here}:{connections_port}").rstrip("/")
    with ExitStack() as stack:
        warehouse = stack.enter_context(platform_ready(settings))
        instance = stack.enter_context(dagster_instance())
        end_dead_runs(instance)
        hosts = {"127.0.0.1", "localhost", urlsplit(page).hostname or here}
        connections = create_app(warehouse, settings.application, Rerun(instance, address), hosts)
        stack.enter_context(served(connections, host, connections_port))
        command = [
            sys.executable,
            "-m",
            "dagster",
            "dev",
            "--workspace",
            str(settings.project_root / "workspace.yaml"),
            "--host",
            host,
            "--port",
            str(port),
        ]
        # Dagster's asset ops/connections leads to the page.
        environment = os.environ | {"MIS_CONNECTIONS_URL": page}
        dagster = subprocess.Popen(command, cwd=settings.project_root, start_new_session=True, env=environment)
        stack.enter_context(sigterm_interrupts())
        console.print(f"Dagster: {address}   Connections: {page}   (Ctrl-C stops everything)")
        try:
            return dagster.wait()
        except KeyboardInterrupt:
            console.print("Stopping Dagster ...")
            dagster.send_signal(signal.SIGINT)
            try:
                dagster.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(dagster.pid, signal.SIGKILL)
            return 0
