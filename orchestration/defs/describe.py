"""Metadata that people read in the Dagster UI: tables, samples of a relation, small pictures."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import psycopg
from psycopg import sql

SAMPLE_ROWS = 5


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A Markdown table; "none" when there are no rows."""
    lines = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    if not lines:
        return dg.MetadataValue.md("none")
    return dg.MetadataValue.md("\n".join(["| " + " | ".join(header) + " |", "|" + " --- |" * len(header), *lines]))


def sample(connection: psycopg.Connection[Any], schema: str, name: str) -> dg.MarkdownMetadataValue:
    """The first rows of a relation. For relations without names, UPN and address only: the UI has no row security."""
    query = sql.SQL("select * from {} limit {}").format(sql.Identifier(schema, name), SAMPLE_ROWS)
    cursor = connection.execute(query)
    return markdown_table([column.name for column in cursor.description or ()], cursor.fetchall())


def grouped_bars(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> dg.MarkdownMetadataValue:
    """Horizontal bars, one group a label and one bar a series in it, as a picture inside Markdown."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.5 * len(labels) + 1.5), layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / max(len(series), 1)
    for position, (name, values) in enumerate(series.items()):
        axes.barh([row + position * height for row in range(len(labels))], list(values), height, label=name)
    axes.set_yticks([row + height / 2 for row in range(len(labels))], list(labels))
    axes.invert_yaxis()
    axes.set_title(title)
    axes.legend(loc="lower left")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    encoded = base64.b64encode(picture.getvalue()).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
