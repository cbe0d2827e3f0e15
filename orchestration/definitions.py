"""The one entry point of Dagster."""

from __future__ import annotations

import dagster as dg

from orchestration.defs.automation import SCHEDULES, SENSORS
from orchestration.defs.dbt import DBT_ASSETS
from orchestration.defs.estimates import ESTIMATES
from orchestration.defs.extract import RAW_ASSETS, connections
from orchestration.defs.gates import GATES
from orchestration.defs.jobs import JOBS
from orchestration.defs.publish import PUBLISHED_ASSETS
from orchestration.defs.resources import Platform
from orchestration.settings import get_settings

defs = dg.Definitions(
    assets=[connections, *RAW_ASSETS, *DBT_ASSETS, *ESTIMATES, *PUBLISHED_ASSETS],
    asset_checks=GATES,
    jobs=JOBS,
    schedules=SCHEDULES[get_settings().environment],
    sensors=SENSORS,
    resources={"platform": Platform()},
    # A process a step costs more than the step (measured: a small graph in 24 s, not 48 s).
    executor=dg.in_process_executor,
)
