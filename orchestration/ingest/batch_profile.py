"""What a batch looks like, one row per school and table, for the batch gate to judge (``landing.batch_profile``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from orchestration.ingest.categories import Table
from orchestration.ingest.landing import Landing
from orchestration.ingest.permissions import ColumnPermission, withheld_columns

#: A column is only missed where it had at least this many values to lose, in a batch of at least as many rows: fewer
#: may well all have become empty.
ENOUGH_ROWS = 20

#: Tables by whose ids a school's move within its MIS is told.
_PEOPLE = ("pupil", "staff")


@dataclass(frozen=True, slots=True)
class SchoolBatch:
    """What the fetch knows of one school's part of a batch.

    ``received`` and ``refused`` count rows by table; ``received`` has every row the partner sent once, the refused ones
    included. ``whole`` and ``denied`` name tables: read whole; kept from us, or not supplied, in whole or in part.
    ``source_id`` is whose rows in raw it can be compared with; None when it is the first from its source, which may
    have less, and less in it, than the source before. ``covers_from`` has, by table, the day before which nothing was
    asked for.
    """

    school_id: int
    as_at: datetime
    previous_as_at: datetime | None
    received: Counter[str]
    refused: Counter[str]
    whole: frozenset[str]
    denied: frozenset[str]
    source_id: int | None
    covers_from: Mapping[str, date]


def write(
    conn: psycopg.Connection[Any],
    tables: Sequence[Table],
    landing: Landing,
    batches: Sequence[SchoolBatch],
    permissions: Sequence[ColumnPermission],
) -> None:
    """Make and fill the profile of a batch.

    Columns: ``school_id``, ``table_name``, ``mode`` (full where the table was read whole: only then do its rows compare
    with those in raw), ``rows_landed`` (received, the refused ones included), ``rows_quarantined``, ``rows_in_raw``
    (live rows before), ``rows_known`` (of people: landed rows whose key raw has), ``granted``, ``all_null_columns``
    (columns without a single value in the batch although the rows of the same keys in raw have values there: loading
    it would wipe them out), ``withheld_columns`` (those of them that the school does not let us read any more, which is
    why they are empty), ``as_at``, ``previous_as_at``.
    """
    conn.execute(
        f"""
        create unlogged table {landing.profile} (
            school_id integer not null, table_name text not null, mode text not null, rows_landed bigint not null,
            rows_quarantined bigint not null, rows_in_raw bigint not null, rows_known bigint, granted boolean not null,
            all_null_columns text[] not null, withheld_columns text[] not null,
            as_at timestamptz not null, previous_as_at timestamptz
        )
        """.encode()
    )
    comparable = [batch for batch in batches if batch.source_id is not None]
    for table in tables:
        in_raw = _live_rows(conn, table, comparable)
        known = _known_rows(conn, table, landing, comparable) if table.name in _PEOPLE else None
        wiped = _wiped_columns(conn, table, landing, [batch.school_id for batch in comparable])
        withheld = withheld_columns(conn, permissions, table, list(wiped)) if wiped else {}
        with conn.cursor() as cursor:
            cursor.executemany(
                f"insert into {landing.profile} values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)".encode(),
                [
                    (
                        batch.school_id,
                        table.name,
                        "full" if table.name in batch.whole else "incremental",
                        batch.received[table.name],
                        batch.refused[table.name],
                        in_raw[batch.school_id],
                        known[batch.school_id] if known is not None else None,
                        table.name not in batch.denied,
                        wiped.get(batch.school_id, []),
                        sorted(withheld.get(batch.school_id, frozenset()).intersection(wiped.get(batch.school_id, []))),
                        batch.as_at,
                        batch.previous_as_at,
                    )
                    for batch in batches
                ],
            )


def _live_rows(conn: psycopg.Connection[Any], table: Table, batches: Sequence[SchoolBatch]) -> Counter[int]:
    """Rows in raw of each school's source, as far back as the batch goes.

    Those of files and of earlier sources are not what the partner sends.
    """
    covered = f"coalesce(present.{table.dated_by} >= compared.covers_from, true)" if table.dated_by else "true"
    query = f"""
        select present.school_id, count(*)
        from raw.{table.name} as present
        inner join ops.extract as wrote using (school_id, extract_id)
        inner join unnest(%(schools)s::integer[], %(sources)s::integer[], %(covers_from)s::date[])
            as compared (school_id, source_id, covers_from) using (school_id, source_id)
        where present.school_id = any(%(schools)s) and removed_at is null and {covered}
        group by 1
    """
    parameters = {
        "schools": [batch.school_id for batch in batches],
        "sources": [batch.source_id for batch in batches],
        "covers_from": [batch.covers_from.get(table.name) for batch in batches],
    }
    return Counter(dict(conn.execute(query.encode(), parameters).fetchall()))


def _known_rows(
    conn: psycopg.Connection[Any], table: Table, landing: Landing, batches: Sequence[SchoolBatch]
) -> Counter[int]:
    """Landed rows of each school whose key raw has, be they live there or gone."""
    query = f"""
        select landed.school_id, count(*)
        from {landing.rows(table)} as landed
        inner join raw.{table.name} as present on {table.same_key("landed", "present")}
        where landed.school_id = any(%s)
        group by 1
    """
    return Counter(dict(conn.execute(query.encode(), ([batch.school_id for batch in batches],)).fetchall()))


def _wiped_columns(
    conn: psycopg.Connection[Any], table: Table, landing: Landing, schools: Sequence[int]
) -> dict[int, list[str]]:
    """Columns that a school's rows all lack, and that ``ENOUGH_ROWS`` rows of the same keys in raw have."""
    attributes = [column for column in table.columns if column not in table.key]
    if not attributes:
        return {}
    counts = ", ".join(f"count({column})" for column in attributes)
    query = f"""
        select school_id, {counts} from {landing.rows(table)}
        where school_id = any(%s) group by 1 having count(*) >= {ENOUGH_ROWS}
    """
    suspects: dict[int, list[str]] = {}
    for school_id, *filled in conn.execute(query.encode(), (list(schools),)):
        if empty := [column for column, values in zip(attributes, filled, strict=True) if not values]:
            suspects[school_id] = empty
    if not suspects:
        return {}
    columns = sorted({column for empty in suspects.values() for column in empty})
    query = f"""
        select present.school_id, {", ".join(f"count(present.{column})" for column in columns)}
        from raw.{table.name} as present
        inner join {landing.rows(table)} as landed on {table.same_key("landed", "present")}
        where present.school_id = any(%s) and present.removed_at is null
        group by 1
    """
    return {
        school_id: wiped
        for school_id, *had in conn.execute(query.encode(), (list(suspects),))
        if (
            wiped := [
                column
                for column, values in zip(columns, had, strict=True)
                if values >= ENOUGH_ROWS and column in suspects[school_id]
            ]
        )
    }
