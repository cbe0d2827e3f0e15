"""The rules of the dbt project, as functions from a manifest to what breaks them: empty lists are good."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.ingest.categories import READABLE, Category, Purpose

Manifest = Mapping[str, Any]
Node = Mapping[str, Any]

_IMPORT = re.compile(
    r"as (?:not materialized )?\((?: -- noqa: \w+)?\s+select \* from \{\{ (?:ref|source)\([^}]*\) \}\}\s+\)"
)
_REFERENCE = re.compile(r"\{\{ (?:ref|source)\(")
_LARGE_TABLE_KEY = "school_id"
#: Marts without a school: areas of many schools, the calendar of all, models that all schools' pupils make, and rows of
#: national look-ups.
_NATIONAL = {
    "attendance__area_group_year",
    "attendance__area_year",
    "attendance__calendar_day",
    "attendance__national_rate",
    "attendance__published_rate",
    "attendance__risk_model",
    "attendance__risk_model_coefficient",
    "attendance__risk_reliability",
    "benchmarks__estimate_basis",
    "benchmarks__estimate_calibration",
    "benchmarks__estimate_reliability",
}
#: Incremental strategy and key of a model that counts whole years of schools again.
_WHOLE_YEARS = ("delete+insert", ("school_id", "academic_year"))


def models(manifest: Manifest) -> Iterator[Node]:
    """The project's models."""
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def snapshots(manifest: Manifest) -> Iterator[Node]:
    """The project's snapshots: what the platform remembers of rows that raw overwrites."""
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "snapshot")


def stage(node: Node) -> str:
    """``source``, ``estimates`` (numeric models' tables), ``reference`` (seeds), ``snapshot``, or a model's stage.

    Models are of ``staging``, ``core`` or ``marts``.
    """
    if node["resource_type"] == "source":
        return "estimates" if node["source_name"] == "estimates" else "source"
    if node["resource_type"] == "snapshot":
        return "snapshot"
    return "reference" if node["resource_type"] == "seed" else str(node["fqn"][1])


def purpose(node: Node) -> str | None:
    """The purpose of a mart, None for everything else."""
    declared = node.get("config", {}).get("meta", {}).get("purpose")
    return None if declared is None else str(declared)


def _node(manifest: Manifest, unique_id: str) -> Node:
    found: Node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
    return found


def _parents(manifest: Manifest, node: Node) -> list[Node]:
    """Where a node's data come from; of a table that a numeric model fills, what it was fitted from."""
    if stage(node) == "estimates":
        return [_node(manifest, f"model.mis.{name}") for name in node["config"]["meta"]["fitted_from"]]
    return [_node(manifest, parent) for parent in node.get("depends_on", {}).get("nodes", [])]


def categories_read(manifest: Manifest, node: Node) -> dict[Category, list[str]]:
    """The categories that a node reaches, each with the way to it, from the node to the source."""
    reached: dict[Category, list[str]] = {}
    queue: list[tuple[Node, list[str]]] = [(node, [str(node["name"])])]
    while queue:
        current, way = queue.pop()
        if current["resource_type"] == "source":
            category = current["config"]["meta"].get("category")
            if category is not None:
                reached.setdefault(Category(category), way)
        queue += [(parent, [*way, str(parent["name"])]) for parent in _parents(manifest, current)]
    return reached


def forbidden_categories(manifest: Manifest) -> list[str]:
    """Marts that reach a category their purpose may not read (the binding table of purposes and categories)."""
    return [
        f"{node['name']} ({purpose(node)}) reads {category}: {' <- '.join(way)}"
        for node in models(manifest)
        if purpose(node) is not None
        for category, way in categories_read(manifest, node).items()
        if category not in READABLE[Purpose(str(purpose(node)))]
    ]


def wrong_steps(manifest: Manifest) -> list[str]:
    """Edges against the stages: snapshots and staging read sources, core both, marts core; these two estimates too."""
    allowed = {
        "snapshot": {"source"},
        "staging": {"source", "reference"},
        "core": {"snapshot", "staging", "core", "reference", "estimates"},
        "marts": {"core", "marts", "reference", "estimates"},
    }
    return [
        f"{node['name']} reads {parent['name']}"
        for node in [*models(manifest), *snapshots(manifest)]
        for parent in _parents(manifest, node)
        if stage(parent) not in allowed[stage(node)] or (stage(parent) == "marts" and purpose(parent) != purpose(node))
    ]


def views_over_other_schemas(manifest: Manifest) -> list[str]:
    """Mart views that would read the warehouse live: a release holds all that its views stand on."""
    return [
        f"{node['name']} is a view over {parent['name']}"
        for node in models(manifest)
        if stage(node) == "marts" and node["config"]["materialized"] == "view"
        for parent in _parents(manifest, node)
        if parent["schema"] != node["schema"]
    ]


def undescribed(manifest: Manifest) -> list[str]:
    """Models, seeds, snapshots and source tables, and columns of all but the last, without a description."""
    described = {"model", "seed", "snapshot"}
    documented = [node for node in manifest["nodes"].values() if node["resource_type"] in described]
    relations = [node["name"] for node in [*documented, *manifest["sources"].values()] if not node["description"]]
    columns = [
        f"{node['name']}.{column['name']}"
        for node in documented
        for column in node["columns"].values()
        if not column["description"]
    ]
    return [*relations, *columns, *(node["name"] for node in documented if not node["columns"])]


def without_contract(manifest: Manifest) -> list[str]:
    """Core models and marts without an enforced contract, and their tables without a primary key led by the school."""
    lacking = []
    for node in models(manifest):
        if stage(node) not in {"core", "marts"} or node["config"]["materialized"] == "ephemeral":
            continue
        keys = [rule["columns"] for rule in node["constraints"] if rule["type"] == "primary_key"]
        if not node["config"]["contract"]["enforced"]:
            lacking.append(f"{node['name']}: no contract")
        elif node["config"]["materialized"] != "view" and not keys:
            lacking.append(f"{node['name']}: no primary key")
        elif any(key[0] != _LARGE_TABLE_KEY for key in keys) and node["name"] not in _NATIONAL:
            lacking.append(f"{node['name']}: the primary key does not begin with {_LARGE_TABLE_KEY}")
    return lacking


def named_constraints(manifest: Manifest) -> list[str]:
    """Constraints with a name: Postgres would refuse the second build, for the first one's still exists."""
    return [
        f"{node['name']}: {rule['name']}"
        for node in models(manifest)
        for holder in [node, *node["columns"].values()]
        for rule in holder["constraints"]
        if rule["name"]
    ]


def incremental_keys_without_school(manifest: Manifest) -> list[str]:
    """Incremental models whose key does not begin with the school, or that write otherwise than a school's rows by it.

    A merge writes rows by their own key; where a school's year is counted again whole, groups that it no longer has
    must go, so there the year is deleted and inserted.
    """
    return [
        str(node["name"])
        for node in models(manifest)
        if node["config"]["materialized"] == "incremental"
        and (
            (node["config"]["unique_key"] or [None])[0] != _LARGE_TABLE_KEY
            or (
                node["config"]["incremental_strategy"] != "merge"
                and (node["config"]["incremental_strategy"], tuple(node["config"]["unique_key"])) != _WHOLE_YEARS
            )
        )
    ]


def snapshots_that_forget(manifest: Manifest) -> list[str]:
    """Snapshots that read more than raw and its extracts, as who has withdrawn, or whose key is not led by the school.

    Rows of a school that has withdrawn would be missing from the query, which to dbt is as if its pupils had left.
    """
    return [
        str(node["name"])
        for node in snapshots(manifest)
        if any(parent["source_name"] != "raw" and parent["name"] != "extract" for parent in _parents(manifest, node))
        or node["config"]["unique_key"][0] != _LARGE_TABLE_KEY
    ]


def sql_of(manifest: Manifest, node: Node) -> str:
    """The model's text, with that of the project's macros that write it."""
    macros = (manifest["macros"][macro] for macro in node["depends_on"]["macros"] if macro.startswith("macro.mis."))
    return "\n".join([node["raw_code"], *(macro["macro_sql"] for macro in macros)])


def not_imported(manifest: Manifest) -> list[str]:
    """Models and snapshots that use a ref or a source without importing it: ``name as (select * from {{ ref() }})``."""
    return [
        str(node["name"])
        for node in [*models(manifest), *snapshots(manifest)]
        if len(_REFERENCE.findall(sql_of(manifest, node))) != len(_IMPORT.findall(sql_of(manifest, node)))
    ]


def star_at_the_end(manifest: Manifest) -> list[str]:
    """Core models and marts that end in ``select *``: a column upstream would become theirs unseen."""
    return [
        str(node["name"])
        for node in models(manifest)
        if stage(node) in {"core", "marts"}
        and re.search(r"^select \*", sql_of(manifest, node), re.MULTILINE) is not None
    ]


def hard_to_distribute(manifest: Manifest) -> list[str]:
    """Models with what a sharded server refuses over all schools (scale-out: one SQL for one server and many)."""
    return [
        str(node["name"])
        for node in models(manifest)
        if re.search(r"grouping sets|\brollup\b|\bcube\b|with recursive|percentile_", sql_of(manifest, node), re.I)
    ]
