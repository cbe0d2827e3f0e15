"""The extract log, ``ops.extract``: what is running, how each extract ended, and which can be taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from orchestration.connectors.base import Mode
from orchestration.ingest.categories import Category
from orchestration.ingest.load import Counts

State = Literal["loaded", "held", "failed"]

#: An extract that was interrupted longer ago is begun afresh: the partner's cursors may have expired, and its first
#: pages would be a day older than its last.
RESUME_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Extract:
    """One extract of one school's category. ``started_at`` is by our clock."""

    extract_id: int
    school_id: int
    source_id: int
    mode: Mode
    watermark_from: datetime | None
    archive_path: str | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """An extract that was loaded or held, as ``ops.extract`` has it."""

    extract_id: int
    school_id: int
    mode: Mode
    state: State
    pages: int
    rows_extracted: int
    rows_loaded: int
    rows_quarantined: int
    rows_removed: int
    message: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Tallies:
    """Rows of one table in one extract, as ``ops.extract_table`` has them.

    ``extracted`` counts what the partner sent; what of it is in none of the other columns came more than once, or was
    not loaded because the extract was held.
    """

    extracted: int
    quarantined: int
    unchanged: int = 0
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an extract ended; ``tables`` has its rows by table."""

    state: State
    message: str | None
    pages: int = 0
    as_at: datetime | None = None
    watermark_to: datetime | None = None
    tables: Mapping[str, Tallies] = field(default_factory=dict)

    @property
    def rows_extracted(self) -> int:
        """Rows that the partner sent."""
        return sum(tallies.extracted for tallies in self.tables.values())

    @property
    def rows_loaded(self) -> int:
        """Rows of ``raw`` that were inserted, changed or restored."""
        return sum(tallies.counts.written for tallies in self.tables.values())

    @property
    def rows_quarantined(self) -> int:
        """Rows that went to quarantine."""
        return sum(tallies.quarantined for tallies in self.tables.values())

    @property
    def rows_removed(self) -> int:
        """Rows of ``raw`` that were marked as gone."""
        return sum(tallies.counts.removed for tallies in self.tables.values())


def start(
    conn: psycopg.Connection[Any],
    *,
    run_id: str,
    school_id: int,
    source_id: int,
    category: Category,
    mode: Mode,
    watermark_from: datetime | None,
) -> Extract:
    """Log that a school's category is being extracted."""
    with conn.cursor(row_factory=class_row(Extract)) as cursor:
        cursor.execute(
            """
            insert into ops.extract (run_id, school_id, source_id, category, mode, state, watermark_from, started_at)
            values (%s, %s, %s, %s, %s, 'running', %s, clock_timestamp())
            returning extract_id, school_id, source_id, mode, watermark_from, archive_path, started_at
            """,
            (run_id, school_id, source_id, category.value, mode, watermark_from),
        )
        (extract,) = cursor.fetchall()
    return extract


def interrupted(conn: psycopg.Connection[Any], category: Category, school_id: int) -> list[Extract]:
    """Extracts that are logged as running, newest first: to whoever holds the school's lock, the interrupted ones."""
    with conn.cursor(row_factory=class_row(Extract)) as cursor:
        cursor.execute(
            """
            select extract_id, school_id, source_id, mode, watermark_from, archive_path, started_at
            from ops.extract
            where school_id = %s and category = %s and state = 'running'
            order by extract_id desc
            """,
            (school_id, category.value),
        )
        return cursor.fetchall()


def settled(conn: psycopg.Connection[Any], run_id: str, category: Category, school_ids: Sequence[int]) -> list[Settled]:
    """The schools whose category a run has already loaded or held; each school's last such extract, by school."""
    with conn.cursor(row_factory=class_row(Settled)) as cursor:
        cursor.execute(
            """
            select distinct on (school_id)
                extract_id, school_id, mode, state, pages, rows_extracted, rows_loaded, rows_quarantined, rows_removed,
                message, extract(epoch from finished_at - started_at)::float as seconds
            from ops.extract
            where run_id = %s and category = %s and school_id = any(%s) and state in ('loaded', 'held')
            order by school_id, extract_id desc
            """,
            (run_id, category.value, list(school_ids)),
        )
        return cursor.fetchall()


def take_up(conn: psycopg.Connection[Any], extract_id: int, run_id: str) -> None:
    """Let this run go on with an interrupted extract."""
    conn.execute("update ops.extract set run_id = %s where extract_id = %s", (run_id, extract_id))


def set_archive_path(conn: psycopg.Connection[Any], extract_id: int, path: str) -> None:
    """Log where the pages go, before the first of them does."""
    conn.execute("update ops.extract set archive_path = %s where extract_id = %s", (path, extract_id))


def finish(conn: psycopg.Connection[Any], extract_id: int, ending: Ending) -> None:
    """Log how an extract ended, and its rows by table; in the caller's transaction."""
    conn.execute(
        """
        update ops.extract set
            state = %s, as_at = %s, watermark_to = %s, finished_at = clock_timestamp(), pages = %s, rows_extracted = %s,
            rows_loaded = %s, rows_quarantined = %s, rows_removed = %s, message = %s
        where extract_id = %s
        """,
        (
            ending.state,
            ending.as_at,
            ending.watermark_to,
            ending.pages,
            ending.rows_extracted,
            ending.rows_loaded,
            ending.rows_quarantined,
            ending.rows_removed,
            ending.message,
            extract_id,
        ),
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.extract_table (
                extract_id, table_name, rows_extracted, rows_inserted, rows_changed, rows_unchanged, rows_quarantined,
                rows_removed
            ) values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    extract_id,
                    name,
                    tallies.extracted,
                    tallies.counts.inserted,
                    tallies.counts.changed + tallies.counts.restored,
                    tallies.unchanged,
                    tallies.quarantined,
                    tallies.counts.removed,
                )
                for name, tallies in ending.tables.items()
            ],
        )
