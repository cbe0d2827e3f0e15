"""Jobs: refresh the lists, extract, publish, the chain of the three, and the agenda that is scheduled."""

import textwrap

import dagster as dg
import pydantic
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.chain import CHAIN_TAG, run_chain
from orchestration.defs.agenda import agenda_job
from orchestration.defs.extract import CONNECTIONS, RAW_ASSETS
from orchestration.ingest.categories import Category

connections_job = dg.define_asset_job(
    "connections",
    selection=dg.AssetSelection.assets(CONNECTIONS),
    description="Refresh the partners' lists of schools and scopes.",
)

extract_job = dg.define_asset_job(
    "extract",
    selection=dg.AssetSelection.assets(*RAW_ASSETS),
    description="Extract categories of a school or a range of schools from the partner into raw, through the gates.",
)

publish_job = dg.define_asset_job(
    "publish",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(CONNECTIONS, *RAW_ASSETS),
    description="Build core and marts from what has been accepted, gate them, and publish the purposes that pass.",
)


class NightlyConfig(dg.Config):
    """Options of the chain."""

    categories: list[str] = pydantic.Field(default_factory=lambda: [category.value for category in Category])
    """Which categories to extract."""
    full: bool = False
    """Read everything again instead of what changed."""


@dg.op(description="Lists, extract, publish: three runs, see orchestration.chain.")
def chain(context: dg.OpExecutionContext, config: NightlyConfig) -> None:
    """Run the chain; fails at the end when any part of it failed, after the other parts have been done."""
    repository = context.repository_def
    result = run_chain(
        repository,
        context.instance,
        categories=[Category(name) for name in config.categories],
        full=config.full,
        tags={CHAIN_TAG: context.run_id},
    )
    context.log.info("runs: %s", result.runs)
    if not result.success:
        raise dg.Failure(
            "Not everything succeeded. "
            + " ".join(f"{job}: {_shown(reasons)}" for job, reasons in result.failed.items()),
            metadata={f"run {place}": dg.MetadataValue.dagster_run(run) for place, run in enumerate(result.runs, 1)},
            allow_retries=False,
        )


def _shown(reasons: list[str]) -> str:
    # This text goes into the alert, where a screenful is read and no more.
    return textwrap.shorten("; ".join(reasons) or "made less than it should.", 1000)


@dg.job(name="nightly", description="Everything, once a night: lists, extract of every approved school, publish.")
def nightly_job() -> None:
    """The nightly chain as a job."""
    chain()


JOBS: list[dg.JobDefinition | UnresolvedAssetJobDefinition] = [
    connections_job,
    extract_job,
    publish_job,
    nightly_job,
    agenda_job,
]
