"""The one way to the data: published views, in a read-only transaction, as the role of the reader's rights."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import TupleRow, dict_row

from orchestration.access.reading import reading_as
from orchestration.ingest.categories import Purpose
from reports.readers import Reader

Connection = psycopg.Connection[TupleRow]
Connect = Callable[[], Connection]
Row = dict[str, Any]

#: A page that takes longer than this has a fault; it must not hold a connection for ever.
_STATEMENT_TIMEOUT = "20s"


class Pool:
    """A few sessions of the warehouse, each used by one request at a time; one that broke is replaced."""

    def __init__(self, connect: Connect, size: int = 4) -> None:
        self._connect = connect
        self._idle: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)

    @contextmanager
    def transaction(self, *, read_only: bool = True) -> Iterator[Connection]:
        """A transaction of the platform's own user; another request waits while all sessions are in use."""
        session = self._idle.get()
        try:
            session = self._living(session)
            with session.transaction():
                if read_only:
                    session.execute("set transaction read only")
                session.execute(f"set local statement_timeout = '{_STATEMENT_TIMEOUT}'".encode())
                yield session
        finally:
            if session is not None and session.closed:
                session = None
            self._idle.put(session)

    def close(self) -> None:
        """Close the idle sessions."""
        while not self._idle.empty():
            session = self._idle.get_nowait()
            if session is not None:
                session.close()

    def _living(self, session: Connection | None) -> Connection:
        # A server that was restarted meanwhile is noticed at the first statement, before anything has been sent.
        if session is not None:
            try:
                session.execute("select 1")
            except psycopg.OperationalError:
                session.close()
            else:
                session.rollback()
                return session
        return self._connect()


@dataclass(frozen=True, slots=True)
class Release:
    """The publication that the figures come from: its schema's name, and when it was published."""

    label: str
    published_at: datetime


def current_release(connection: Connection, purpose: Purpose) -> Release | None:
    """Return what is published for the purpose; None when nothing is yet."""
    row = connection.execute(
        "select schema_name, published_at from ops.release where purpose = %s and state = 'published'", [purpose.value]
    ).fetchone()
    return None if row is None else Release(row[0].removeprefix("release_"), row[1])


class Published:
    """The published relations of one purpose, read on behalf of a person.

    Row policies on the published tables go by the person, the grants by their level: what they may not read cannot be
    had by a mistake in a page. A page asks :meth:`has` before it reads, and says that a figure is not
    published, or not open to this reader, instead of failing.
    """

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection = connection
        self._columns = _columns(connection, schema)

    def has(self, relation: str, *columns: str) -> bool:
        """Tell whether the relation is published with these columns and open to this reader."""
        return self.is_published(relation, *columns) and self._columns[relation][0]

    def is_published(self, relation: str, *columns: str) -> bool:
        """Tell whether the relation is published with these columns, open to this reader or not."""
        return relation in self._columns and self._columns[relation][1].issuperset(columns)

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """Return the rows of a query; every value goes as a parameter."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def row(self, query: str, **parameters: object) -> Row | None:
        """Return the first row of a query, None when there is none."""
        found = self.rows(query, **parameters)
        return found[0] if found else None


@contextmanager
def published_for(connection: Connection, reader: Reader, purpose: Purpose) -> Iterator[Published]:
    """The purpose's published relations with this reader's rights, for a block."""
    with reading_as(connection, reader.person, purpose):
        yield Published(connection, purpose.value)


def _columns(connection: Connection, schema: str) -> dict[str, tuple[bool, frozenset[str]]]:
    """Return, for each relation of the schema, whether the present role may read it, and its columns."""
    rows = connection.execute(
        """
        select c.relname, has_table_privilege(c.oid, 'select'), array_agg(a.attname::text)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where n.nspname = %s and c.relkind in ('r', 'v', 'm')
        group by c.oid
        """,
        [schema],
    ).fetchall()
    return {relation: (readable, frozenset(columns)) for relation, readable, columns in rows}
