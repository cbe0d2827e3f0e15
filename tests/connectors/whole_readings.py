"""Reading a category of a school to its end, through any partner."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestration.connectors.base import BadRow, Gone, Page, Partner, Row, School
from orchestration.ingest.categories import CATEGORIES, Category, Table


@dataclass
class Reading:
    """What one school's category came to: rows by stream and table, and each stream's cursor."""

    pages: list[Page] = field(default_factory=list)
    rows: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    bad: list[BadRow] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    completing: set[str] = field(default_factory=set)

    def table(self, name: str) -> list[Row]:
        """Rows of a table; one that a later stream completes as it has it."""
        spec = next(spec for category in CATEGORIES.values() for spec in category.tables if spec.name == name)
        completed = {
            key_of(spec, row)
            for (stream, table), rows in self.rows.items()
            if table == name and stream in self.completing
            for row in rows
        }
        return [
            row
            for (stream, table), rows in self.rows.items()
            if table == name
            for row in rows
            if stream in self.completing or key_of(spec, row) not in completed
        ]


def key_of(table: Table, row: Row) -> tuple[Any, ...]:
    """The row's key within its school."""
    return tuple(row[table.columns.index(column)] for column in table.key)


def asked(question: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(question)


async def schools(partner: Partner) -> list[School]:
    async with partner:
        return await partner.schools()


async def read(
    partner: Partner,
    school: School,
    category: Category,
    *,
    cursors: Mapping[str, str] | None = None,
    **options: Any,
) -> Reading:
    reading, decoder = Reading(), partner.decoder(category)
    mode = "incremental" if cursors or options.get("updated_after") else "full"
    async with partner:
        for stream in partner.streams(category, mode):
            cursor = (cursors or {}).get(stream.name) if stream.incremental else None
            source = partner.pages(school, stream, **{"updated_after": None, "cursor": cursor, **options})
            async for page in source:
                held = decoder.decode(page.endpoint, page.body)
                reading.pages.append(page)
                if stream.completes:
                    reading.completing.add(stream.name)
                reading.bad += held.bad
                reading.gone += held.gone
                if page.cursor is not None:
                    reading.cursors[stream.name] = page.cursor
                for table in held.rows:
                    reading.rows[stream.name, table.table] += table.rows
    reading.incomplete = decoder.incomplete
    return reading
