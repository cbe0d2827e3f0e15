"""The agenda as Dagster runs it: every quarter of an hour, what is due, as extract runs of neighbouring schools."""

import dagster as dg

from orchestration.chain import run_chain
from orchestration.dead_runs import end_dead_runs
from orchestration.defs.resources import Platform
from orchestration.ingest import agenda


@dg.op(description="Extracts what orchestration.ingest.agenda says is due: a run for each row of neighbours.")
def extract_due(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Extract what is due now; fails at the end when a school was held or failed, after the others are done."""
    settings = platform.settings
    with platform.warehouse() as warehouse, warehouse.connect() as connection:
        row = connection.execute("select now()").fetchone()
        assert row is not None
        due = agenda.plan(connection, row[0], settings.requests_per_day)
    context.add_output_metadata({category.value: len(schools) for category, schools in due.items()})
    end_dead_runs(context.instance)
    failed: list[str] = []
    for category, schools in due.items():
        result = run_chain(
            context.repository_def,
            context.instance,
            categories=[category],
            schools=schools,
            purposes=(),
            refresh_lists=False,
            tags={"mis/agenda": context.run_id},
        )
        failed += [reason for reasons in result.failed.values() for reason in reasons]
    if failed:
        raise dg.Failure("Not everything that was due was accepted. " + "; ".join(failed[:5]), allow_retries=False)


@dg.job(
    name="agenda",
    description="Extract what is due: each category at its cadence, each school at its own minute, within the budget.",
)
def agenda_job() -> None:
    """What is due now, as a job."""
    extract_due()
