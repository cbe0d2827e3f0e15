"""When things run by themselves, and who is told when they do not."""

from collections.abc import Iterator

import dagster as dg
import httpx

from orchestration.defs.agenda import agenda_job
from orchestration.defs.jobs import publish_job
from orchestration.defs.partitions import SCHOOLS, changes
from orchestration.defs.resources import Platform
from orchestration.ingest import registry
from orchestration.settings import get_settings

_TIMEZONE = "Europe/London"

#: What is due is looked for so often; a school's own minute is kept to within it.
agenda_schedule = dg.ScheduleDefinition(
    name="agenda",
    job=agenda_job,
    cron_schedule="*/15 * * * *",
    execution_timezone=_TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

#: After the windows in which schools are read (orchestration.ingest.agenda): before readers come, and after the
#: registers of the morning and of the afternoon.
publish_schedule = dg.ScheduleDefinition(
    name="publish",
    job=publish_job,
    cron_schedule=["15 5 * * *", "15 12 * * 1-5", "45 16 * * 1-5"],
    execution_timezone=_TIMEZONE,
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
        schools = registry.sync_all(warehouse, platform.partners(), platform.settings, closely=False)
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
    "server": [agenda_schedule, publish_schedule],
    "citus": [agenda_schedule, publish_schedule],
}
