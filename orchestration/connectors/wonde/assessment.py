"""Assessment's field names as configuration: which endpoints are read and where in a row each column stands.

The file's form is explained in ``assessment_paths.toml``, which is used unless another is named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from orchestration.connectors.base import Row, Value
from orchestration.connectors.values import BadValue, Days, Moments, flag, small, text
from orchestration.ingest.categories import CATEGORIES, Category, Table

_BUILT_IN = "assessment_paths.toml"


class PathMapError(ValueError):
    """The path map cannot be used; the message names the file, the section and what to mend."""


@dataclass(frozen=True, slots=True)
class AssessmentSource:
    """One section: a stream, the table it fills, and the reader that makes a row of the table from a partner's row.

    ``read_row`` raises ``BadValue``.
    """

    name: str
    table: str
    endpoint: str
    includes: tuple[str, ...]
    incremental: bool
    read_row: Callable[[dict[str, Any]], Row]


@dataclass(frozen=True, slots=True)
class PathMap:
    """The sections, in the order in which they are read."""

    sources: tuple[AssessmentSource, ...]


class _Section(msgspec.Struct, forbid_unknown_fields=True):
    table: str
    endpoint: str
    columns: dict[str, list[str]]
    include: list[str] = []
    incremental: bool = True


def load_path_map(path: Path | None = None) -> PathMap:
    """The path map in ``path``, or the built-in one. Raises ``PathMapError``."""
    name = str(path) if path else _BUILT_IN
    try:
        raw = path.read_bytes() if path else resources.files(__package__).joinpath(_BUILT_IN).read_bytes()
        sections = msgspec.convert(tomllib.loads(raw.decode()), dict[str, _Section])
    except OSError as error:
        raise PathMapError(f"{name}: cannot be read: {error.strerror}. Check the path in the configuration.") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise PathMapError(f"{name}: {error}. Compare with the built-in {_BUILT_IN}.") from None
    return PathMap(tuple(_source(name, stream, section) for stream, section in sections.items()))


def _source(file: str, stream: str, section: _Section) -> AssessmentSource:
    tables = {table.name: table for table in CATEGORIES[Category.ASSESSMENT].tables}
    if section.table not in tables:
        raise PathMapError(f"{file}: [{stream}] table {section.table!r} is none of {', '.join(tables)}.")
    table = tables[section.table]
    if set(section.columns) != set(table.columns):
        wrong = ", ".join(sorted(set(section.columns) ^ set(table.columns)))
        raise PathMapError(
            f"{file}: [{stream}.columns] must name exactly the columns of {table.name}; look at: {wrong}."
        )
    return AssessmentSource(
        stream,
        table.name,
        section.endpoint,
        tuple(section.include),
        section.incremental,
        _row_reader(table, section.columns),
    )


def _row_reader(table: Table, columns: dict[str, list[str]]) -> Callable[[dict[str, Any]], Row]:
    readers = [
        (tuple(tuple(path.split(".")) for path in columns[field.name]), _converter(field.name, field.sql_type))
        for field in table.fields
    ]

    def read_row(source: dict[str, Any]) -> Row:
        return tuple(convert(_find(source, paths)) for paths, convert in readers)

    return read_row


def _find(source: dict[str, Any], paths: Sequence[Sequence[str]]) -> Any:
    for path in paths:
        value: Any = source
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _converter(column: str, sql_type: str) -> Callable[[Any], Value]:
    match sql_type:
        case "date":
            days = Days(column)
            return lambda value: days[msgspec.json.encode(value)]
        case "timestamptz":
            moments = Moments(column)
            return lambda value: moments[msgspec.json.encode(value)]
        case "smallint":
            return lambda value: small(column, _scalar(column, value))
        case "boolean":
            return lambda value: flag(column, value if isinstance(value, bool) else _scalar(column, value))
        case _:
            return lambda value: text(_scalar(column, value))


def _scalar(column: str, value: Any) -> str | int | float | None:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    raise BadValue(column, f"a single value was expected, not {type(value).__name__}; does its path go deep enough?")
