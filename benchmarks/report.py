"""A benchmark's result: tables for people, the same as JSON, and the blocks of ``docs/performance.md``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True)
class Table:
    """Figures in rows, as text; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def markdown(self) -> str:
        """The table as Markdown, figures to the right."""
        rule = ["---", *("---:" for _ in self.columns[1:])]
        lines = (f"| {' | '.join(cells)} |" for cells in (self.columns, rule, *self.rows))
        return f"**{self.title}**\n\n" + "\n".join(lines)

    def show(self, console: Console) -> None:
        """Print the table."""
        table = RichTable(title=self.title, title_justify="left")
        for place, column in enumerate(self.columns):
            table.add_column(column, justify="right" if place else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


@dataclass(frozen=True)
class Result:
    """What one benchmark found.

    ``figures`` are all numbers measured, round by round, as plain types; ``aims`` say of each aim whether it was met.
    ``machine`` and ``quick`` are filled in by the command.
    """

    name: str
    tables: list[Table]
    figures: dict[str, Any]
    aims: list[str] = field(default_factory=list)
    machine: dict[str, str] = field(default_factory=dict)
    quick: bool = False

    def show(self, console: Console) -> None:
        """Print the tables and what became of the aims."""
        for table in self.tables:
            table.show(console)
        for aim in self.aims:
            console.print(f"  {aim}")

    def write(self, folder: Path) -> Path:
        """Write ``<name>.json``, or ``<name>-quick.json`` so that a quick look does not cost the real figures."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}{'-quick' if self.quick else ''}.json"
        path.write_text(json.dumps(asdict(self), indent=2, default=str) + "\n", encoding="utf-8")
        return path


def read(path: Path) -> Result:
    """The result that ``Result.write`` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    found["tables"] = [
        Table(table["title"], tuple(table["columns"]), [tuple(row) for row in table["rows"]])
        for table in found["tables"]
    ]
    return Result(**found)


def put_into(document: Path, results: Iterable[Result]) -> list[str]:
    """Renew the blocks between ``<!-- NAME -->`` and ``<!-- /NAME -->`` of a document; the names that have no block."""
    text = document.read_text(encoding="utf-8")
    missing = []
    for result in results:
        parts = [table.markdown() for table in result.tables]
        parts += ["\n".join(f"- {aim}" for aim in result.aims)] if result.aims else []
        parts.append("*" + "; ".join(f"{name} {value}" for name, value in result.machine.items()) + "*")
        block = "\n\n".join(parts)
        marks = f"<!-- {result.name} -->", f"<!-- /{result.name} -->"
        before, found, rest = text.partition(marks[0])
        if not found or marks[1] not in rest:
            missing.append(result.name)
            continue
        after = rest.partition(marks[1])[2]
        text = f"{before}{marks[0]}\n\n{block}\n\n{marks[1]}{after}"
    document.write_text(text, encoding="utf-8")
    return missing
