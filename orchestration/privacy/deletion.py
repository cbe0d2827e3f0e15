"""Deleting what came from a school that has revoked, when its time is up.

Everything that holds the school's pupils goes: raw, quarantine, core, what is built and published, targets,
interventions, and the archived pages. What stays says that there was a school and what was done: the ledger of consent,
the log of extracts and files without their messages, gate results without their examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from orchestration.ingest import connections
from orchestration.ingest.archive import Archive


class DeletionError(Exception):
    """The school may not be deleted; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Due:
    """A school whose data may be deleted, and since when."""

    school_id: int
    name: str
    delete_after: datetime


#: Tables of ``ops`` with rows of pupils, or with what only serves to read on where the last extract ended.
_OPS = (
    "alert_rule_setting",
    "exam_number",
    "intervention",
    "lost_pupil",
    "record_alias",
    "watermark",
)
#: Schemas whose tables are left alone: the platform's own log (but for ``_OPS``) and who may see what.
_KEPT = ("ops", "access", "reference", "estimates", "pg_catalog", "information_schema")


def due(conn: psycopg.Connection[Any]) -> list[Due]:
    """The schools whose deletion clock has run out, by number; a school that any partner still serves is not one."""
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        cursor.execute(
            """
            select school_id, school.name, max(delete_after) as delete_after
            from ops.connection inner join ops.school as school using (school_id)
            where not exists (
                select from ops.connection_event as event
                where event.connection_id = connection.connection_id and event.kind = 'deletion'
                    and event.happened_at > connection.state_since
            )
            group by school_id, school.name
            having bool_and(delete_after <= now())
            order by school_id
            """
        )
        return cursor.fetchall()


def delete_school(conn: psycopg.Connection[Any], archive: Archive, school_id: int) -> dict[str, int]:
    """Delete what came from a school, in one transaction and then from the archive; rows by table.

    Raises ``DeletionError``, and deletes nothing, for a school whose clock has not run out.
    """
    if school_id not in {school.school_id for school in due(conn)}:
        raise DeletionError(
            f"School {school_id} has not revoked, or its data are to be kept for now. "
            "`mis connections list` shows when they may be deleted."
        )
    paths = [
        path
        for (path,) in conn.execute(
            "select archive_path from ops.extract where school_id = %s and archive_path is not null", (school_id,)
        )
    ]
    with conn.transaction():
        # Append-only logs let rows of a person go to whoever says that this is what it is for.
        conn.execute("set local mis.erasure = 'on'")
        deleted = {
            table: conn.execute(
                sql.SQL("delete from {} where school_id = %s").format(sql.Identifier(*table.split(".", 1))),
                (school_id,),
            ).rowcount
            for table in _tables(conn)
        }
        # What is wrong with a file is told by the numbers and names of pupils.
        conn.execute(
            "delete from ops.file_fault using ops.file as file"
            " where file.file_id = file_fault.file_id and school_id = %s",
            (school_id,),
        )
        conn.execute("update ops.extract set message = null where school_id = %s", (school_id,))
        conn.execute("update ops.gate_result set examples = '[]' where school_id = %s", (school_id,))
        _log(conn, school_id, sum(deleted.values()))
    # After the transaction: a page that outlives its rows can be deleted again, rows that outlive their page could not.
    for path in paths:
        archive.delete(path)
    return {table: rows for table, rows in deleted.items() if rows}


def _tables(conn: psycopg.Connection[Any]) -> Sequence[str]:
    rows = conn.execute(
        """
        select nspname || '.' || relname
        from pg_class as c
        inner join pg_namespace as n on n.oid = c.relnamespace
        inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'school_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and (nspname <> all(%s) or (nspname = 'ops' and relname = any(%s)))
        order by 1
        """,
        (list(_KEPT), list(_OPS)),
    )
    return [name for (name,) in rows]


def _log(conn: psycopg.Connection[Any], school_id: int, rows: int) -> None:
    numbers = conn.execute("select connection_id from ops.connection where school_id = %s", (school_id,)).fetchall()
    for (connection_id,) in numbers:
        connections.log(
            conn, connection_id, "deletion", before=None, after=f"{rows} rows", learned_from="operator", reason=None
        )
