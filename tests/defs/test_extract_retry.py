"""A raw asset's step that is tried again: it reads what is missing, and no partition is logged twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.defs import extract
from orchestration.defs.partitions import bring_in_step, school_id_of
from orchestration.defs.resources import Platform
from orchestration.ingest import registry
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.partners import open_partners
from orchestration.settings import Settings
from orchestration.summary import summarise
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running

RAW_STAFF = dg.AssetKey(["raw", "staff"])
OP = RAW_STAFF.to_python_identifier()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(schools=3, size=0.04) as started:
        yield started


@dataclass
class Trial:
    """Three schools at the sandbox, known and approved, and the asset that reads their staff."""

    warehouse: Warehouse
    sandbox: Sandbox
    instance: dg.DagsterInstance
    asset: dg.AssetsDefinition
    partitions: Sequence[str]

    def materialise(self, partitions: Sequence[str] = (), **config: bool) -> dg.ExecuteInProcessResult:
        """One run for a range of partitions, all when none is named."""
        chosen = partitions or self.partitions
        return dg.materialize(
            [self.asset],
            instance=self.instance,
            resources={"platform": Platform()},
            raise_on_error=False,
            tags={
                "dagster/asset_partition_range_start": chosen[0],
                "dagster/asset_partition_range_end": chosen[-1],
            },
            run_config={"ops": {OP: {"config": config}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def busy_once(self, partition: str) -> None:
        """The partner answers 503 to the next request for this school's staff."""
        ((school,),) = self.query(
            "select partner_school_id from ops.school where school_id = %s", school_id_of(partition)
        )
        fault = {"kind": "status", "status": 503, "path": f"schools/{school}/employees", "times": 1}
        self.sandbox.control("faults", {"faults": [fault]})

    def make_held(self, partition: str) -> None:
        """From now on, the school's extracts are older than the last accepted one: BAT-005."""
        self.query(
            "update ops.extract set as_at = as_at + interval '1 year' where school_id = %s returning 1",
            school_id_of(partition),
        )

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.warehouse.connect() as conn:
            return conn.execute(statement.encode(), parameters or None).fetchall()

    def extracts(self, run: dg.ExecuteInProcessResult) -> list[tuple[int, str]]:
        """School and state of each extract of the run."""
        return self.query("select school_id, state from ops.extract where run_id = %s order by extract_id", run.run_id)

    def materialised(self, run: dg.ExecuteInProcessResult) -> Counter[str | None]:
        """How often each partition was materialised in the run: from the log, as the result lacks failed attempts."""
        logged = self.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        return Counter(record.partition_key for record in logged.records)


@pytest.fixture
def trial(warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    settings = Settings(
        home=tmp_path,
        database_url=warehouse.url,
        wonde_url=sandbox.url,
        wonde_token=sandbox.token,
        max_attempts=1,
    )
    monkeypatch.setattr("orchestration.defs.resources.get_settings", lambda: settings)
    monkeypatch.setattr(extract, "_RETRY", dg.RetryPolicy(max_retries=2))  # without its delay
    schools = registry.sync_all(warehouse, open_partners(settings), settings)
    with dg.DagsterInstance.ephemeral() as instance:
        approved = [(school.school_id, school.name) for school in schools if school.state == "approved"]
        partitions = bring_in_step(instance, approved)
        yield Trial(warehouse, sandbox, instance, extract._raw_asset(CATEGORIES[Category.STAFF]), partitions)
    sandbox.control("faults", {"faults": []})


def test_a_retry_reads_only_the_school_that_failed_and_logs_every_partition_once(trial: Trial) -> None:
    a, b, c = map(school_id_of, trial.partitions)
    trial.busy_once(trial.partitions[1])
    run = trial.materialise()
    assert run.success
    assert sorted(trial.extracts(run)[:3]) == [(a, "loaded"), (b, "failed"), (c, "loaded")]
    assert trial.extracts(run)[3:] == [(b, "loaded")]
    assert trial.materialised(run) == dict.fromkeys(trial.partitions, 1)


def test_a_held_school_is_not_read_again_and_loads_when_the_operator_accepts_it(trial: Trial) -> None:
    a, b, c = map(school_id_of, trial.partitions)
    first = trial.materialise()
    assert trial.materialised(first) == dict.fromkeys(trial.partitions, 1)
    trial.make_held(trial.partitions[2])
    trial.busy_once(trial.partitions[1])
    run = trial.materialise(full=True)
    assert not run.success
    assert sorted(trial.extracts(run)[:3]) == [(a, "loaded"), (b, "failed"), (c, "held")]
    assert trial.extracts(run)[3:] == [(b, "loaded")]
    assert trial.materialised(run) == dict.fromkeys(trial.partitions[:2], 1)
    (failure,) = [event.step_failure_data for event in run.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert f"1 of 3 schools not loaded; the others are. school {c} held" in str(failure.user_failure_data.description)

    # The summary of the run knows each school once, as it is at the end.
    with trial.warehouse.connect() as conn:
        summary = summarise(conn, [run.run_id], failed={}, stages=[])
    (figures,) = summary.categories
    assert (figures.schools, figures.loaded_schools, figures.held_schools, figures.failed_schools) == (3, 2, 1, 0)
    assert [(trouble.school_id, trouble.state) for trouble in summary.troubles] == [(c, "held")]
    assert any(f"`mis extract --school {c} --category staff --full --accept-held`" in s for s in summary.next_steps)

    accepted = trial.materialise(trial.partitions[2:], full=True, accept_held=True)
    assert accepted.success
    assert trial.extracts(accepted) == [(c, "loaded")]
    (event,) = accepted.get_asset_materialization_events()
    note = event.step_materialization_data.materialization.metadata["note"].value
    assert "accepted by the operator: BAT-005 (staff, staff_role)" in str(note)


def test_what_an_attempt_that_died_had_loaded_is_logged_by_the_next(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    schools_read = []

    def dies_once(*arguments: Any, **options: Any) -> list[SchoolOutcome]:
        outcomes = extract_category(*arguments, **options)
        schools_read.append(len(outcomes))
        if len(schools_read) == 1:
            raise psycopg.OperationalError("the connection is lost")
        return outcomes

    monkeypatch.setattr(extract, "extract_category", dies_once)
    run = trial.materialise()
    assert run.success
    assert schools_read == [3, 0]
    assert trial.materialised(run) == dict.fromkeys(trial.partitions, 1)
