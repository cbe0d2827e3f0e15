"""Suites of rules, read from the JSON files below ``expectations/``.

A suite is a Great Expectations suite in plain JSON, without the random ids that a file context would put there. A rule
has its one home in it: id, severity, message, owner, what to do, and the expectation. Reading a suite does not import
Great Expectations, which costs seconds.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from orchestration.quality.predicates import Check, PredicateError, RowCheck, compile_check

Stage = Literal["raw", "batch", "core", "mart"]
Severity = Literal["critical", "warning", "info"]


class SuiteError(ValueError):
    """A suite that cannot be used; the message names the file and everything to mend in it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    ``severity`` critical blocks (a row rule on arriving data: puts the row in quarantine), warning warns, info tells.
    """

    rule_id: str
    severity: Severity
    message: str
    owner: str
    what_to_do: str
    check: Check


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules of one relation.

    ``relation`` is the relation the rules are about (``raw.pupil``), also where they are evaluated on the rows on
    their way into it. ``key`` names the columns shown as examples of rows that break a rule: ids, no personal data.
    ``where`` narrows what the gate looks at, for a relation that costs too much to read whole; none reads all of it.
    """

    name: str
    title: str
    stage: Stage
    relation: str
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    source: str
    where: str | None = None

    @property
    def table(self) -> str:
        """The relation's name without its schema."""
        return self.relation.rpartition(".")[2]

    def row_rules(self, *severities: Severity) -> tuple[tuple[Rule, RowCheck], ...]:
        """The rules about single rows, with their checks; all of them, or those of the severities given."""
        return tuple(
            (rule, rule.check)
            for rule in self.rules
            if isinstance(rule.check, RowCheck) and (not severities or rule.severity in severities)
        )


def load_suite(path: Path) -> Suite:
    """Read and check one suite.

    Raises:
        SuiteError: the file is not JSON, or lacks something; all its troubles are named at once.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path}: not valid JSON: {error}") from error
    troubles: list[str] = []
    meta = _object(document, "meta", troubles, "the suite")
    entries = document.get("expectations") or ()
    if not entries:
        troubles.append("has no expectations")
    rules = [rule for number, entry in enumerate(entries, 1) if (rule := _rule(entry, f"rule {number}", troubles))]
    repeated = sorted(rule_id for rule_id, times in Counter(rule.rule_id for rule in rules).items() if times > 1)
    if repeated:
        troubles.append(f"rule ids used twice: {', '.join(repeated)}")
    name = _text(document, "name", troubles, "the suite")
    if "." in name:
        troubles.append("name must not hold a dot: Great Expectations refuses it")
    stage = _one_of(meta, "stage", get_args(Stage), troubles, "meta")
    relation = _text(meta, "relation", troubles, "meta")
    if relation.count(".") != 1:
        troubles.append("meta: relation must be schema.table")
    key = meta.get("key")
    if not (isinstance(key, list) and key and all(isinstance(column, str) for column in key)):
        troubles.append("meta: key must be a list of column names")
        key = []
    title = _text(meta, "title", troubles, "meta")
    where = _text(meta, "where", troubles, "meta") if "where" in meta else None
    if where and "%" in where:
        troubles.append(
            "meta: where must not hold a % sign, which Great Expectations garbles; use mod() or starts_with()"
        )
    if troubles:
        raise SuiteError(f"{path}: " + "; ".join(troubles))
    return Suite(
        name,
        title,
        cast(Stage, stage),
        relation,
        tuple(key),
        tuple(rules),
        _source(path),
        where,
    )


def load_suites(folder: Path) -> tuple[Suite, ...]:
    """Every suite below ``folder``, in order of path.

    Raises:
        SuiteError: a suite cannot be used, or two suites share a name or a rule id.
    """
    suites = tuple(load_suite(path) for path in sorted(folder.rglob("*.json")))
    names = Counter(suite.name for suite in suites)
    ids = Counter(rule.rule_id for suite in suites for rule in suite.rules)
    shared = sorted(name for name, times in (names + ids).items() if times > 1)
    if shared:
        raise SuiteError(f"{folder}: names or rule ids used in more than one suite: {', '.join(shared)}")
    return suites


def _rule(entry: object, where: str, troubles: list[str]) -> Rule | None:
    if not isinstance(entry, dict):
        troubles.append(f"{where}: is not an object")
        return None
    meta = _object(entry, "meta", troubles, where)
    rule_id = _text(meta, "id", troubles, where)
    where = rule_id or where
    severity = _one_of(entry, "severity", get_args(Severity), troubles, where)
    message, owner, what_to_do = (_text(meta, name, troubles, where) for name in ("message", "owner", "what_to_do"))
    try:
        check = compile_check(str(entry.get("type")), _object(entry, "kwargs", troubles, where))
    except PredicateError as error:
        troubles.append(f"{where}: {error}")
        return None
    return Rule(rule_id, cast(Severity, severity), message, owner, what_to_do, check)


def _object(holder: dict[str, Any], name: str, troubles: list[str], where: str) -> dict[str, Any]:
    value = holder.get(name)
    if isinstance(value, dict):
        return value
    troubles.append(f"{where}: {name} is missing")
    return {}


def _text(holder: dict[str, Any], name: str, troubles: list[str], where: str) -> str:
    value = holder.get(name)
    if isinstance(value, str) and value.strip():
        return value
    troubles.append(f"{where}: {name} is missing")
    return ""


def _one_of(holder: dict[str, Any], name: str, allowed: tuple[str, ...], troubles: list[str], where: str) -> str:
    value = holder.get(name)
    if isinstance(value, str) and value in allowed:
        return value
    troubles.append(f"{where}: {name} must be one of {', '.join(allowed)}")
    return ""


def _source(path: Path) -> str:
    """The path from the ``expectations`` folder on, which is what a reader of a result can open."""
    parts = path.parts
    start = len(parts) - 1 - parts[::-1].index("expectations") if "expectations" in parts else len(parts) - 1
    return "/".join(parts[start:])
