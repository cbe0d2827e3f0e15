"""The agenda as Dagster runs it: every quarter of an hour, what is due, as extract runs of neighbouring schools."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg

from orchestration.chain import run_chain
from orchestration.dead_runs import end_dead_runs
from orchestration.defs.resources import Platform
from orchestration.ingest import agenda, locks
from orchestration.ingest.categories import Category
from orchestration.settings import Settings

#: Schools whose marks of earlier years are read in a quarter of an hour in which nothing else is due: their five years
#: or so must not make the next schools late.
_BACKFILLED_AT_ONCE = 5


@dg.op(description="Extracts what orchestration.ingest.agenda says is due: a run for each row of neighbours.")
def extract_due(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Extract what is due now, of marks this academic year's; earlier years when nothing is due.

    Nothing is done while another run of it is still at work. Fails at the end when a school was held or failed, after
    the others are done.
    """
    with platform.warehouse() as warehouse, warehouse.connect(autocommit=True) as connection:
        if not locks.try_agenda(connection):
            context.log.info("Another run is still at what was due before; what is due now waits for the next.")
            return
        failed = _work_off(context, connection, platform.settings)
    if failed:
        raise dg.Failure("Not everything that was due was accepted. " + "; ".join(failed[:5]), allow_retries=False)


def _work_off(context: dg.OpExecutionContext, connection: psycopg.Connection[Any], settings: Settings) -> list[str]:
    """Extract what is due, and say what was not accepted and why."""
    due = agenda.plan(connection, datetime.now(UTC), settings.requests_per_day)
    context.add_output_metadata({category.value: len(schools) for category, schools in due.items()})
    end_dead_runs(context.instance)
    if due:
        parts = [_extract(context, category, schools, full=False, this_year=True) for category, schools in due.items()]
        return [reason for reasons in parts for reason in reasons]
    waiting = agenda.backfill(connection, _BACKFILLED_AT_ONCE, settings.history_from)
    return _extract(context, Category.ATTENDANCE, waiting, full=True, this_year=False) if waiting else []


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
