"""The embedded server: started once for many, gone with the last, and back after any of its processes is killed."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, rmtree

import psutil
import psycopg
import pytest

from orchestration.warehouse import account, sizing
from orchestration.warehouse import cluster as cluster_module
from orchestration.warehouse.cluster import Cluster, ClusterError

PROJECT = Path(__file__).resolve().parents[2]

#: Leases the server, says so with the postmaster's number, and keeps the lease until its input ends.
LEASE = """
import sys
from pathlib import Path
from orchestration.warehouse.cluster import Cluster
folder = Path(sys.argv[1])
with Cluster(folder).lease():
    print((folder / "data" / "postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own whose folder does not exist yet."""
    blank = Cluster(tmp_path / "a folder" / "postgres")
    yield blank
    blank.stop()
    rmtree(blank.root, ignore_errors=True)


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a cluster that was started and stopped once."""
    initialised = Cluster(tmp_path_factory.mktemp("initialised"))
    initialised.start()
    initialised.stop()
    yield initialised.root
    rmtree(initialised.root)


@pytest.fixture
def own(blank: Cluster, initialised: Path) -> Cluster:
    """A cluster of the test's own that has run before and is stopped now: a copy, which costs a tenth of initdb."""
    copytree(initialised, blank.root)
    return blank


def lease_elsewhere(root: Path) -> subprocess.Popen[str]:
    """Start a process that leases the server; its first line of output comes when it has it."""
    return subprocess.Popen(
        [sys.executable, "-c", LEASE, str(root)], cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def postmaster(own: Cluster) -> psutil.Process:
    return psutil.Process(int((own.data / "postmaster.pid").read_text().split()[0]))


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must come true; a minute without it is a failure and not a slow machine."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def fetch(own: Cluster, query: str) -> object:
    with psycopg.connect(own.url("postgres")) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_it_listens_on_loopback_alone_and_asks_everybody_for_the_password(cluster: Cluster) -> None:
    assert fetch(cluster, "show listen_addresses") == "127.0.0.1"
    assert fetch(cluster, "show unix_socket_directories") == ""
    assert fetch(cluster, "select array_agg(distinct auth_method) from pg_hba_file_rules") == ["scram-sha-256"]
    wrong = cluster.url("postgres").replace(":", ":x", 2).replace(":x//", "://", 1)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_password_is_for_the_owner_alone(cluster: Cluster) -> None:
    password = cluster.url("postgres").split(":")[2].split("@")[0]
    assert stat.S_IMODE((cluster.root / "cluster.json").stat().st_mode) == 0o600
    assert password not in repr(cluster)
    assert password not in cluster.log.read_text()
    assert not (cluster.root / "initdb.password").exists()
    assert all(password not in part for part in postmaster(cluster).cmdline())


def test_text_is_unicode_and_time_is_utc_whatever_the_machine_says(cluster: Cluster) -> None:
    assert fetch(cluster, "show server_encoding") == "UTF8"
    assert fetch(cluster, "select upper('é') = 'É'") is True
    assert fetch(cluster, "show timezone") == "UTC"


def test_commits_are_durable_and_errors_do_not_quote_rows_into_the_log(cluster: Cluster) -> None:
    assert fetch(cluster, "show synchronous_commit") == "on"
    assert fetch(cluster, "show fsync") == "on"
    with psycopg.connect(cluster.url("postgres")) as connection:
        connection.execute("create temp table pupil (surname text primary key)")
        connection.execute("insert into pupil select 'Featherstone' || n from generate_series(7, 8) n")
        with pytest.raises(psycopg.errors.UniqueViolation, match="Featherstone7"):
            connection.execute("update pupil set surname = 'Featherstone7'")
    said = cluster.log.read_text()
    assert "duplicate key" in said
    assert "Featherstone8" not in said
    assert "(Featherstone7)" not in said


def test_memory_is_taken_from_the_container_where_it_has_less_than_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(sizing, "_CGROUP_LIMITS", (limit,))
    limit.write_text(f"{2048 * 1024 * 1024}\n")
    assert sizing.server_settings()["shared_buffers"] == "256MB"
    limit.write_text("max\n")
    assert sizing.server_settings()["shared_buffers"] != "256MB" or psutil.virtual_memory().total <= 2304 * 1024 * 1024


def test_a_lease_starts_the_server_and_the_last_one_stops_it(own: Cluster) -> None:
    assert not own.is_running()
    with own.lease():
        with own.lease():
            assert fetch(own, "select 1") == 1
        assert own.is_running()
    assert not own.is_running()


def test_an_error_in_the_block_gives_the_lease_back(own: Cluster) -> None:
    with pytest.raises(ZeroDivisionError), own.lease():
        raise ZeroDivisionError
    assert not own.is_running()


def test_processes_share_the_server_and_the_last_of_them_stops_it(own: Cluster) -> None:
    other = lease_elsewhere(own.root)
    started_by_other = first_line(other)
    with own.lease():
        other.communicate()
        assert str(postmaster(own).pid) == started_by_other
        assert fetch(own, "select 1") == 1
    assert not own.is_running()


def test_racing_starters_make_one_server(blank: Cluster) -> None:
    starters = [lease_elsewhere(blank.root) for _ in range(4)]
    assert len({first_line(starter) for starter in starters}) == 1
    for starter in starters:
        starter.communicate()
    assert [starter.returncode for starter in starters] == [0] * 4
    assert not blank.is_running()


def test_a_killed_user_leaves_the_server_running_and_the_next_one_finds_it(own: Cluster) -> None:
    other = lease_elsewhere(own.root)
    left = first_line(other)
    other.kill()
    other.communicate()
    assert own.is_running()
    with own.lease():
        assert str(postmaster(own).pid) == left
    assert not own.is_running()


def test_stop_ends_it_under_those_who_use_it_and_start_brings_it_back(own: Cluster) -> None:
    with own.lease():
        session = psycopg.connect(own.url("postgres"), autocommit=True)
        session.execute("create table kept as select 1 as n")
        own.stop()
        assert not own.is_running()
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
        own.start()
        assert fetch(own, "select n from kept") == 1


def test_ctrl_c_in_the_terminal_is_not_for_the_server(own: Cluster) -> None:
    with own.lease():
        server = postmaster(own).pid
        assert os.getsid(server) == server != os.getsid(0)


def test_the_server_gets_none_of_our_environment(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIS_WONDE_TOKEN", "t0ken")
    with own.lease():
        assert "MIS_WONDE_TOKEN" not in postmaster(own).environ()


def test_after_kill_9_of_the_postmaster_with_a_query_still_running(own: Cluster) -> None:
    """The backend of the query does not notice, holds the shared memory, and Postgres alone would refuse to start."""
    own.start()
    with psycopg.connect(own.url("postgres"), autocommit=True) as connection:
        connection.execute("create table marks as select generate_series(1, 100000) as n")
    busy = psycopg.connect(own.url("postgres"), autocommit=True)
    backend = psutil.Process(busy.info.backend_pid)
    ended: list[BaseException] = []

    def work() -> None:
        try:
            busy.execute("select count(*) from generate_series(1, 1000000000000) n")
        except psycopg.Error as error:
            ended.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    until(lambda: fetch(own, f"select state from pg_stat_activity where pid = {backend.pid}") == "active")
    killed = postmaster(own)
    killed.kill()
    until(lambda: not own.is_running())
    assert backend.is_running()

    own.start()
    assert postmaster(own).pid != killed.pid
    assert fetch(own, "select count(*) from marks") == 100000
    worker.join(timeout=60)
    assert len(ended) == 1


def test_after_kill_9_of_a_backend_start_returns_when_sessions_are_taken_again(own: Cluster) -> None:
    own.start()
    victim, witness = psycopg.connect(own.url("postgres")), psycopg.connect(own.url("postgres"))
    before = postmaster(own).pid
    psutil.Process(victim.info.backend_pid).kill()
    # The server ends every other session too, once it has noticed; from then on it recovers.
    until(lambda: not psutil.pid_exists(witness.info.backend_pid))
    own.start()
    assert postmaster(own).pid == before
    assert fetch(own, "select 1") == 1


def test_after_kill_9_of_a_starter_half_way_through_initdb(blank: Cluster) -> None:
    starter = lease_elsewhere(blank.root)
    until((blank.root / "data.unfinished" / "base").exists)
    (initdb,) = [child for child in psutil.Process(starter.pid).children() if child.name() == "initdb"]
    initdb.suspend()
    starter.kill()
    starter.communicate()
    assert not blank.data.exists()
    # What is left of initdb still writes in the folder: nobody may begin there before it has ended.
    with (blank.root / "start.lock").open("a") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    initdb.resume()
    with blank.lease():
        assert fetch(blank, "select 1") == 1
    assert not (blank.root / "data.unfinished").exists()


@pytest.mark.parametrize("content", ["", "not a number\n"])
def test_a_damaged_pid_file_is_no_server(own: Cluster, content: str) -> None:
    (own.data / "postmaster.pid").write_text(content)
    assert not own.is_running()
    with own.lease():
        assert fetch(own, "select 1") == 1


def test_a_pid_file_whose_number_is_another_process_by_now(own: Cluster, cluster: Cluster) -> None:
    own.start()
    lines = (own.data / "postmaster.pid").read_text().splitlines()
    own.stop()
    # Neither any live process nor the server of another folder is ours.
    for stranger in (os.getpid(), postmaster(cluster).pid):
        (own.data / "postmaster.pid").write_text("\n".join([str(stranger), *lines[1:]]) + "\n")
        assert not own.is_running()
        with own.lease():
            assert postmaster(own).pid != stranger
    assert cluster.is_running()


def test_the_port_is_kept_and_changed_only_when_it_is_taken(own: Cluster) -> None:
    own.start()
    first = own.url("postgres")
    own.stop()
    own.start()
    assert own.url("postgres") == first
    assert fetch(own, "select 1") == 1
    own.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # our own closed sessions linger on it
        taken.bind(("127.0.0.1", int(first.rsplit(":", 1)[1].split("/")[0])))
        taken.listen()
        own.start()
        second = own.url("postgres")
        assert second != first
        assert fetch(own, "select 1") == 1
    own.stop()
    own.start()
    assert own.url("postgres") == second


def test_a_port_that_is_taken_after_we_looked_is_given_up(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(own.url("postgres").rsplit(":", 1)[1].split("/")[0])
    looks = iter([True])
    is_free = cluster_module._is_free
    monkeypatch.setattr(cluster_module, "_is_free", lambda port: next(looks, None) or is_free(port))
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        own.start()
        assert fetch(own, "select 1") == 1
    assert b"could not create any TCP/IP sockets" in own.log.read_bytes()


def test_a_lost_password_is_told_plainly(own: Cluster) -> None:
    (own.root / "cluster.json").unlink()
    with pytest.raises(ClusterError, match=r"cluster\.json.*is missing.*begin again"):
        own.start()


def test_a_server_that_does_not_come_up_shows_the_end_of_its_log(own: Cluster) -> None:
    with (own.data / "postgresql.conf").open("a") as configuration:
        configuration.write("shared_buffers = 'plenty'\n")
    with pytest.raises(ClusterError, match="invalid value for parameter"):
        own.start()


def test_a_folder_of_another_user_is_refused(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(ClusterError, match=f"you are {stranger}.*MIS_HOME"):
        own.start()
    monkeypatch.undo()


def test_an_ordinary_user_runs_the_server_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    chosen = account.choose_account()
    assert (chosen.uid, chosen.prefix, chosen.switch) == (1000, (), False)


if os.geteuid() == 0:  # only root can show what is done for root

    @pytest.fixture
    def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
        """As in a container that may not unshare."""
        monkeypatch.setattr(account, "namespaces_allowed", lambda prefix: False)

    def test_in_a_user_namespace_every_file_stays_with_root(blank: Cluster) -> None:
        assert account.choose_account().prefix
        blank.start()
        assert {path.stat().st_uid for path in (blank.data, *blank.data.rglob("*"))} == {0}

    @pytest.mark.usefixtures("no_namespaces")
    def test_without_namespaces_a_user_without_rights_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
        with tempfile.TemporaryDirectory() as open_folder:
            Path(open_folder).chmod(0o755)
            # The checkout may lie where others cannot reach; a copy of the server in the open can be reached.
            package = cluster_module._BIN.parents[1]
            for part in package.parent.glob(f"{package.name}*"):  # its libraries lie beside it
                copytree(part, Path(open_folder) / part.name)
            monkeypatch.setattr(cluster_module, "_BIN", Path(open_folder) / package.name / "pginstall" / "bin")
            fallback = Cluster(Path(open_folder) / "postgres")
            with fallback.lease():
                assert fetch(fallback, "select 1") == 1
                assert postmaster(fallback).uids().effective != 0
                assert fallback.data.stat().st_uid == postmaster(fallback).uids().effective
            # A later start under a kernel that allows namespaces takes the files back.
            monkeypatch.undo()
            if account.choose_account().prefix:
                with Cluster(fallback.root).lease():
                    assert fallback.data.stat().st_uid == 0

    @pytest.mark.usefixtures("no_namespaces")
    def test_without_either_way_the_error_says_what_to_do(blank: Cluster) -> None:
        blank.root.parent.mkdir(mode=0o700)
        with pytest.raises(ClusterError, match=r"ordinary user.*seccomp=unconfined.*others may enter.*DATABASE_URL"):
            blank.start()


def test_a_signal_in_the_middle_of_a_lease_is_no_worse_than_an_error(own: Cluster) -> None:
    other = lease_elsewhere(own.root)
    first_line(other)
    other.send_signal(signal.SIGINT)
    other.communicate()
    assert not own.is_running()
