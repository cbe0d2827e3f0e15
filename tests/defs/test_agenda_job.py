"""The agenda as Dagster runs it: what is due and nothing else, this year first, earlier years when nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.partitions import bring_in_step
from orchestration.ingest import locks, registry
from orchestration.partners import open_partners
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(schools=2, size=0.03) as started:
        yield started


def test_what_is_due_is_extracted_and_then_what_lies_further_back(
    warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        home=tmp_path, database_url=warehouse.url, wonde_url=sandbox.url, wonde_token=sandbox.token, max_attempts=1
    )
    monkeypatch.setattr("orchestration.defs.resources.get_settings", lambda: settings)
    schools = registry.sync_all(warehouse, open_partners(settings), settings)
    approved = [(school.school_id, school.name) for school in schools if school.state == "approved"]
    job = defs.get_repository_def().get_job("agenda")

    def query(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.connect() as conn:
            return conn.execute(statement.encode()).fetchall()

    counted = "select category, count(*) from ops.extract where state = 'loaded' group by 1 order by 1"
    every_category = ["assessment", "attendance", "basic", "demographics", "staff", "timetable"]
    with dg.DagsterInstance.ephemeral() as instance:
        bring_in_step(instance, approved)

        def run() -> dg.ExecuteInProcessResult:
            return job.execute_in_process(
                instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
            )

        assert run().success
        assert query(counted) == [(category, 2) for category in every_category]
        assert query("select bool_and(mark_date >= '2024-08-01') from raw.attendance_mark") == [(True,)]
        # Nothing is due any more, so there is time for the years before.
        assert run().success
        assert query(counted) == [(category, 2 + 2 * (category == "attendance")) for category in every_category]
        assert query("select bool_and(mark_date >= '2024-08-01') from raw.attendance_mark") == [(False,)]
        assert run().success
        assert query(counted) == [(category, 2 + 2 * (category == "attendance")) for category in every_category]
        assert query("select count(*), bool_and(due_at > now()) from ops.agenda") == [(12, True)]
        # While another run is at it, nothing is asked for a second time.
        query("update ops.extract set started_at = started_at - interval '9 days' returning 1")
        with warehouse.connect(autocommit=True) as other:
            assert locks.try_agenda(other)
            assert run().success
        assert query(counted) == [(category, 2 + 2 * (category == "attendance")) for category in every_category]
        assert run().success
        assert query(counted) == [(category, 4 + 2 * (category == "attendance")) for category in every_category]
