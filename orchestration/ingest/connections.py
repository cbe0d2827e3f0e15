"""The ledger of consent: which school lets which application of ours read what, through which partner, since when.

``ops.connection`` and ``ops.connection_scope`` say how it stands, ``ops.connection_event`` keeps every change. What a
partner's lists, its notices or an operator tell is recorded by the same functions, so telling them twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from orchestration.connectors.base import School, SchoolState, Scope

LearnedFrom = Literal["poll", "webhook", "form", "operator", "platform"]

#: What a school takes back: its data are hidden at the next publication, and the deletion clock runs.
WITHDRAWN: tuple[SchoolState, ...] = ("revoked", "declined")


@dataclass(frozen=True, slots=True)
class Connection:
    """A row of ``ops.connection``."""

    connection_id: int
    school_id: int
    application: str
    partner: str
    partner_school_id: str
    state: SchoolState
    state_since: datetime
    seen_at: datetime
    delete_after: datetime | None


_COLUMNS = (
    "connection_id, school_id, application, partner, partner_school_id, state, state_since, seen_at, delete_after"
)


def of_partner(conn: psycopg.Connection[Any], application: str, partner: str) -> dict[str, Connection]:
    """An application's connections through a partner, by the partner's id of the school."""
    with conn.cursor(row_factory=class_row(Connection)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from ops.connection where application = %s and partner = %s".encode(),
            (application, partner),
        )
        return {connection.partner_school_id: connection for connection in cursor}


def of_school(conn: psycopg.Connection[Any], application: str, school_id: int) -> list[Connection]:
    """An application's connections to a school, the oldest first."""
    with conn.cursor(row_factory=class_row(Connection)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from ops.connection where application = %s and school_id = %s"
            " order by connection_id".encode(),
            (application, school_id),
        )
        return cursor.fetchall()


def scopes_of(conn: psycopg.Connection[Any], connection_ids: Sequence[int]) -> dict[int, dict[str, bool]]:
    """What is known of each connection's scopes: name to whether it is granted."""
    found: dict[int, dict[str, bool]] = {number: {} for number in connection_ids}
    rows = conn.execute(
        "select connection_id, scope, granted from ops.connection_scope where connection_id = any(%s)",
        (list(connection_ids),),
    )
    for number, scope, granted in rows:
        found[number][scope] = granted
    return found


def looked_at_since(conn: psycopg.Connection[Any], application: str, partner: str, within: timedelta) -> list[str]:
    """The partner's ids of approved schools whose scopes were asked for within that time."""
    rows = conn.execute(
        "select partner_school_id from ops.connection as connection"
        " where application = %s and partner = %s and state = 'approved' and exists ("
        " select from ops.connection_scope as known"
        " where known.connection_id = connection.connection_id and known.seen_at > now() - %s)",
        (application, partner, within),
    )
    return [school for (school,) in rows]


def seen(conn: psycopg.Connection[Any], listed: Sequence[int], scopes_asked: Sequence[int]) -> None:
    """Enter that the partner was asked about connections, and about the scopes of some of them, just now."""
    for table, ids in (("connection", listed), ("connection_scope", scopes_asked)):
        conn.execute(f"update ops.{table} set seen_at = now() where connection_id = any(%s)".encode(), (list(ids),))


def open_connection(
    conn: psycopg.Connection[Any], school_id: int, application: str, school: School, learned_from: LearnedFrom
) -> Connection:
    """Enter a connection that was not known, and its first event."""
    with conn.cursor(row_factory=class_row(Connection)) as cursor:
        cursor.execute(
            f"""
            insert into ops.connection (school_id, application, partner, partner_school_id, state)
            values (%s, %s, %s, %s, %s) returning {_COLUMNS}
            """.encode(),
            (school_id, application, school.partner, school.partner_school_id, school.state),
        )
        (connection,) = cursor.fetchall()
    log(conn, connection.connection_id, "state", before=None, after=school.state, learned_from=learned_from)
    return connection


def set_state(
    conn: psycopg.Connection[Any],
    connection: Connection,
    state: SchoolState,
    learned_from: LearnedFrom,
    *,
    keep_for: timedelta,
    reason: str | None = None,
) -> bool:
    """Enter that a connection is in ``state``; True when that is a change.

    A withdrawal starts the deletion clock, which runs for ``keep_for``; an approval stops it. A withdrawn school that
    falls out of the partner's lists stays withdrawn: it has not said anything else.
    """
    if state == connection.state or (state == "offline" and connection.state in WITHDRAWN):
        return False
    conn.execute(
        """
        update ops.connection set
            state = %(state)s,
            state_since = now(),
            delete_after = case
                when %(state)s = 'approved' then null
                when %(withdrawn)s then coalesce(delete_after, now() + %(keep_for)s)
                else delete_after
            end
        where connection_id = %(connection)s
        """,
        {
            "state": state,
            "withdrawn": state in WITHDRAWN,
            "keep_for": keep_for,
            "connection": connection.connection_id,
        },
    )
    log(
        conn,
        connection.connection_id,
        "state",
        before=connection.state,
        after=state,
        learned_from=learned_from,
        reason=reason,
    )
    return True


def record_scopes(
    conn: psycopg.Connection[Any],
    connection_id: int,
    before: Mapping[str, bool],
    scopes: Sequence[Scope],
    learned_from: LearnedFrom,
) -> bool:
    """Enter what a school grants now; True when that is other than ``before`` (see ``scopes_of``).

    A scope that is not listed any more is not granted: left as it was, an old grant would look like a present one.
    """
    now = dict.fromkeys(before, False) | {scope.name: scope.granted for scope in scopes}
    if now == before:
        return False
    conn.execute(
        """
        insert into ops.connection_scope as known (connection_id, scope, granted)
        select %s, scope, granted from unnest(%s::text[], %s::boolean[]) as asked (scope, granted)
        on conflict (connection_id, scope) do update set
            granted = excluded.granted,
            since = case when known.granted = excluded.granted then known.since else excluded.since end
        """,
        (connection_id, list(now), list(now.values())),
    )
    for name, granted in now.items():
        if before.get(name) is not granted:
            log(
                conn,
                connection_id,
                "scope",
                scope=name,
                before=_word(before.get(name)),
                after=_word(granted),
                learned_from=learned_from,
            )
    return True


def log(
    conn: psycopg.Connection[Any],
    connection_id: int,
    kind: Literal["state", "scope", "migration", "serving", "deletion"],
    *,
    before: str | None,
    after: str | None,
    learned_from: LearnedFrom,
    scope: str | None = None,
    reason: str | None = None,
) -> None:
    """Add an event to the ledger, in the caller's transaction."""
    conn.execute(
        "insert into ops.connection_event (connection_id, kind, scope, before, after, learned_from, reason)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (connection_id, kind, scope, before, after, learned_from, reason),
    )


def _word(granted: bool | None) -> str | None:
    return None if granted is None else "granted" if granted else "not granted"
