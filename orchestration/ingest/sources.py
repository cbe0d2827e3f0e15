"""Sources of ids: a partner in front of an MIS, or files. With another partner or another MIS all of a school's change.

A row of ``raw`` belongs to the source of the extract that wrote it last, and only a reading of the same source can show
that it has gone.
"""

from __future__ import annotations

from typing import Any

import psycopg

#: The partner of what comes as a file.
FILE = "file"


def provide(
    conn: psycopg.Connection[Any], school_id: int, partner: str, partner_school_id: str | None, mis: str | None
) -> int:
    """Number of the source in use, which is entered when it was not known."""
    key = (school_id, partner, partner_school_id, mis)
    find = (
        "select source_id from ops.source where ended_at is null and school_id = %s and partner = %s"
        " and partner_school_id is not distinct from %s and mis is not distinct from %s"
    )
    row = conn.execute(find, key).fetchone()
    if row is None:
        # Only now: an insert that meets a conflict uses up a number, at every poll one for every school.
        conn.execute(
            "insert into ops.source (school_id, partner, partner_school_id, mis) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            key,
        )
        row = conn.execute(find, key).fetchone()
    assert row is not None
    number: int = row[0]
    return number


def end(conn: psycopg.Connection[Any], source_id: int) -> None:
    """Enter that the ids of a source are no longer given, though partner and MIS are the same."""
    conn.execute("update ops.source set ended_at = now() where source_id = %s", (source_id,))
