"""Part the rows that break a critical row rule from those that may go on, in one pass.

Great Expectations can count such rows but not list them (its lists are capped, and each is another scan), so the split
is SQL made from the same checks.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import psycopg

from orchestration.quality.predicates import bind, literal
from orchestration.quality.suites import Suite

_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")


def qualified(relation: str) -> str:
    """``schema.table`` quoted for SQL.

    Raises:
        ValueError: it is not two plain lower-case names.
    """
    parts = relation.split(".")
    if len(parts) != 2 or not all(_NAME.match(part) for part in parts):
        raise ValueError(f"{relation!r} is not a plain schema.table")
    return ".".join(f'"{part}"' for part in parts)


def key_object(suite: Suite) -> str:
    """SQL for the key of a row as a JSON object."""
    pairs = ", ".join(f"{literal(column)}, {column}" for column in suite.key)
    return f"jsonb_build_object({pairs})"


def quarantine_sql(suite: Suite, relation: str, where: str | None = None, as_at: date | None = None) -> str:
    """A query for the rows of ``relation`` that break a critical row rule of ``suite``.

    One row each: ``school_id integer``, ``row_key jsonb`` (the suite's key), ``rules text[]`` (every row rule it
    breaks, warnings too, in the suite's order), ``messages text[]`` beside them, ``payload jsonb`` (the whole row).
    ``where`` narrows the rows, ``as_at`` is as for ``run_gate``.

    Raises:
        ValueError: ``relation`` is not a plain ``schema.table``.
    """
    condition = f"{_breaks_critical(suite, as_at)}{f' and ({where})' if where else ''}"
    return f"{_named_rules(suite, as_at)} from (select * from {qualified(relation)} where {condition}) as broken"


def split_bad_rows(
    conn: psycopg.Connection[Any], suite: Suite, relation: str, *, into: str, as_at: date | None = None
) -> dict[int, int]:
    """Move the rows that break a critical row rule out of ``relation`` into ``into``; return how many, by school.

    ``into`` is a table with at least the columns of ``quarantine_sql``. One statement, in the caller's transaction.

    Raises:
        ValueError: ``relation`` or ``into`` is not a plain ``schema.table``.
        psycopg.Error: a rule cannot be evaluated (``run_gate`` reports which); nothing has moved.
    """
    statement = f"""
        with broken as (
            delete from {qualified(relation)} where {_breaks_critical(suite, as_at)} returning *
        ),
        moved as (
            insert into {qualified(into)} (school_id, row_key, rules, messages, payload)
            {_named_rules(suite, as_at)} from broken
            returning school_id
        )
        select school_id, count(*) from moved group by school_id
    """
    return dict(conn.execute(statement.encode()).fetchall())


def _breaks_critical(suite: Suite, as_at: date | None) -> str:
    predicates = [f"({bind(check.predicate, as_at)})" for _, check in suite.row_rules("critical")]
    return f"({' and '.join(predicates)}) is not true" if predicates else "false"


def _named_rules(suite: Suite, as_at: date | None) -> str:
    """The select list over a source called ``broken``: only bad rows get here, so asking every rule again is cheap."""
    broken = [(f"({bind(check.predicate, as_at)}) is not true", rule) for rule, check in suite.row_rules()]
    ids = _array([f"case when {breaks} then {literal(rule.rule_id)} end" for breaks, rule in broken])
    messages = _array([f"case when {breaks} then {literal(rule.message)} end" for breaks, rule in broken])
    return (
        f"select school_id, {key_object(suite)} as row_key, {ids} as rules, {messages} as messages,"
        " to_jsonb(broken) as payload"
    )


def _array(cases: list[str]) -> str:
    return f"array_remove(array[{', '.join(cases)}]::text[], null)"
