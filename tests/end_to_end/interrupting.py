"""Runs that die at a moment, and what is left when the next one has ended."""

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
from installation import Installation

from orchestration.ingest.categories import CATEGORIES
from orchestration.warehouse.cluster import Cluster

Blow = Callable[[Path, "subprocess.Popen[str]"], None]

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


def wait_until(installation: Installation, run: subprocess.Popen[str], query: str) -> None:
    """Look at the run's own warehouse until ``query`` gives true; fails when the run ends before."""
    cluster = Cluster(installation.home / "postgres")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert run.poll() is None, "the run ended before the moment came at which it was to be interrupted"
        time.sleep(0.02)
        # Before its server is up, a copied installation names its template's port, at which another copy may answer.
        if not cluster.is_running():
            continue
        try:
            with psycopg.connect(cluster.url("mis"), autocommit=True) as connection:
                row = connection.execute(query.encode()).fetchone()
                if row is not None and row[0]:
                    return
        except psycopg.Error:
            pass  # not ready yet, or the schema is not there yet
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


def named(value: object) -> str:
    """What a moment or a blow is called in a test's name."""
    if isinstance(value, str):
        return value.split("'")[1] if "'" in value else "publishing"
    return getattr(value, "__name__", "")


def state_after(installation: Installation, moment: str, blow: Blow) -> dict[str, str]:
    """Start a run, strike when the query ``moment`` gives true, see it fail, run again, and return the final state."""
    run = installation.start("run")
    try:
        wait_until(installation, run, moment)
        blow(installation.home, run)
        run.communicate(timeout=PATIENCE_SECONDS)
    finally:
        run.kill()
    assert run.returncode != 0
    installation.mis("run")
    return final_state(installation)
