"""One school run again, by Dagster: what the page of connections has its button for."""

from __future__ import annotations

from urllib.parse import urlsplit

import dagster as dg
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

from orchestration.defs.extract import RAW_ASSETS
from orchestration.defs.partitions import SCHOOLS, school_id_of

_PARTITION_TAG = "dagster/partition"
_AGAIN_TAG = "mis/again"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class RerunError(RuntimeError):
    """The run could not be started; the text says what to do."""


class Rerun:
    """Starts extracts of single schools through the Dagster that listens at ``address``."""

    def __init__(self, instance: dg.DagsterInstance, address: str) -> None:
        self._instance = instance
        self._address = address.rstrip("/")

    def address_of(self, run_id: str) -> str:
        """Where a run is to be looked at."""
        return f"{self._address}/runs/{run_id}"

    def under_way(self) -> dict[int, str]:
        """The runs that were started here and have not ended, by school."""
        runs = self._instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED, tags={_AGAIN_TAG: "yes"}))
        return {school_id_of(run.tags[_PARTITION_TAG]): run.run_id for run in runs}

    def start(self, school_id: int) -> str:
        """Extract every category of a school as the agenda does, what changed or all where that is due; the run's id.

        A school that is under way is not started twice. Raises RerunError when Dagster does not know the school yet or
        does not answer.
        """
        if school_id in (running := self.under_way()):
            return running[school_id]
        assert SCHOOLS.name is not None
        partitions = {school_id_of(key): key for key in self._instance.get_dynamic_partitions(SCHOOLS.name)}
        if school_id not in partitions:
            raise RerunError(
                f"Dagster has no partition for school {school_id} yet: they follow the partners' lists, which are read "
                "every ten minutes. Materialize ops/connections to have it at once."
            )
        steps = [asset.key.to_python_identifier() for asset in RAW_ASSETS]
        at = urlsplit(self._address)
        try:
            return DagsterGraphQLClient(
                at.hostname or "", at.port, use_https=at.scheme == "https", path_prefix=at.path
            ).submit_job_execution(
                "extract",
                tags={_PARTITION_TAG: partitions[school_id], _AGAIN_TAG: "yes"},
                run_config={"ops": {step: {"config": {"this_year": True}} for step in steps}},
            )
        except DagsterGraphQLClientError as error:
            raise RerunError(
                f"Dagster at {self._address} did not take the run. Is it up? Try again in a moment. ({error.args[0]})"
            ) from error
