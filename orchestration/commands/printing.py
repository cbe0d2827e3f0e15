"""What the commands print: tables for people, JSON for scripts, errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

#: Into a pipe or a file, columns must not be cut at the 80 characters of a terminal that is not there.
_PIPE_WIDTH = 240

out = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of tables for people.")]


def print_json(value: Any) -> None:
    """Print a value as JSON; what JSON does not know, as text."""
    json.dump(value, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows and how many they are; null is empty."""
    table = Table(*header)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    out.print(table)
    out.print(f"{len(rows)} rows")


def fail(message: str) -> NoReturn:
    """Say what is wrong and what to do, and end the command with exit status 1."""
    err.print(message, markup=False)
    raise typer.Exit(1)
