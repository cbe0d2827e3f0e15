"""Running a school again: never twice at once, and a clear word where Dagster cannot take it."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.partitions import SCHOOLS
from orchestration.rerun import Rerun, RerunError

#: Nothing listens on the lowest port.
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance that knows one school."""
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions(SCHOOLS.name or "", ["00004-northmoor-high"])
        yield made


def test_a_school_that_is_under_way_is_not_started_again(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(
        defs.get_repository_def().get_job("extract"),
        status=dg.DagsterRunStatus.STARTED,
        tags={"dagster/partition": "00004-northmoor-high", "mis/again": "yes"},
    )
    rerun = Rerun(instance, f"{NOBODY}/")
    assert rerun.under_way() == {4: run.run_id}
    assert rerun.start(4) == run.run_id
    assert rerun.address_of(run.run_id) == f"{NOBODY}/runs/{run.run_id}"
    instance.report_run_failed(run)
    assert rerun.under_way() == {}


def test_a_dagster_that_does_not_answer_is_told_of(instance: dg.DagsterInstance) -> None:
    with pytest.raises(RerunError, match=f"Dagster at {NOBODY} did not take the run. Is it up?"):
        Rerun(instance, NOBODY).start(4)


def test_a_school_that_dagster_does_not_know_yet_is_told_of(instance: dg.DagsterInstance) -> None:
    with pytest.raises(RerunError, match=r"no partition for school 5 yet.*Materialize ops/connections"):
        Rerun(instance, NOBODY).start(5)
