"""How dbt's nodes appear in Dagster: keys by stage or purpose, one upstream asset a category, groups and owners."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.defs.extract import CONNECTIONS


class MisTranslator(DagsterDbtTranslator):
    """Keys are ``reference/…``, ``snapshot/…``, ``staging/…``, ``core/…`` and ``<purpose>/…``.

    All raw tables of a category come from one extract, so all of them are that category's one asset; the schools of
    ``ops`` come from the partner's lists. Another source names its asset in its meta, as dagster-dbt reads it.
    """

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_duplicate_source_asset_keys=True,
                enable_code_references=False,
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The asset a dbt node is, see the class."""
        if dbt_resource_props["resource_type"] == "source":
            if "dagster" in _meta(dbt_resource_props):
                return super().get_asset_key(dbt_resource_props)
            category = _meta(dbt_resource_props).get("category")
            return dg.AssetKey(["raw", category]) if category else CONNECTIONS
        return dg.AssetKey([stage_or_purpose(dbt_resource_props), dbt_resource_props["alias"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The group is the key's first part, so that the graph reads from left to right by stage."""
        return stage_or_purpose(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Analysts' engineers own what dbt builds."""
        return ["team:analytics-engineering"]


def stage_or_purpose(props: Mapping[str, Any]) -> str:
    """The stage up to ``core``, or the purpose whose mart the node is: its schema without ``build_``."""
    return str(props["schema"]).removeprefix("build_")


def _meta(props: Mapping[str, Any]) -> Mapping[str, Any]:
    config_meta = (props.get("config") or {}).get("meta") or {}
    return {**(props.get("meta") or {}), **config_meta}
