"""The agenda as Dagster runs it: every quarter of an hour, what is due, as extract runs of neighbouring schools."""

import dagster as dg

from orchestration.chain import run_chain
from orchestration.dead_runs import end_dead_runs
from orchestration.defs.resources import Platform
from orchestration.ingest import agenda
from orchestration.ingest.categories import Category

#: Schools whose marks of earlier years are read in a quarter of an hour in which nothing else is due: their five years
#: or so must not make the next schools late.
_BACKFILLED_AT_ONCE = 5


@dg.op(description="Extracts what orchestration.ingest.agenda says is due: a run for each row of neighbours.")
def extract_due(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Extract what is due now, of marks this academic year's; earlier years when nothing is due.

    Fails at the end when a school was held or failed, after the others are done.
    """
    settings = platform.settings
    with platform.warehouse() as warehouse, warehouse.connect() as connection:
        row = connection.execute("select now()").fetchone()
        assert row is not None
        due = agenda.plan(connection, row[0], settings.requests_per_day)
    context.add_output_metadata({category.value: len(schools) for category, schools in due.items()})
    end_dead_runs(context.instance)
    failed: list[str] = []
    for category, schools in due.items():
        failed += _extract(context, category, schools, full=False, this_year=True)
    if not due:
        with platform.warehouse() as warehouse, warehouse.connect() as connection:
            waiting = agenda.backfill(connection, _BACKFILLED_AT_ONCE)
        if waiting:
            failed += _extract(context, Category.ATTENDANCE, waiting, full=True, this_year=False)
    if failed:
        raise dg.Failure("Not everything that was due was accepted. " + "; ".join(failed[:5]), allow_retries=False)


def _extract(
    context: dg.OpExecutionContext, category: Category, schools: list[int], *, full: bool, this_year: bool
) -> list[str]:
    """Extract a category of the schools, and say what was not accepted and why."""
    from orchestration.definitions import defs  # which imports this module

    result = run_chain(
        defs.get_repository_def(),
        context.instance,
        categories=[category],
        schools=schools,
        purposes=(),
        refresh_lists=False,
        full=full,
        this_year=this_year,
        tags={"mis/agenda": context.run_id},
    )
    return [reason for reasons in result.failed.values() for reason in reasons]


@dg.job(
    name="agenda",
    description="Extract what is due: each category at its cadence, each school at its own minute, within the budget.",
)
def agenda_job() -> None:
    """What is due now, as a job."""
    extract_due()
