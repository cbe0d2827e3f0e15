"""How far each school's category has been read (``ops.watermark``), and what that means for the next extract."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from orchestration.connectors.base import Mode
from orchestration.ingest.categories import Category, CategorySpec
from orchestration.ingest.extracts import Extract

#: How far the watermark stays behind the partner's clock at the first page: a record that was being written while we
#: began to read may carry a slightly earlier time. Reading it again changes nothing.
OVERLAP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Grain: one school and category.

    ``updated_after`` is by the partner's clock; ``full_at`` is when the last accepted full extract was started, by our
    own clock (a partner's stand-in may keep another day), and null when a full one is due at once. ``source_id`` is
    where the last accepted extract was read from. ``cursors`` has, by stream, the partner's name of the point up to
    which it was read, where it tracks changes by such names; null for a stream that the last accepted extract could not
    read, and whose changes since then nobody has seen.
    """

    school_id: int
    updated_after: datetime
    full_at: datetime | None
    extract_id: int
    source_id: int
    cursors: Mapping[str, str | None]


def read(conn: psycopg.Connection[Any], category: Category, school_ids: Sequence[int]) -> dict[int, Watermark]:
    """The watermarks that exist, by school."""
    with conn.cursor(row_factory=class_row(Watermark)) as cursor:
        cursor.execute(
            "select watermark.school_id, updated_after, full_at, watermark.extract_id, source_id, cursors"
            " from ops.watermark as watermark inner join ops.extract as extract using (extract_id)"
            " where watermark.category = %s and watermark.school_id = any(%s)",
            (category.value, list(school_ids)),
        )
        return {watermark.school_id: watermark for watermark in cursor}


def next_mode(watermark: Watermark | None, spec: CategorySpec, now: datetime, *, full: bool) -> Mode:
    """``full`` when asked for, when nothing was accepted yet, or when the last full extract has become too old."""
    if full or watermark is None or watermark.full_at is None or now - watermark.full_at > spec.full_every:
        return "full"
    return "incremental"


def advance(
    conn: psycopg.Connection[Any],
    category: Category,
    extract: Extract,
    first_page_as_at: datetime,
    *,
    cursors: Mapping[str, str],
    denied: Collection[str],
    covers_from: date | None,
) -> datetime:
    """Record an accepted extract, in the caller's transaction; returns the new ``updated_after``.

    ``cursors`` are those of the streams that were read. One that was ``denied`` keeps the cursor it had; without one it
    gets null, because the time goes on for the others, and what changed meanwhile would be missed when it is read
    again. ``covers_from`` is the day before which nothing was asked for, None when all was; once all has been read,
    that stays so.
    """
    updated_after = first_page_as_at - OVERLAP
    conn.execute(
        """
        insert into ops.watermark (school_id, category, updated_after, full_at, extract_id, cursors, covers_from)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (school_id, category) do update set
            updated_after = excluded.updated_after,
            full_at = coalesce(excluded.full_at, watermark.full_at),
            extract_id = excluded.extract_id,
            cursors = %s || jsonb_strip_nulls(watermark.cursors) || %s,
            covers_from = case
                when excluded.full_at is null then watermark.covers_from
                when excluded.covers_from < watermark.covers_from then excluded.covers_from
                when excluded.covers_from >= watermark.covers_from then watermark.covers_from
            end
        """,
        (
            extract.school_id,
            category.value,
            updated_after,
            extract.started_at if extract.mode == "full" else None,
            extract.extract_id,
            Jsonb({**dict.fromkeys(denied), **cursors}),
            covers_from,
            Jsonb(dict.fromkeys(denied)),
            Jsonb(cursors),
        ),
    )
    return updated_after


def accepted_at(conn: psycopg.Connection[Any], category: Category, school_ids: Sequence[int]) -> dict[int, datetime]:
    """The partner's clock of the last accepted extract, by school."""
    rows = conn.execute(
        "select watermark.school_id, extract.as_at"
        " from ops.watermark inner join ops.extract as extract using (extract_id)"
        " where watermark.category = %s and watermark.school_id = any(%s)",
        (category.value, list(school_ids)),
    )
    return dict(rows.fetchall())


def require_full(conn: psycopg.Connection[Any], school_ids: Sequence[int]) -> None:
    """Make the next extract of every category of these schools a full one, and let tracking begin again."""
    conn.execute(
        "update ops.watermark set full_at = null, cursors = '{}' where school_id = any(%s)", (list(school_ids),)
    )
