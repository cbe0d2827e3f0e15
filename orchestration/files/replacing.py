"""A file that takes another's place: what only the former brought is marked as removed.

A corrected file corrects the rows it has in common with the one before. What that one said of the wrong pupil, or
should not have said at all, has no counterpart in it, and only whoever loads the file knows that it is its successor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.ingest.categories import Category, Table
from orchestration.ingest.landing import Landing
from orchestration.ingest.load import Accepted

#: Rows that others refer to: an aspect that no result names any more does no harm.
_SHARED = frozenset({"aspect", "result_set"})


@dataclass(frozen=True, slots=True)
class Replaced:
    """A file that is replaced, and those that it had replaced itself: the runs of their extracts, and the categories
    they filled.
    """

    run_ids: tuple[str, ...]
    categories: frozenset[Category]


def find(conn: psycopg.Connection[Any], school_id: int, kind: str, file_id: int) -> Replaced | None:
    """The file of that number; None when the school has none of the kind."""
    runs = conn.execute(
        """
        with recursive former as (
            select run_id, replaces from ops.file where school_id = %s and kind = %s and file_id = %s
            union
            select file.run_id, file.replaces from ops.file as file inner join former on file.file_id = former.replaces
        )
        select run_id from former
        """,
        (school_id, kind, file_id),
    ).fetchall()
    if not runs:
        return None
    run_ids = tuple(run_id for (run_id,) in runs)
    filled = conn.execute("select distinct category from ops.extract where run_id = any(%s)", (list(run_ids),))
    return Replaced(run_ids, frozenset(Category(category) for (category,) in filled))


def mark_removed(
    conn: psycopg.Connection[Any], replaced: Replaced, table: Table, landing: Landing, accepted: Accepted
) -> int:
    """Mark rows that the replaced file wrote last and that have not come again, in the caller's transaction."""
    if table.name in _SHARED:
        return 0
    return conn.execute(
        f"""
        update raw.{table.name} as present set removed_at = %s, extract_id = %s
        from ops.extract as wrote
        where wrote.run_id = any(%s)
            and present.school_id = %s
            and present.extract_id = wrote.extract_id
            and present.removed_at is null
            and not exists (select from {landing.rows(table)} as landed where {table.same_key("landed", "present")})
        """.encode(),
        (accepted.as_at, accepted.extract_id, list(replaced.run_ids), accepted.school_id),
    ).rowcount


def close_entries(conn: psycopg.Connection[Any], replaced: Replaced) -> None:
    """Close what the replaced file left in quarantine, in the caller's transaction; what is bad again was renewed."""
    conn.execute(
        "update quarantine.row set state = 'superseded', resolved_at = now()"
        " where state = 'open' and extract_id in (select extract_id from ops.extract where run_id = any(%s))",
        (list(replaced.run_ids),),
    )
