"""What a school may set of an alert rule."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.alert_settings import AlertSettingError, reset_rules, rules_in_force, set_rule
from orchestration.warehouse.connection import Warehouse

SEED = Path(__file__).parents[1] / "dbt_project" / "seeds" / "alert_rule.csv"


def defaults() -> list[dict[str, str | None]]:
    with SEED.open(newline="", encoding="utf-8") as file:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    """The rules as the seed has them, and two schools."""
    with warehouse.connect(autocommit=True) as opened:
        opened.execute(
            "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
            " values (1, 'wonde', 'A1', 'Oak', 'approved'), (2, 'wonde', 'A2', 'Elm', 'approved')"
        )
        opened.execute(
            "create table reference.alert_rule (rule_id text, rule_title text, measure text, unit text,"
            " threshold numeric(6,2), upper_threshold numeric(6,2), threshold_min numeric(6,2),"
            " threshold_max numeric(6,2), look_back smallint, look_back_unit text, look_back_max smallint,"
            " minimum_sessions smallint, severity text, message text, what_to_do text, source text, release integer)"
        )
        with opened.cursor() as cursor:
            marks = ", ".join(["%s"] * 17)
            cursor.executemany(
                f"insert into reference.alert_rule values ({marks})".encode(),
                [list(row.values()) for row in defaults()],
            )
        yield opened


def test_what_is_set_is_added_to_what_was_set_and_other_schools_keep_the_default(
    connection: psycopg.Connection[Any],
) -> None:
    set_rule(connection, "late", 1, set_by="alice", threshold=Decimal("3"))
    now = set_rule(connection, "late", 1, set_by="bob", look_back=6)
    assert (now.threshold, now.look_back, now.is_enabled, now.set_by) == (Decimal(3), 6, True, "bob")
    assert not set_rule(connection, "late", 1, set_by="bob", is_enabled=False).is_enabled
    assert set_rule(connection, "late", 1, set_by="bob", is_enabled=True).is_enabled
    elsewhere = next(rule for rule in rules_in_force(connection, 2) if rule.rule_id == "late")
    default = next(rule for rule in rules_in_force(connection) if rule.rule_id == "late")
    assert elsewhere == default
    assert (default.threshold, default.look_back, default.set_by) == (Decimal(5), 4, None)


@pytest.mark.parametrize(
    ("rule", "school", "given", "message"),
    [
        ("late", 1, {}, "Say what to set"),
        ("lateness", 1, {"threshold": Decimal(3)}, r"no alert rule lateness\. The rules are broken_weeks, "),
        ("late", 9, {"threshold": Decimal(3)}, r"no school 9\. `mis status`"),
        ("late", 1, {"threshold": Decimal(0)}, r"may be 1\.00 to 100\.00 sessions, not 0"),
        ("near_persistent", 1, {"threshold": Decimal(10)}, r"may be 1\.00 to 9\.99 % of possible sessions, not 10"),
        ("near_persistent", 1, {"threshold": Decimal("8.125")}, "at most two decimal places"),
        ("late", 1, {"look_back": 13}, "may be 1 to 12 school weeks, not 13"),
        ("late", 1, {"look_back": 0}, "may be 1 to 12 school weeks, not 0"),
        ("severe", 1, {"look_back": 4}, "no look-back to set"),
        ("severe", 1, {"minimum_sessions": 381}, "may be 0 to 380, not 381"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_can(
    connection: psycopg.Connection[Any], rule: str, school: int, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(AlertSettingError, match=message):
        set_rule(connection, rule, school, set_by="alice", **given)
    assert all(rule.set_by is None for rule in rules_in_force(connection, 1))


def test_reset_takes_one_rule_or_all_of_a_school_back(connection: psycopg.Connection[Any]) -> None:
    for rule in ("late", "no_marks", "severe"):
        set_rule(connection, rule, 1, set_by="alice", is_enabled=False)
    set_rule(connection, "late", 2, set_by="alice", is_enabled=False)
    assert reset_rules(connection, 1, "late") == 1
    assert reset_rules(connection, 1, "late") == 0
    assert reset_rules(connection, 1) == 2
    assert rules_in_force(connection, 1) == rules_in_force(connection)
    assert [rule.rule_id for rule in rules_in_force(connection, 2) if not rule.is_enabled] == ["late"]
    with pytest.raises(AlertSettingError, match="no alert rule lateness"):
        reset_rules(connection, 1, "lateness")


def test_before_the_first_build_it_says_what_to_run(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection, pytest.raises(AlertSettingError, match="mis run"):
        rules_in_force(connection)


def test_the_seeds_defaults_are_within_the_bounds_that_they_set() -> None:
    for rule in defaults():
        low, value, high = (Decimal(str(rule[name])) for name in ("threshold_min", "threshold", "threshold_max"))
        assert low <= value <= high, rule["rule_id"]
        if rule["upper_threshold"]:
            assert high < Decimal(rule["upper_threshold"]), rule["rule_id"]
        assert (rule["look_back"] is None) == (rule["look_back_max"] is None) == (rule["look_back_unit"] is None)
        if rule["look_back"]:
            assert 1 <= int(rule["look_back"]) <= int(str(rule["look_back_max"]))
