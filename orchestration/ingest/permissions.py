"""Which scopes a column of raw needs, so that an empty one is told from one that a school does not share.

The map is data, ``reference.column_permission``: the seed is read here as well, because the first batch is judged
before dbt has built anything. Partners' names of property scopes are inferred (source_apis.md 1.4 and 2.3, I): a name
that a partner's list does not hold says nothing about its column.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from orchestration.ingest.categories import Table

#: In place of a column: the scope is needed for any row of the table.
WHOLE_TABLE = "*"


@dataclass(frozen=True, slots=True)
class ColumnPermission:
    """A scope of a partner without which a column of a raw table, or the whole table, is empty."""

    partner: str
    scope: str
    table_name: str
    column_name: str


def read(path: Path) -> tuple[ColumnPermission, ...]:
    """The map in a seed file; it has more columns than these. Raises ``OSError`` or ``KeyError`` when it is no such."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(
            ColumnPermission(row["partner"], row["scope"], row["table_name"], row["column_name"])
            for row in csv.DictReader(file)
        )


def withheld_columns(
    conn: psycopg.Connection[Any], permissions: Sequence[ColumnPermission], table: Table, schools: Sequence[int]
) -> dict[int, frozenset[str]]:
    """Columns of ``table`` that each of the schools does not grant us now; those it grants, and unknown ones, are not
    among them."""
    needed = [permission for permission in permissions if permission.table_name == table.name]
    rows = conn.execute(
        """
        select school.school_id, array_agg(distinct needed.column_name)
        from ops.school as school
        inner join unnest(%s::text[], %s::text[], %s::text[]) as needed (partner, scope, column_name)
            on needed.partner = school.partner
        inner join ops.school_scope as known
            on known.school_id = school.school_id and known.scope = needed.scope and not known.granted
        where school.school_id = any(%s)
        group by 1
        """,
        (
            [permission.partner for permission in needed],
            [permission.scope for permission in needed],
            [permission.column_name for permission in needed],
            list(schools),
        ),
    ).fetchall()
    return {school_id: frozenset(table.columns if WHOLE_TABLE in columns else columns) for school_id, columns in rows}
