"""The processes of the embedded server: which are alive, which are left over, and how they are ended."""

from __future__ import annotations

import hashlib
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

_ORPHAN_SECONDS = 5.0
_POLL_SECONDS = 0.02


class ServerProcesses:
    """The processes that serve one data directory, found by its ``postmaster.pid`` and by their titles.

    ``title`` is to be the server's ``cluster_name``: Postgres shows it in the title of each of its processes, so that
    those of a dead postmaster can be told from every other Postgres on the machine. It comes from the path, and so a
    copied folder is another cluster.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._pid_file = data / "postmaster.pid"
        self.title = f"mis-{hashlib.sha256(str(data).encode()).hexdigest()[:8]}"

    def postmaster(self) -> psutil.Process | None:
        """Return the process that the pid file names, if it is this folder's server and not a later namesake."""
        lines = self._pid_lines()
        if not lines or not lines[0].isdigit():
            return None
        try:
            process = psutil.Process(int(lines[0]))
            return process if self._serves_our_data(process.cmdline()) else None
        except psutil.Error:
            return None

    def ready_port(self) -> int | None:
        """Return the port of the server once it says in its pid file that it is ready."""
        lines = self._pid_lines()
        if self.postmaster() is None or len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return int(lines[3])

    def end_orphans(self) -> None:
        """Clear away what a killed server left: Postgres refuses to start while a former backend still works.

        To be called when :meth:`postmaster` is None and nobody is starting the server.
        """
        orphans = []
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if " ".join(command).startswith(f"postgres: {self.title}: ") or self._serves_our_data(command):
                orphans.append(process)
        end(end(orphans, signal.SIGQUIT, _ORPHAN_SECONDS), signal.SIGKILL, _ORPHAN_SECONDS)
        # The number in it may by now be another process's, which Postgres would take for a live server. Postgres's
        # other check, of the shared memory of this data directory, stays in force.
        self._pid_file.unlink(missing_ok=True)

    def _serves_our_data(self, command: list[str]) -> bool:
        return command[-2:] == ["-D", str(self._data)]

    def _pid_lines(self) -> list[str]:
        try:
            return self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return []


def end(processes: list[psutil.Process], how: signal.Signals, seconds: float) -> list[psutil.Process]:
    """Signal processes and wait for their end; return those that live on after ``seconds``."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    # A container's first process may never reap: a zombie is an end, though psutil's own wait would wait for ever.
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
