"""What a page shows: figures, each a chart with the table of its numbers, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Card:
    """A figure in large print: its name, its value, what it is made of, and what stands beside it.

    ``beside`` holds names with a value, and with a difference where there is one; all are texts, ready to print.
    """

    name: str
    value: str
    detail: str = ""
    beside: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers, which stand to the right."""

    heading: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts, ready to print. The first cell of a row is its heading."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as SVG, what it shows in a sentence, and its numbers for those who cannot or will not look at it."""

    id: str
    title: str
    description: str
    svg: Markup
    table: Table


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> Table:
    """Return a table whose first ``texts`` columns are words and the others numbers."""
    return Table(caption, [Column(heading, number >= texts) for number, heading in enumerate(headings)], rows)
