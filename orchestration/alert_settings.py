"""How schools have set the alert rules: defaults in the seed ``reference.alert_rule``, changes in ``ops``.

A change takes effect when the marts are built next.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row


class AlertSettingError(ValueError):
    """A setting that cannot be; the text says what can."""


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """An alert rule as it stands for one school, or by default; thresholds in ``unit``, the look-back in its own."""

    rule_id: str
    rule_title: str
    is_enabled: bool
    threshold: Decimal
    upper_threshold: Decimal | None
    unit: str
    look_back: int | None
    look_back_unit: str | None
    minimum_sessions: int
    severity: str
    set_by: str | None
    set_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return asdict(self)


_IN_FORCE = """
select r.rule_id, r.rule_title,
       coalesce(s.is_enabled, true) as is_enabled,
       coalesce(s.threshold, r.threshold) as threshold,
       r.upper_threshold,
       r.unit,
       coalesce(s.look_back, r.look_back)::int as look_back,
       r.look_back_unit,
       coalesce(s.minimum_sessions, r.minimum_sessions)::int as minimum_sessions,
       r.severity,
       s.set_by,
       s.set_at
from reference.alert_rule as r
left join ops.alert_rule_setting as s on s.rule_id = r.rule_id and s.school_id = %s
order by r.rule_id
"""


def rules_in_force(connection: psycopg.Connection[Any], school_id: int | None = None) -> list[RuleInForce]:
    """Every rule as it stands for a school, or its default when no school is given.

    Raises:
        AlertSettingError: the school is unknown, or the rules have not been built yet.
    """
    _check_built(connection)
    if school_id is not None:
        _check_school(connection, school_id)
    with connection.cursor(row_factory=class_row(RuleInForce)) as cursor:
        return cursor.execute(_IN_FORCE, [school_id]).fetchall()


def set_rule(
    connection: psycopg.Connection[Any],
    rule_id: str,
    school_id: int,
    *,
    set_by: str,
    is_enabled: bool | None = None,
    threshold: Decimal | None = None,
    look_back: int | None = None,
    minimum_sessions: int | None = None,
) -> RuleInForce:
    """Change what is given of a rule for a school, keep what was set before, and return the rule as it then stands.

    Raises:
        AlertSettingError: nothing is given, rule or school are unknown, or a value is out of the rule's bounds.
    """
    if (is_enabled, threshold, look_back, minimum_sessions) == (None, None, None, None):
        raise AlertSettingError("Say what to set: --threshold, --look-back, --minimum-sessions, --on or --off.")
    _check_built(connection)
    _check_school(connection, school_id)
    rule = _default(connection, rule_id)
    if threshold is not None and not rule["threshold_min"] <= threshold <= rule["threshold_max"]:
        raise AlertSettingError(
            f"The threshold of {rule_id} may be {rule['threshold_min']} to {rule['threshold_max']} {rule['unit']},"
            f" not {threshold}."
        )
    if threshold is not None and threshold != round(threshold, 2):
        raise AlertSettingError(f"A threshold has at most two decimal places, not {threshold}.")
    if look_back is not None:
        if rule["look_back_max"] is None:
            raise AlertSettingError(f"{rule_id} looks at the whole year so far: it has no look-back to set.")
        if not 1 <= look_back <= rule["look_back_max"]:
            raise AlertSettingError(
                f"The look-back of {rule_id} may be 1 to {rule['look_back_max']} {rule['look_back_unit']},"
                f" not {look_back}."
            )
    if minimum_sessions is not None and not 0 <= minimum_sessions <= 380:
        raise AlertSettingError(f"The minimum of possible sessions may be 0 to 380, not {minimum_sessions}.")
    connection.execute(
        """
        insert into ops.alert_rule_setting as s
            (school_id, rule_id, is_enabled, threshold, look_back, minimum_sessions, set_by)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (school_id, rule_id) do update set
            is_enabled = coalesce(excluded.is_enabled, s.is_enabled),
            threshold = coalesce(excluded.threshold, s.threshold),
            look_back = coalesce(excluded.look_back, s.look_back),
            minimum_sessions = coalesce(excluded.minimum_sessions, s.minimum_sessions),
            set_by = excluded.set_by,
            set_at = now()
        """,
        [school_id, rule_id, is_enabled, threshold, look_back, minimum_sessions, set_by],
    )
    return next(rule for rule in rules_in_force(connection, school_id) if rule.rule_id == rule_id)


def reset_rules(connection: psycopg.Connection[Any], school_id: int, rule_id: str | None = None) -> int:
    """Return one rule of a school, or all of them, to the default; how many had been set otherwise.

    Raises:
        AlertSettingError: rule or school are unknown.
    """
    _check_built(connection)
    _check_school(connection, school_id)
    if rule_id is not None:
        _default(connection, rule_id)
    return connection.execute(
        "delete from ops.alert_rule_setting where school_id = %s and (%s::text is null or rule_id = %s)",
        [school_id, rule_id, rule_id],
    ).rowcount


def _default(connection: psycopg.Connection[Any], rule_id: str) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rule = cursor.execute("select * from reference.alert_rule where rule_id = %s", [rule_id]).fetchone()
        if rule is None:
            known = cursor.execute("select string_agg(rule_id, ', ' order by rule_id) as ids from reference.alert_rule")
            ids = (known.fetchone() or {})["ids"]
            raise AlertSettingError(f"There is no alert rule {rule_id}. The rules are {ids}.")
    return rule


def _check_built(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("select to_regclass('reference.alert_rule')").fetchone()
    if row is None or row[0] is None:
        raise AlertSettingError("The alert rules have not been built yet: `mis run` builds them.")


def _check_school(connection: psycopg.Connection[Any], school_id: int) -> None:
    if connection.execute("select from ops.school where school_id = %s", [school_id]).fetchone() is None:
        raise AlertSettingError(f"There is no school {school_id}. `mis status` shows the ids.")
