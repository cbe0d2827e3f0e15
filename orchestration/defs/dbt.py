"""Stages reference, snapshot, staging, core and marts: one ``@dbt_assets`` each.

One a stage, because a gate between two stages of one ``@dbt_assets`` fires only after the mart has been overwritten.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject, dbt_assets
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dagster_dbt.dbt_manifest import validate_manifest

from orchestration.dbt.project import Stage, build_args, manifest_path, target_dir
from orchestration.dbt.runner import Event, ensure_manifest, invoke
from orchestration.defs.resources import Platform
from orchestration.defs.translator import MisTranslator
from orchestration.settings import get_settings
from orchestration.watch import onlooker

_settings = get_settings()
ensure_manifest(_settings)
MANIFEST = validate_manifest(manifest_path(_settings))
TRANSLATOR = MisTranslator()
PROJECT = DbtProject(
    project_dir=_settings.dbt_dir, profiles_dir=_settings.dbt_dir, target_path=target_dir(_settings).resolve()
)


def _log(context: dg.AssetExecutionContext, event: Event) -> None:
    # Its debugging is forty lines a model, each of them a row in Dagster's storage: a fifth of a quiet chain's work.
    if event["info"]["level"] != "debug":
        context.log.debug(event["info"]["msg"])


def _stage_assets(stage: Stage) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=MANIFEST,
        select=stage.selector,
        name=f"dbt_{stage.value}",
        project=PROJECT,
        dagster_dbt_translator=TRANSLATOR,
        pool="warehouse",
    )
    def assets(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[Any]:
        selected = get_updated_cli_invocation_params_for_context(context, MANIFEST, TRANSLATOR)
        with onlooker().stage(f"dbt {stage.value}"), platform.warehouse():
            result = invoke(
                platform.settings,
                build_args(selected.selection_args),
                on_event=lambda event: _log(context, event),
            )
        for event in result.events:
            message = DbtCoreCliEventMessage(raw_event=dict(event), event_history_metadata={})
            yield from message.to_default_asset_events(
                manifest=MANIFEST,
                dagster_dbt_translator=TRANSLATOR,
                context=context,
                target_path=target_dir(platform.settings),
                project=PROJECT,
            )
        if not result.success:
            raise dg.Failure(
                f"dbt {stage.value}: {len(result.failures)} nodes failed. " + " | ".join(result.failures[:5]),
                metadata={"failures": dg.MetadataValue.md("\n".join(f"- {failure}" for failure in result.failures))},
                allow_retries=False,
            )

    return assets


DBT_ASSETS = [_stage_assets(stage) for stage in Stage]
