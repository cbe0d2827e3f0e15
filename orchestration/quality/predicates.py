"""From a rule to SQL: the one registry that says what a rule means.

A suite is written in Great Expectations' own JSON. Two readers must agree on what each rule means: the gate, in which
Great Expectations counts, and the quarantine, which names every rule a row breaks in one pass. Both take the SQL from
here, so a rule cannot count one set of rows and quarantine another. ``tests/quality/test_predicates.py`` holds each
type below to Great Expectations' own reading of it.

Why the standard types are not handed to Great Expectations as they stand (measured on 1 M marks, 15 rules, GX 1.24.1):
it works out column maps in up to three scans, one for each depth of its metric graph, and on a ``where`` slice it
fetches *every row of the slice* to learn the column names. As SQL predicates the same rules are one scan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


class PredicateError(ValueError):
    """A rule that cannot be turned into SQL; the message says what to mend in the suite."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A rule about one row.

    ``predicate`` is SQL over the row's columns. A row keeps the rule only where it is true: false and null both break
    it, so that a forgotten null shows as a failure and not as a silent pass.
    """

    predicate: str


@dataclass(frozen=True, slots=True)
class TableCheck:
    """A rule about a relation as a whole.

    ``condition`` is one boolean made of aggregates and uncorrelated subqueries; null means that the rule could not be
    evaluated. ``observed`` is SQL for the value that a reader wants to see beside the verdict.
    """

    condition: str
    observed: str


Check = RowCheck | TableCheck

_COLUMN = re.compile(r"[a-z_][a-z0-9_]*\Z")
#: Not ``::as_at``, which would be a cast.
_AS_AT = re.compile(r"(?<!:):as_at\b")


def compile_check(expectation: str, kwargs: Mapping[str, Any]) -> Check:
    """The SQL of one expectation.

    Raises:
        PredicateError: the type is not in the registry, or its kwargs lack something or hold something unknown.
    """
    build = _REGISTRY.get(expectation)
    if build is None:
        raise PredicateError(f"unknown expectation type {expectation!r}; known: {', '.join(sorted(_REGISTRY))}")
    return build(dict(kwargs))


def bind(sql: str, as_at: date | None) -> str:
    """``sql`` with ``:as_at``, the day the data stand for, filled in; without a day it is the database's today."""
    return _AS_AT.sub("current_date" if as_at is None else f"date '{as_at.isoformat()}'", sql)


def literal(value: object) -> str:
    """A Python value from JSON as an SQL literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise PredicateError(f"{value!r} is not a text, number or boolean")


def _take(kwargs: dict[str, Any], *required: str, optional: tuple[str, ...] = ()) -> None:
    missing = [f"kwarg {name} is missing" for name in required if name not in kwargs]
    unknown = [f"kwarg {name} is not known" for name in sorted(set(kwargs) - {*required, *optional})]
    if missing or unknown:
        raise PredicateError(", ".join(missing + unknown))


def _column(kwargs: dict[str, Any]) -> str:
    name = kwargs["column"]
    if not isinstance(name, str) or not _COLUMN.match(name):
        raise PredicateError(f"column {name!r} is not a plain lower-case column name")
    return name


def _text(kwargs: dict[str, Any], name: str) -> str:
    value = kwargs[name]
    if not isinstance(value, str) or not value.strip():
        raise PredicateError(f"{name} must be SQL text")
    return value


def _between(expression: str, kwargs: dict[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    bounds = [f"{expression} >= {literal(low)}"] if low is not None else []
    bounds += [f"{expression} <= {literal(high)}"] if high is not None else []
    if not bounds:
        raise PredicateError("give min_value, max_value or both")
    return " and ".join(bounds)


def _not_null(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "column")
    return RowCheck(f"{_column(kwargs)} is not null")


def _in_set(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "column", "value_set")
    values = kwargs["value_set"]
    if not isinstance(values, list) or not values:
        raise PredicateError("value_set must be a list with at least one value")
    column = _column(kwargs)
    return RowCheck(f"{column} is null or {column} in ({', '.join(literal(value) for value in values)})")


def _values_between(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "column", optional=("min_value", "max_value"))
    column = _column(kwargs)
    return RowCheck(f"{column} is null or ({_between(column, kwargs)})")


def _lengths_between(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "column", optional=("min_value", "max_value"))
    column = _column(kwargs)
    return RowCheck(f"{column} is null or ({_between(f'length({column})', kwargs)})")


def _match_regex(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "column", "regex")
    column = _column(kwargs)
    return RowCheck(f"{column} is null or {column} ~ {literal(_text(kwargs, 'regex'))}")


def _rows_satisfy(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "predicate")
    return RowCheck(_text(kwargs, "predicate"))


def _row_count_between(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, optional=("min_value", "max_value"))
    return TableCheck(_between("count(*)", kwargs), "count(*)")


def _table_satisfies(kwargs: dict[str, Any]) -> Check:
    _take(kwargs, "condition", "observed")
    return TableCheck(_text(kwargs, "condition"), _text(kwargs, "observed"))


_REGISTRY: dict[str, Callable[[dict[str, Any]], Check]] = {
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_be_between": _values_between,
    "expect_column_value_lengths_to_be_between": _lengths_between,
    "expect_column_values_to_match_regex": _match_regex,
    "expect_rows_to_satisfy": _rows_satisfy,
    "expect_table_row_count_to_be_between": _row_count_between,
    "expect_table_to_satisfy": _table_satisfies,
}
