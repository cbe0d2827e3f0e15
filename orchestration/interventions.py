"""The log of what schools did for pupils' attendance: ``ops.intervention``, append-only.

A correction, a closing and a withdrawal are new entries that state the whole; the last entry of an intervention holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from datetime import date, datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

Action = Literal["add", "correct", "close", "withdraw"]
LONGEST_NOTE = 200


class InterventionError(ValueError):
    """An entry that cannot be made; the text says why and what can."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What an entry states: the whole of an intervention, whichever part of it is new. Dates include both days."""

    school_id: int
    pupil_key: int
    kind: str
    started_on: date
    ended_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Intervention:
    """An intervention as its last entry states it."""

    intervention_id: int
    action: Action
    school_id: int
    pupil_key: int
    kind: str
    started_on: date
    ended_on: date | None
    note: str | None
    recorded_by: str
    recorded_at: datetime

    @property
    def is_open(self) -> bool:
        """It goes on."""
        return self.action != "withdraw" and self.ended_on is None

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return {**asdict(self), "is_open": self.is_open}


_LATEST = """
select distinct on (intervention_id) intervention_id, action, school_id, pupil_key, kind, started_on, ended_on, note,
       recorded_by, recorded_at
from ops.intervention
where (%(intervention)s::bigint is null or intervention_id = %(intervention)s)
order by intervention_id, entry_id desc
"""


def add(
    connection: psycopg.Connection[Any], stated: Statement, *, recorded_by: str, today: date | None = None
) -> Intervention:
    """Enter an intervention and return it. ``today`` is the last day that may be entered, the database's by default.

    Raises:
        InterventionError: the pupil is not of the school, the kind is unknown, a date cannot be, the note is too long.
    """
    _check(connection, stated, today)
    row = connection.execute(
        """
        insert into ops.intervention (entry_id, intervention_id, action, school_id, pupil_key, kind, started_on,
            ended_on, note, recorded_by)
        overriding system value
        select n.next, n.next, 'add', %s, %s, %s, %s, %s, %s, %s
        from (select nextval(pg_get_serial_sequence('ops.intervention', 'entry_id')) as next) as n
        returning intervention_id
        """,
        [*astuple(stated), recorded_by],
    ).fetchone()
    assert row is not None
    return find(connection, row[0])


def correct(
    connection: psycopg.Connection[Any],
    intervention_id: int,
    *,
    recorded_by: str,
    kind: str | None = None,
    started_on: date | None = None,
    ended_on: date | None = None,
    note: str | None = None,
    today: date | None = None,
) -> Intervention:
    """Enter what is given otherwise than before, keep the rest, and return the intervention.

    Raises:
        InterventionError: as :func:`add`; there is no such intervention, it was withdrawn, or nothing is given.
    """
    if (kind, started_on, ended_on, note) == (None, None, None, None):
        raise InterventionError("Say what to correct: --kind, --on, --until or --note.")
    given = {"kind": kind, "started_on": started_on, "ended_on": ended_on, "note": note}
    changes = {name: value for name, value in given.items() if value is not None}
    return _append(connection, intervention_id, "correct", changes, recorded_by=recorded_by, today=today)


def close(
    connection: psycopg.Connection[Any],
    intervention_id: int,
    *,
    ended_on: date,
    recorded_by: str,
    today: date | None = None,
) -> Intervention:
    """Enter an open intervention's last day and return it.

    Raises:
        InterventionError: there is no such intervention, it is not open, or the day cannot be.
    """
    before = find(connection, intervention_id)
    if before.ended_on is not None and before.action != "withdraw":
        raise InterventionError(
            f"Intervention {intervention_id} ended on {before.ended_on}. To change that:"
            f" `mis intervention correct {intervention_id} --until {ended_on}`."
        )
    return _append(connection, intervention_id, "close", {"ended_on": ended_on}, recorded_by=recorded_by, today=today)


def withdraw(connection: psycopg.Connection[Any], intervention_id: int, *, recorded_by: str) -> Intervention:
    """Enter that an intervention was entered by mistake; it stays in the log and leaves the mart.

    Raises:
        InterventionError: there is no such intervention, or it has been withdrawn before.
    """
    return _append(connection, intervention_id, "withdraw", {}, recorded_by=recorded_by)


def find(connection: psycopg.Connection[Any], intervention_id: int) -> Intervention:
    """The intervention as it stands.

    Raises:
        InterventionError: there is none of this number.
    """
    with connection.cursor(row_factory=class_row(Intervention)) as cursor:
        found = cursor.execute(_LATEST, {"intervention": intervention_id}).fetchone()
    if found is None:
        raise InterventionError(f"There is no intervention {intervention_id}. `mis intervention list` shows them.")
    return found


def interventions(
    connection: psycopg.Connection[Any],
    *,
    school_id: int | None = None,
    pupil_key: int | None = None,
    open_only: bool = False,
) -> list[Intervention]:
    """Those that stand, in order of number; withdrawn ones are left out."""
    with connection.cursor(row_factory=class_row(Intervention)) as cursor:
        rows = cursor.execute(_LATEST, {"intervention": None}).fetchall()
    return [
        row
        for row in rows
        if row.action != "withdraw"
        and school_id in (None, row.school_id)
        and pupil_key in (None, row.pupil_key)
        and (row.is_open or not open_only)
    ]


def _append(
    connection: psycopg.Connection[Any],
    intervention_id: int,
    action: Action,
    changes: Mapping[str, Any],
    *,
    recorded_by: str,
    today: date | None = None,
) -> Intervention:
    # Two who correct one intervention at once would each state the whole from what they saw.
    connection.execute("select pg_advisory_xact_lock(hashtextextended('mis intervention', %s))", [intervention_id])
    before = find(connection, intervention_id)
    if before.action == "withdraw":
        raise InterventionError(f"Intervention {intervention_id} was withdrawn. Enter it anew: `mis intervention add`.")
    stated = Statement(**{**{name: getattr(before, name) for name in Statement.__slots__}, **changes})
    if action != "withdraw":
        _check(connection, stated, today)
    connection.execute(
        "insert into ops.intervention (intervention_id, action, school_id, pupil_key, kind, started_on, ended_on, note,"
        " recorded_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [intervention_id, action, *astuple(stated), recorded_by],
    )
    return find(connection, intervention_id)


def _check(connection: psycopg.Connection[Any], stated: Statement, today: date | None) -> None:
    built = connection.execute(
        "select to_regclass('core.roll_year') is not null and to_regclass('reference.intervention_kind') is not null,"
        " coalesce(%s, current_date)",
        [today],
    ).fetchone()
    assert built is not None
    if not built[0]:
        raise InterventionError("The pupils have not been built yet: `mis run` builds them.")
    last_day: date = built[1]
    roll = connection.execute(
        "select min(on_roll_from), bool_or(on_roll_from is null) from core.roll_year"
        " where school_id = %s and pupil_key = %s",
        [stated.school_id, stated.pupil_key],
    ).fetchone()
    assert roll is not None
    first, has_no_first = roll
    if first is None and has_no_first is None:
        raise InterventionError(
            f"School {stated.school_id} has no pupil {stated.pupil_key}. The key is pupil_key in attendance.pupil;"
            " `mis status` shows the schools' ids."
        )
    kinds = [name for (name,) in connection.execute("select kind from reference.intervention_kind order by kind")]
    if stated.kind not in kinds:
        raise InterventionError(f"There is no kind {stated.kind!r}. The kinds are {', '.join(kinds)}.")
    if max(stated.started_on, stated.ended_on or stated.started_on) > last_day:
        raise InterventionError(f"The log holds what has happened: no day after {last_day}.")
    if first is not None and stated.started_on < first:
        raise InterventionError(
            f"{stated.started_on} is before {first}, the pupil's first day on roll that the platform knows."
        )
    if stated.ended_on is not None and stated.ended_on < stated.started_on:
        raise InterventionError(f"It cannot end on {stated.ended_on}, before it began on {stated.started_on}.")
    if stated.note is not None and len(stated.note) > LONGEST_NOTE:
        raise InterventionError(f"A note has at most {LONGEST_NOTE} characters, this one {len(stated.note)}.")
