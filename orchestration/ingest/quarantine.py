"""Rows that were refused, with every reason and all they held (``quarantine.row``): nothing a partner sends is lost.

An entry is open until it is ``resolved`` (a retry loaded it) or ``superseded`` (a later extract brought a good version
of the row, or no longer holds it). ``orchestration.ingest.retry`` sends open entries through the present rules again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from orchestration.ingest import payload
from orchestration.ingest.categories import Category, Table
from orchestration.ingest.landing import Landing
from orchestration.ingest.load import Accepted


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of ``quarantine.row`` and the school's name.

    ``payload`` is the row with the columns of its table (``payload_kind`` landing) or, when it did not decode, the
    partner's record (source).
    """

    quarantine_id: int
    school_id: int
    school: str
    category: str
    table_name: str
    extract_id: int
    row_key: dict[str, Any]
    rules: list[str]
    messages: list[str]
    payload: Any
    payload_kind: Literal["landing", "source"]
    quarantined_at: datetime
    state: Literal["open", "resolved", "superseded"]
    resolved_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The entry as plain members; times are ``datetime``."""
        return asdict(self)


_SELECT = """
    select quarantine_id, school_id, coalesce(school.name, '') as school, category, table_name, extract_id, row_key,
    rules,
        messages, payload, payload_kind, quarantined_at, entry.state, resolved_at
    from quarantine.row as entry
    left join ops.school as school using (school_id)
"""


def list_open(
    conn: psycopg.Connection[Any], *, school_id: int | None = None, category: Category | None = None
) -> list[Entry]:
    """The open entries, of one school or category if given; oldest first."""
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        cursor.execute(
            f"""
            {_SELECT}
            where entry.state = 'open'
                and (%(school)s::integer is null or school_id = %(school)s)
                and (%(category)s::text is null or category = %(category)s)
            order by quarantine_id
            """.encode(),
            {"school": school_id, "category": category and category.value},
        )
        return cursor.fetchall()


def show(conn: psycopg.Connection[Any], quarantine_id: int) -> Entry | None:
    """One entry, whatever its state; None when there is none of that number."""
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        cursor.execute(f"{_SELECT} where quarantine_id = %s".encode(), (quarantine_id,))
        return cursor.fetchone()


def write(conn: psycopg.Connection[Any], category: Category, landing: Landing, extracts: Mapping[int, int]) -> None:
    """Keep the rejected rows of a batch, and renew those that are open; ``extracts`` gives each school's extract."""
    conn.execute(
        f"""
        insert into quarantine.row (
            school_id, category, table_name, extract_id, row_key, rules, messages, payload, payload_kind
        )
        select distinct on (school_id, table_name, row_key)
            school_id, %s, table_name, extract_id, row_key, rules, messages, payload, payload_kind
        from {landing.rejected} inner join unnest(%s::integer[], %s::bigint[]) as extract (school_id, extract_id) using
        (school_id) order by school_id, table_name, row_key on conflict (school_id, table_name, row_key) where state =
        'open' do update set
            extract_id = excluded.extract_id,
            rules = excluded.rules,
            messages = excluded.messages,
            payload = excluded.payload,
            payload_kind = excluded.payload_kind,
            quarantined_at = excluded.quarantined_at
        """.encode(),
        (category.value, list(extracts), list(extracts.values())),
    )


def supersede(conn: psycopg.Connection[Any], table: Table, landing: Landing, accepted: Sequence[Accepted]) -> None:
    """Close the open entries that the accepted extracts have overtaken, in the caller's transaction.

    Those are entries of earlier extracts whose row has now come in a good version; and, where the table was read whole,
    all of them: a row that is still bad has just been renewed, so the others are good or gone.
    """
    whole = [extract.school_id for extract in accepted if table.name in extract.whole]
    by_key = " and ".join(f"landed.{column}::text = entry.row_key ->> '{column}'" for column in table.key)
    names_row = [by_key]
    if table.record_id:
        names_row.append(f"landed.{table.record_id} = entry.row_key ->> '{payload.SOURCE_ID}'")
    come_back = " ".join(
        f"union select quarantine_id from entry"
        f" inner join {landing.rows(table)} as landed using (school_id) where {same}"
        for same in names_row
    )
    conn.execute(
        f"""
        with entry as (
            select entry.quarantine_id, entry.school_id, entry.row_key from quarantine.row as entry inner join
            unnest(%(schools)s::integer[], %(extracts)s::bigint[]) as extract (school_id, extract_id) using (school_id)
            where entry.state = 'open' and entry.table_name = '{table.name}' and entry.extract_id < extract.extract_id
        )
        update quarantine.row set state = 'superseded', resolved_at = now()
        where quarantine_id in (select quarantine_id from entry where school_id = any(%(whole)s) {come_back})
        """.encode(),
        {
            "schools": [extract.school_id for extract in accepted],
            "extracts": [extract.extract_id for extract in accepted],
            "whole": whole,
        },
    )


def resolve(conn: psycopg.Connection[Any], landing: Landing, quarantine_ids: Sequence[int]) -> None:
    """Close the entries whose rows were not refused again, in the transaction that loads them."""
    conn.execute(
        f"""
        update quarantine.row as entry set state = 'resolved', resolved_at = now()
        where entry.state = 'open'
            and entry.quarantine_id = any(%s)
            and not exists (
                select from {landing.rejected} as rejected
                where rejected.school_id = entry.school_id
                    and rejected.table_name = entry.table_name
                    and rejected.row_key = entry.row_key
            )
        """.encode(),
        (list(quarantine_ids),),
    )


def drop_closed(conn: psycopg.Connection[Any], landing: Landing, extract_id: int) -> None:
    """Take out of ``landing.rejected`` the rows whose entry was closed since: an old extract was decoded again."""
    conn.execute(
        f"""
        delete from {landing.rejected} as rejected using quarantine.row as entry
        where entry.extract_id = %s
            and entry.state <> 'open'
            and entry.school_id = rejected.school_id
            and entry.table_name = rejected.table_name
            and entry.row_key = rejected.row_key
        """.encode(),
        (extract_id,),
    )
