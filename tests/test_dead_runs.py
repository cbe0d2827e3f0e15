"""A run whose process was killed is ended, and its slot in a pool is free again."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest

from orchestration.dead_runs import PROCESS_TAG, end_dead_runs, end_own_runs, this_process

POOL = "warehouse"


@dg.asset(pool=POOL)
def something() -> None:
    """Holds a slot of the pool while it is made."""


JOB = dg.define_asset_job("make", [something])
DEFS = dg.Definitions(assets=[something], jobs=[JOB])


def started(instance: dg.DagsterInstance, process: str) -> dg.DagsterRun:
    run = instance.create_run_for_job(DEFS.resolve_job_def("make"), tags={PROCESS_TAG: process})
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name)
    instance.handle_run_event(run.run_id, event)
    instance.event_log_storage.set_concurrency_slots(POOL, 1)
    claimed = instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "something")
    assert claimed.is_claimed
    return run


@pytest.fixture
def gone() -> str:
    """The tag of a process that has ended."""
    code = "from orchestration.dead_runs import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_dead_run_is_ended_and_its_slot_is_free(gone: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        dead = started(instance, gone)
        assert end_dead_runs(instance) == [dead.run_id]
        assert instance.get_run_by_id(dead.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert instance.event_log_storage.claim_concurrency_slot(POOL, "next", "something").is_claimed


def test_a_slot_that_a_cancelled_run_claimed_late_is_free_for_the_next() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        left = started(instance, this_process())
        end_own_runs(instance)
        assert instance.get_run_by_id(left.run_id).status is dg.DagsterRunStatus.CANCELED  # type: ignore[union-attr]
        assert end_dead_runs(instance) == []
        assert instance.event_log_storage.claim_concurrency_slot(POOL, "next", "something").is_claimed


def test_a_place_in_the_queue_that_was_promised_the_slot_does_not_keep_the_next_waiting() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        storage = instance.event_log_storage
        left = started(instance, this_process())
        assert not storage.claim_concurrency_slot(POOL, left.run_id, "something_else").is_claimed
        end_own_runs(instance)
        storage.free_concurrency_slot_for_step(left.run_id, "something")  # its thread ends the step, and is no more
        assert not storage.claim_concurrency_slot(POOL, "next", "something").is_claimed
        end_dead_runs(instance)
        assert storage.claim_concurrency_slot(POOL, "next", "something").is_claimed


@pytest.mark.parametrize("process", [None, "another-host:1:1.00"], ids=["this process", "another host"])
def test_a_run_that_may_live_is_left_alone(process: str | None) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        started(instance, process or this_process())
        assert end_dead_runs(instance) == []
