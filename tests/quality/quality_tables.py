"""Tables for the tests: made from what owns them (categories, dbt contracts), filled row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from orchestration.ingest.categories import CATEGORIES
from orchestration.quality.suites import Suite, load_suite

PROJECT = Path(__file__).resolve().parents[2]
EXPECTATIONS = PROJECT / "expectations"

PROFILE_COLUMNS = {
    "school_id": "integer",
    "table_name": "text",
    "mode": "text",
    "rows_landed": "integer",
    "rows_quarantined": "integer",
    "rows_in_raw": "integer",
    "rows_known": "integer",
    "granted": "boolean",
    "all_null_columns": "text[]",
    "withheld_columns": "text[]",
    "as_at": "timestamptz",
    "previous_as_at": "timestamptz",
}


def suite(path: str) -> Suite:
    return load_suite(EXPECTATIONS / f"{path}.json")


def raw_columns(table: str) -> dict[str, str]:
    """Columns of a landing table: the partner's, behind the school."""
    found = next(t for spec in CATEGORIES.values() for t in spec.all_tables if t.name == table)
    return {"school_id": "integer", **{field.name: field.sql_type for field in found.fields}}


def dbt_columns() -> dict[str, dict[str, str]]:
    """Columns of every core table and mart, by relation, as dbt's contracts state them."""
    relations = {}
    for path in sorted((PROJECT / "dbt_project" / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            folder = path.parent.name
            schema = f"build_{folder}" if path.parent.parent.name == "marts" else folder
            columns = {column["name"]: column.get("data_type", "text") for column in model["columns"]}
            relations[f"{schema}.{model['name'].split('__')[-1]}"] = columns
    return relations


def create(conn: psycopg.Connection[Any], relation: str, columns: Mapping[str, str]) -> None:
    """Make ``relation`` afresh, without constraints: tests put impossible rows into it."""
    listed = ", ".join(f"{name} {data_type}" for name, data_type in columns.items())
    statement = f"drop table if exists {relation} cascade; create table {relation} ({listed})"
    conn.execute(statement.encode())


def insert(conn: psycopg.Connection[Any], relation: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        conn.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(*relation.split(".")),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder() * len(row)),
            ),
            list(row.values()),
        )
