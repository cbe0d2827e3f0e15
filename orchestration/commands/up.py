"""``mis up``: the Dagster webserver and daemon as children of this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack

from rich.console import Console

from orchestration.dead_runs import end_dead_runs
from orchestration.interruptible import sigterm_interrupts
from orchestration.runtime import dagster_instance, platform_ready
from orchestration.settings import Settings


def serve(settings: Settings, host: str, port: int, console: Console) -> int:
    """Serve until Ctrl-C or SIGTERM, or until Dagster stops by itself; returns the exit status.

    Dagster runs in a session of its own: a Ctrl-C reaches this process alone, which then stops Dagster first and the
    partner and the warehouse after it. Otherwise the warehouse goes first and Dagster ends in a screenful of errors.
    """
    with ExitStack() as stack:
        stack.enter_context(platform_ready(settings))
        with dagster_instance() as instance:
            end_dead_runs(instance)
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
        dagster = subprocess.Popen(command, cwd=settings.project_root, start_new_session=True, env=os.environ)
        stack.enter_context(sigterm_interrupts())
        console.print(f"Dagster: http://{host}:{port}   (Ctrl-C stops everything)")
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
