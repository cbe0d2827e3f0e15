"""What a data engineer finds in the Dagster UI, and what is registered where."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.automation import SCHEDULES
from orchestration.ingest.categories import CATEGORIES, Purpose
from orchestration.settings import Settings

GRAPH = defs.resolve_asset_graph()
STAGES = {"ops", "raw", "snapshot", "reference", "staging", "core", "estimates", "published"} | {
    purpose.value for purpose in Purpose
}


def materialisable() -> list[dg.AssetKey]:
    return sorted(GRAPH.materializable_asset_keys)


@pytest.mark.parametrize("key", materialisable(), ids=lambda key: key.to_user_string())
def test_asset_says_what_it_is(key: dg.AssetKey) -> None:
    node = GRAPH.get(key)
    assert node.description
    assert node.owners
    assert node.kinds
    assert node.group_name
    assert key.path[0] in STAGES


def test_raw_assets_are_partitioned_by_school_and_nothing_else_is() -> None:
    partitioned = {key for key in materialisable() if GRAPH.get(key).is_partitioned}
    assert partitioned == {dg.AssetKey(["raw", category.value]) for category in CATEGORIES}


def test_every_published_purpose_waits_for_all_its_marts_and_their_gates() -> None:
    for purpose in Purpose:
        marts = {key for key in materialisable() if key.path[0] == purpose.value}
        assert marts
        assert GRAPH.get(dg.AssetKey(["published", purpose.value])).parent_keys == marts
    blocking = {key.asset_key for key in GRAPH.asset_check_keys if key.name == "gate"}
    assert {key.path[0] for key in blocking} >= {"core", "attendance"}


def test_the_risk_model_is_fitted_between_core_and_the_marts_that_apply_it() -> None:
    fitted = GRAPH.get(dg.AssetKey(["estimates", "attendance_risk"]))
    assert {key.path[0] for key in fitted.parent_keys} == {"core"}
    assert dg.AssetKey(["attendance", "risk_model_coefficient"]) in fitted.child_keys
    assert fitted.key in defs.get_repository_def().get_job("publish").asset_layer.selected_asset_keys


def test_every_environment_has_its_schedules_and_a_laptop_none() -> None:
    environments = Settings.model_fields["environment"].annotation.__args__  # type: ignore[union-attr]
    assert set(SCHEDULES) == set(environments)
    assert SCHEDULES["local"] == []
    assert {schedule.name for schedule in SCHEDULES["server"]} == {"agenda", "publish"}


def test_a_failed_gate_is_never_retried() -> None:
    for key in materialisable():
        policy = GRAPH.get(key).assets_def.op.retry_policy
        assert policy is None or key.path[0] == "raw", "only a partner that was away is worth another try"
