"""Unlogged work tables for one batch of schools: where decoded rows wait for the gates.

A batch has tables of its own, named by a random token, so that batches never wait for each other and a crash leaves
nothing that a later run could take for its own. They are dropped when the batch ends, whatever happens; those of a
killed process are dropped by the next batch, which finds their advisory lock free.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

import psycopg
from psycopg import sql

from orchestration.connectors.base import BadRow, Gone, Row
from orchestration.ingest import locks, payload
from orchestration.ingest.categories import CategorySpec, Table

#: Rows of one COPY. 10,000 marks took 0.7 s a million, 1,000 twice that; more gains little and holds more in memory.
CHUNK_ROWS = 10_000

#: Numbers arrive in 64 bits and are narrowed by the merge: the driver packs 70,000 into a smallint as 4,464 and says
#: nothing (psycopg 3.3), so a column here must be wide enough to show the mistake.
_WIDE = {"smallint": "bigint", "integer": "bigint"}
_RANGES = {"smallint": (-(2**15), 2**15 - 1), "integer": (-(2**31), 2**31 - 1)}

#: What a value can do wrong on its way into COPY. Each is the fault of one row, whose neighbours must not suffer.
_ROW_FAULTS = (psycopg.DataError, UnicodeError, TypeError, ValueError, OverflowError)

#: Rule ids of the loader's own checks, as they stand in ``quarantine.row.rules``.
UNDECODED = "LOAD-DECODE"
UNSTORABLE = "LOAD-VALUE"
KEYLESS = "LOAD-KEY"

_TOKEN = re.compile(r"_([0-9a-f]{8})$")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of a file that cannot be loaded: the key it would have in ``table`` (None when that cannot be told), what
    it held, and the rules it broke with a message for each.
    """

    table: Table
    key: Mapping[str, object] | None
    record: Mapping[str, str] = member(repr=False)
    rules: tuple[str, ...]
    messages: tuple[str, ...]


class Landing:
    """The work tables of one batch of one category.

    ``rows(table)`` has ``landing_no`` (order of arrival), ``school_id`` and the table's columns, all nullable.
    ``rejected`` has the rows that must not be loaded: ``school_id, table_name, row_key, rules, messages, payload,
    payload_kind`` as in ``quarantine.row``. ``gone`` has what the partner says it no longer has: ``school_id,
    table_name, column_name, id``. Not for two threads at once.
    """

    def __init__(self, conn: psycopg.Connection[Any], spec: CategorySpec, token: int) -> None:
        self._conn = conn
        self._tables = {table.name: table for table in spec.tables}
        self._suffix = f"_{token:08x}"
        self._buffers: dict[str, list[Row]] = {name: [] for name in self._tables}
        self.rejected = f"landing.rejected{self._suffix}"
        self.gone = f"landing.gone{self._suffix}"
        self.profile = f"landing.batch_profile{self._suffix}"
        self.delta = f"landing.delta{self._suffix}"

    def rows(self, table: Table) -> str:
        """Name of the work table for the rows of ``table``."""
        return f"landing.{table.name}{self._suffix}"

    def create(self) -> None:
        """Make the tables."""
        for table in self._tables.values():
            columns = ", ".join(f"{field.name} {_WIDE.get(field.sql_type, field.sql_type)}" for field in table.fields)
            # One session fills the table, from a cache of numbers of its own: so they rise in order of arrival.
            self._execute(
                f"""
                create unlogged table {self.rows(table)} (
                    landing_no bigint generated always as identity (cache {CHUNK_ROWS}),
                    school_id integer not null,
                    {columns}
                ) with (autovacuum_enabled = false)
                """
            )
        self._execute(
            f"""
            create unlogged table {self.rejected} (
                school_id integer not null,
                table_name text,
                row_key jsonb not null,
                rules text[] not null,
                messages text[] not null,
                payload jsonb not null,
                payload_kind text not null default 'landing'
            ) with (autovacuum_enabled = false)
            """
        )

        self._execute(
            f"""
            create unlogged table {self.gone} (
                school_id integer not null, table_name text not null, column_name text not null, id text not null
            ) with (autovacuum_enabled = false)
            """
        )

    def add(self, school_id: int, table_name: str, rows: Sequence[Row]) -> None:
        """Take rows of a school; they are sent when enough have come together, at the latest by ``flush``."""
        buffer = self._buffers[table_name]
        first = (school_id,)
        buffer += [first + row for row in rows]
        if len(buffer) >= CHUNK_ROWS:
            self._send(table_name)

    def add_undecoded(self, school_id: int, bad: Iterable[BadRow]) -> None:
        """Take source rows that did not decode: they are rejected as they come."""
        self._reject(
            (
                school_id,
                row.table,
                *payload.from_source(row.payload),
                [UNDECODED],
                [f"The row did not decode: {row.reason}"],
                "source",
            )
            for row in bad
        )

    def add_refused(self, school_id: int, refused: Iterable[RefusedRow]) -> None:
        """Take rows of a file that whoever read it found wrong: they are rejected for the reasons given."""
        self._reject(
            (
                school_id,
                row.table.name,
                *payload.from_record(row.key, row.record),
                list(row.rules),
                list(row.messages),
                "source",
            )
            for row in refused
        )

    def add_gone(self, school_id: int, gone: Iterable[Gone]) -> None:
        """Take what the partner says it no longer has."""
        for part in gone:
            self._execute(
                f"insert into {self.gone} select %s, %s, %s, unnest(%s::text[])",
                school_id,
                part.table,
                part.column,
                part.ids,
            )

    def flush(self) -> None:
        """Send what is still here and gather statistics for the planner."""
        for name, table in self._tables.items():
            self._send(name)
            self._execute(f"analyze {self.rows(table)}")

    def drop_duplicates(self, table: Table) -> Counter[int]:
        """Keep the last row of each key, by ``source_updated_at`` where the table has it, then by arrival; how many
        went, by school.

        Paging over live data repeats a row now and then, and a pupil may stand among the current ones and the leavers.
        """
        key = ", ".join(("school_id", *table.key))
        newest = "source_updated_at desc nulls last, " if "source_updated_at" in table.columns else ""
        # Hardly ever is there one, and asking whether costs half of ranking every row.
        repeated = f"select {key} from {self.rows(table)} group by {key} having count(*) > 1"
        query = f"""
            with older as (
                select landing_no, row_number() over (partition by {key} order by {newest}landing_no desc) as place
                from {self.rows(table)} where ({key}) in ({repeated})
            ),
            dropped as (
                delete from {self.rows(table)} where landing_no in (select landing_no from older where place > 1)
                returning school_id
            )
            select school_id, count(*) from dropped group by 1
        """
        return Counter(dict(self._execute(query).fetchall()))

    def row_counts(self, table: Table) -> Counter[int]:
        """Rows of the table that are waiting, by school."""
        return Counter(dict(self._execute(f"select school_id, count(*) from {self.rows(table)} group by 1").fetchall()))

    def discard(self, school_ids: Sequence[int]) -> None:
        """Forget the rows of schools that failed, sent or not."""
        if school_ids:
            gone = set(school_ids)
            for name, rows in self._buffers.items():
                self._buffers[name] = [row for row in rows if row[0] not in gone]
            for relation in (*map(self.rows, self._tables.values()), self.rejected, self.gone):
                self._execute(f"delete from {relation} where school_id = any(%s)", list(school_ids))

    def reject_endless_ids(self, table: Table) -> None:
        """Set aside rows with an id that no index can hold; before anything is looked up by ids, which would fail for
        the whole batch."""
        names = [field.name for field in table.fields if field.sql_type == "text"]
        ids = [name for name in names if name in table.key or name.endswith("_id")]
        endless = " or ".join(f"length({name}) > {payload.LONGEST_ID}" for name in ids)
        self._execute(
            f"""
            with bad as (delete from {self.rows(table)} where {endless} returning *)
            insert into {self.rejected} (school_id, table_name, row_key, rules, messages, payload)
            select
                school_id, '{table.name}', jsonb_build_object('{payload.PAYLOAD_HASH}', md5(holds::text)),
                array['{KEYLESS}'], array['An id is longer than {payload.LONGEST_ID} characters, so it is none.'], holds
            from bad cross join lateral (select to_jsonb(bad) - 'landing_no' - 'school_id' as holds) as row
            """
        )

    def reject_unloadable(self, table: Table) -> None:
        """Set aside rows that ``raw`` cannot hold, whatever the suites say: no value in the key, a number out of range.

        Also completes the rows of the table that a gate has moved to ``rejected``, so it comes after the table's gate.
        """
        checks = [
            (
                " or ".join(f"{column} is null" for column in table.key),
                KEYLESS,
                f"No value in the key ({', '.join(table.key)}), so the row cannot be told apart from others.",
            )
        ]
        for field in table.fields:
            if field.sql_type in _RANGES:
                low, high = _RANGES[field.sql_type]
                broken = f"{field.name} not between {low} and {high}"
                checks.append((broken, UNSTORABLE, f"{field.name} is beyond what a {field.sql_type} can hold."))
        unloadable = " or ".join(condition for condition, _, _ in checks)
        rules = ", ".join(f"case when {condition} then '{rule}' end" for condition, rule, _ in checks)
        messages = ", ".join(f"case when {condition} then '{message}' end" for condition, _, message in checks)
        self._execute(
            f"""
            with bad as (delete from {self.rows(table)} where {unloadable} returning *)
            insert into {self.rejected} (school_id, row_key, rules, messages, payload)
            select
                school_id, '{{}}', array_remove(array[{rules}], null), array_remove(array[{messages}], null),
                to_jsonb(bad)
            from bad
            """
        )
        # A row that lacks part of its key is told apart by the hash of all it holds, or two of them would become one.
        members = ", ".join(f"'{column}', payload -> '{column}'" for column in table.key)
        keyless = " or ".join(f"payload -> '{column}' = 'null'" for column in table.key)
        self._execute(
            f"""
            update {self.rejected} set
                table_name = '{table.name}',
                payload = payload - 'landing_no' - 'school_id',
                row_key = jsonb_build_object({members}) || case
                    when {keyless} then jsonb_build_object('{payload.PAYLOAD_HASH}', md5((payload -
                    'landing_no')::text)) else '{{}}'
                end
            where table_name is null
            """
        )

    def rejected_counts(self) -> Counter[tuple[int, str]]:
        """Number of rejected rows by school and table."""
        query = f"select school_id, table_name, count(*) from {self.rejected} group by 1, 2"
        return Counter({(school, name): count for school, name, count in self._execute(query)})

    def keyless_rejected(self) -> set[tuple[int, str]]:
        """Schools and tables with a rejected row whose key nobody knows, nor so which loaded row it stands for."""
        query = f"select distinct school_id, table_name from {self.rejected} where row_key ?| %s"
        return set(self._execute(query, [payload.SOURCE_ID, payload.PAYLOAD_HASH]))

    def _send(self, table_name: str) -> None:
        rows, self._buffers[table_name] = self._buffers[table_name], []
        if rows:
            self._copy(self._tables[table_name], rows)

    def _copy(self, table: Table, rows: list[Row]) -> None:
        """COPY the rows; when one is refused, halve until it is alone."""
        copy = f"copy {self.rows(table)} (school_id, {', '.join(table.columns)}) from stdin (format binary)"
        types = ["integer", *(_WIDE.get(field.sql_type, field.sql_type) for field in table.fields)]
        try:
            with self._conn.cursor().copy(copy.encode()) as stream:
                stream.set_types(types)
                write = stream.write_row
                for row in rows:
                    write(row)
        except _ROW_FAULTS as error:
            if len(rows) == 1:
                self._refuse(table, rows[0], error)
                return
            middle = len(rows) // 2
            self._copy(table, rows[:middle])
            self._copy(table, rows[middle:])

    def _refuse(self, table: Table, row: Row, error: Exception) -> None:
        school_id, *values = row
        assert isinstance(school_id, int)
        message = f"The row holds a value that its column cannot: {str(error).partition(chr(10))[0]}"
        self._reject(
            [(school_id, table.name, *payload.from_row(table, tuple(values)), [UNSTORABLE], [message], "landing")]
        )

    def _reject(self, rows: Iterable[tuple[int, str, str, str, list[str], list[str], str]]) -> None:
        with self._conn.cursor() as cursor:
            cursor.executemany(
                f"insert into {self.rejected} (school_id, table_name, row_key, payload, rules, messages, payload_kind)"
                " values (%s, %s, %s::jsonb, %s::jsonb, %s::text[], %s::text[], %s)".encode(),
                rows,
            )

    def _execute(self, statement: str, *parameters: object) -> psycopg.Cursor[Any]:
        return self._conn.execute(statement.encode(), parameters or None)


@contextmanager
def landing_tables(
    conn: psycopg.Connection[Any], writer: psycopg.Connection[Any], spec: CategorySpec
) -> Iterator[Landing]:
    """Work tables for one batch, dropped at the end.

    ``conn`` holds the lock that says somebody is at work on them; ``writer`` fills them, from whichever thread. Both
    are in autocommit: the gates read through connections of their own.
    """
    drop_leftovers(conn)
    token = secrets.randbits(31)
    while not locks.try_landing(conn, token):
        token = secrets.randbits(31)
    try:
        landing = Landing(writer, spec, token)
        landing.create()
        yield landing
    finally:
        # A broken connection has let go of the lock, and the next batch cleans up; its error must not hide the first.
        if not conn.broken:
            _drop(conn, f"_{token:08x}")
            locks.release_landing(conn, token)


def drop_leftovers(conn: psycopg.Connection[Any]) -> None:
    """Drop the tables of processes that are gone, told by the advisory lock that they would hold."""
    for suffix in {match[0] for name in _tables(conn) if (match := _TOKEN.search(name))}:
        token = int(suffix[1:], 16)
        if token < 2**31 and locks.try_landing(conn, token):
            _drop(conn, suffix)
            locks.release_landing(conn, token)


def _drop(conn: psycopg.Connection[Any], suffix: str) -> None:
    names = [sql.Identifier("landing", name) for name in _tables(conn) if name.endswith(suffix)]
    if names:
        conn.execute(sql.SQL("drop table if exists {}").format(sql.SQL(", ").join(names)))


def _tables(conn: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in conn.execute("select tablename from pg_tables where schemaname = 'landing'")]
