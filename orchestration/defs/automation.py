"""When things run by themselves, and who is told when they do not."""

from collections.abc import Iterator

import dagster as dg
import httpx

from orchestration.defs.jobs import nightly_job
from orchestration.defs.partitions import SCHOOLS, changes
from orchestration.defs.resources import Platform
from orchestration.ingest import registry
from orchestration.settings import get_settings

_TIMEZONE = "Europe/London"

#: 02:15: the MIS and the partner have finished their own nightly work, and readers come at 07:00.
nightly_schedule = dg.ScheduleDefinition(
    name="nightly",
    job=nightly_job,
    cron_schedule="15 2 * * *",
    execution_timezone=_TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

#: Registers close by half past nine and, after lunch, by two; partners read the MIS within the hour after that.
registers_schedule = dg.ScheduleDefinition(
    name="registers",
    job=nightly_job,
    cron_schedule=["30 10 * * 1-5", "45 14 * * 1-5"],
    execution_timezone=_TIMEZONE,
    run_config={"ops": {"chain": {"config": {"categories": ["attendance"]}}}},
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(
    name="partner_lists",
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps the school partitions in step with the partners' approved lists; a revoked school goes at once.",
)
def partner_lists(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SensorResult | dg.SkipReason:
    """Ask the partner for its lists and propose the changes of the partitions."""
    with platform.warehouse() as warehouse:
        schools = registry.sync_all(warehouse, platform.partners(), platform.settings)
    assert SCHOOLS.name is not None
    added, deleted = changes(
        context.instance.get_dynamic_partitions(SCHOOLS.name),
        [(school.school_id, school.name) for school in schools if school.state == "approved"],
    )
    if not added and not deleted:
        return dg.SkipReason(f"{len(schools)} schools, none came or went")
    return dg.SensorResult(
        dynamic_partitions_requests=[SCHOOLS.build_add_request(added), SCHOOLS.build_delete_request(deleted)]
    )


@dg.run_failure_sensor(
    name="run_failure_notifier",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Logs each failed run with its reason and posts it to MIS_ALERT_WEBHOOK when that is set.",
)
def run_failure_notifier(context: dg.RunFailureSensorContext) -> None:
    """Tell people. A webhook that fails is an error of this sensor's tick, visible beside it."""
    reasons = list(_reasons(context))
    message = f"{context.dagster_run.job_name} {context.dagster_run.run_id} failed: {'; '.join(reasons)}"
    context.log.error(message)
    webhook = get_settings().alert_webhook
    if webhook is not None:
        httpx.post(str(webhook), json={"text": message}, timeout=10).raise_for_status()


def _reasons(context: dg.RunFailureSensorContext) -> Iterator[str]:
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        described = failure.user_failure_data.description if failure.user_failure_data else None
        yield f"{event.step_key}: {described or (failure.error.message.strip() if failure.error else 'unknown')}"
    if not context.get_step_failure_events():
        yield context.failure_event.message or "no step failed; see the run"


SENSORS = [partner_lists, run_failure_notifier]

#: Which schedules exist where. Registration and not a default status decides, because a toggle in the UI overrides a
#: default for ever after. A laptop's sandbox needs no night shift.
SCHEDULES: dict[str, list[dg.ScheduleDefinition]] = {
    "local": [],
    "server": [nightly_schedule, registers_schedule],
    "citus": [nightly_schedule, registers_schedule],
}
