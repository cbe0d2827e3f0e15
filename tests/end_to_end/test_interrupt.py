"""A run that dies anywhere, and the next one: the same final state as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import templates
from installation import Installation

from orchestration.ingest.categories import CATEGORIES
from orchestration.warehouse.cluster import Cluster, ClusterError

RAW = [table.name for spec in CATEGORIES.values() for table in spec.tables]
MARTS = ["session", "pupil_day", "pupil_year", "school_week", "school_year", "pupil", "school_day", "exclusion"]
PATIENCE_SECONDS = 240


def final_state(installation: Installation) -> dict[str, str]:
    """A digest of each raw table (but for which extract wrote a row) and of each attendance mart."""
    digest = (
        "select coalesce(md5(string_agg(md5({row}), '' order by md5({row}))), 'empty') as digest from {relation} as r"
    )
    without_extract = "(to_jsonb(r) - 'extract_id')::text"
    queries = {f"raw.{name}": digest.format(row=without_extract, relation=f"raw.{name}") for name in RAW}
    queries |= {f"attendance.{name}": digest.format(row="r::text", relation=f"attendance.{name}") for name in MARTS}
    return {name: installation.rows(query)[0]["digest"] for name, query in queries.items()}


@pytest.fixture(scope="module")
def undisturbed(installation: Installation) -> dict[str, str]:
    """What a first run from nothing leaves."""
    return final_state(installation)


def wait_until(installation: Installation, run: subprocess.Popen[str], query: str) -> None:
    """Look at the run's own warehouse until ``query`` gives true; fails when the run ends before."""
    cluster = Cluster(installation.home / "postgres")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert run.poll() is None, "the run ended before the moment came at which it was to be interrupted"
        try:
            with psycopg.connect(cluster.url("mis"), autocommit=True) as connection:
                row = connection.execute(query.encode()).fetchone()
                if row is not None and row[0]:
                    return
        except (psycopg.Error, ClusterError):
            pass  # not up yet, or the schema is not there yet
        time.sleep(0.02)
    pytest.fail(f"never true: {query}")


def kill_run(home: Path, run: subprocess.Popen[str]) -> None:
    os.kill(run.pid, signal.SIGKILL)


def interrupt_run(home: Path, run: subprocess.Popen[str]) -> None:
    os.kill(run.pid, signal.SIGINT)


def kill_postgres(home: Path, run: subprocess.Popen[str]) -> None:
    postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)


def kill_sandbox(home: Path, run: subprocess.Popen[str]) -> None:
    (partner,) = (child for child in psutil.Process(run.pid).children() if "sandbox" in child.cmdline())
    partner.kill()


READING_MARKS = "select exists (select from ops.extract where category = 'attendance' and state = 'running')"
MARKS_LOADED = "select exists (select from ops.extract where category = 'attendance' and state = 'loaded')"
BUILDING_REFERENCE = "select to_regclass('reference.nc_year') is not null"
BUILDING_CORE = "select to_regclass('core.register_year') is not null"
BUILDING_MARTS = "select to_regclass('build_attendance.pupil_day') is not null"
PUBLISHING = "select exists (select from ops.release)"


@pytest.mark.parametrize(
    ("moment", "blow"),
    [
        (READING_MARKS, kill_run),
        (READING_MARKS, kill_postgres),
        (READING_MARKS, kill_sandbox),
        (MARKS_LOADED, interrupt_run),
        (BUILDING_REFERENCE, kill_run),
        (BUILDING_CORE, kill_postgres),
        (BUILDING_MARTS, kill_run),
        (PUBLISHING, interrupt_run),
    ],
    ids=lambda value: value.__name__ if callable(value) else value.split("'")[1] if "'" in value else "publishing",
)
def test_the_next_run_ends_as_an_undisturbed_one(
    undisturbed: dict[str, str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    moment: str,
    blow: Callable[[Path, subprocess.Popen[str]], None],
) -> None:
    shared = templates.shared_folder(tmp_path_factory)
    installation = templates.prepared(shared, tmp_path / "home").with_environment(MIS_MAX_ATTEMPTS="2")
    run = installation.start("run")
    try:
        wait_until(installation, run, moment)
        blow(installation.home, run)
        run.communicate(timeout=PATIENCE_SECONDS)
    finally:
        run.kill()
    assert run.returncode != 0
    installation.mis("run")
    assert final_state(installation) == undisturbed
