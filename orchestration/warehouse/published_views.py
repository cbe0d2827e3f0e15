"""The views that people read: pointed at the tables of one release, all of them at one moment.

A view keeps its identity when the release behind it changes, so that other people's views on it survive.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

#: Shorter than Postgres's deadlock_timeout of 1 s: see lock_views.
_LOCK_TIMEOUT = "200ms"
_PAUSE_SECONDS = 0.05
_LOCK_SECONDS = 300.0


class PublishError(RuntimeError):
    """A release cannot be published or rolled back; what people read is as it was. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as Postgres knows it; ``type`` with modifiers and collation: ``numeric(5,2)``, ``text collate "C"``."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view; ``kind`` is that of ``pg_class``: r and p tables, m materialised view, v view."""

    name: str
    kind: str
    comment: str | None
    columns: tuple[Column, ...]


def is_hidden(name: str) -> bool:
    """Tell whether a relation of a release is there for others to stand on alone, and not for people."""
    return name.startswith("_")


def read_relations(connection: psycopg.Connection[TupleRow], schema: str) -> dict[str, Relation]:
    """Return the tables and views of a schema by name, in order of name; none if there is no such schema."""
    rows = connection.execute(
        """
        select c.relname, c.relkind::text, obj_description(c.oid, 'pg_class'),
               a.attname,
               format_type(a.atttypid, a.atttypmod) || case
                   when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else ''
               end,
               col_description(c.oid, a.attnum)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_type t on t.oid = a.atttypid
        where n.nspname = %s and c.relkind in ('r', 'p', 'm', 'v')
        order by c.relname, a.attnum
        """,
        [schema],
    )
    headings: dict[str, tuple[str, str | None]] = {}
    columns: dict[str, list[Column]] = {}
    for name, kind, comment, column, column_type, column_comment in rows:
        headings[name] = (kind, comment)
        found = columns.setdefault(name, [])
        if column is not None:
            found.append(Column(column, column_type, column_comment))
    return {name: Relation(name, *heading, tuple(columns[name])) for name, heading in headings.items()}


def point_views(
    connection: psycopg.Connection[TupleRow],
    published_schema: str,
    release_schema: str,
    formerly: Iterable[str],
    *,
    allow_breaking: bool,
    keep_columns: bool,
) -> None:
    """Make the views of the published schema show the relations of a release, in the caller's transaction.

    Hidden relations get no view. ``formerly`` names the views that the last release published; views of other people in
    the schema are left alone. A column that is gone or has another type, or a relation that is gone, is refused unless
    ``allow_breaking``; the view is then dropped and made again, which Postgres refuses while somebody's view stands on
    it. With ``keep_columns`` a column that the release lacks stays, as null.

    Raises PublishError.
    """
    offered = {
        name: relation for name, relation in read_relations(connection, release_schema).items() if not is_hidden(name)
    }
    present = read_relations(connection, published_schema)
    ours = {name: present[name] for name in formerly if name in present}
    foreign = sorted(set(offered) & set(present) - set(ours))
    if foreign:
        raise PublishError(
            f"Schema {published_schema} holds {', '.join(foreign)}, which no release has put there. Rename or drop it, "
            "then publish again."
        )
    breaks = _breaks(ours, offered, keep_columns)
    if breaks and not allow_breaking:
        listed = "; ".join(reason for reasons in breaks.values() for reason in reasons)
        raise PublishError(
            f"The new release would break what people read in schema {published_schema}: {listed}. Bring that back, or "
            f"publish with: mis publish {published_schema} --allow-breaking"
        )
    _lock_views(connection, published_schema, ours)
    for name in breaks:
        _drop_view(connection, published_schema, name)
    for name, relation in offered.items():
        kept = ours[name].columns if name in ours and name not in breaks else ()
        _replace_view(connection, published_schema, release_schema, relation, kept)


def _breaks(
    ours: Mapping[str, Relation], offered: Mapping[str, Relation], keep_columns: bool
) -> dict[str, tuple[str, ...]]:
    """Return, by view, what ``create or replace view`` could not do."""
    breaks: dict[str, tuple[str, ...]] = {}
    for name, relation in ours.items():
        if name not in offered:
            breaks[name] = (f"{name} is gone",)
            continue
        types = {column.name: column.type for column in offered[name].columns}
        reasons = []
        for column in relation.columns:
            if column.name not in types:
                if not keep_columns:
                    reasons.append(f"{name}.{column.name} is gone")
            elif types[column.name] != column.type:
                reasons.append(f"{name}.{column.name} was {column.type} and is {types[column.name]}")
        if reasons:
            breaks[name] = tuple(reasons)
    return breaks


def _lock_views(connection: psycopg.Connection[TupleRow], schema: str, names: Iterable[str]) -> None:
    """Lock every view at once, or none: a reader who has read one must find the same release in the next.

    Were they locked one by one, a reader of two views and the publisher could each wait for the other, and Postgres
    would end the reader. So a lock that is not had soon is given up, with those had before it, and readers go on.
    """
    views = [sql.Identifier(schema, name) for name in names]
    if not views:
        return
    lock = sql.SQL("lock table {} in access exclusive mode").format(sql.SQL(", ").join(views))
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            with connection.transaction():
                connection.execute(sql.SQL("set local lock_timeout = {}").format(_LOCK_TIMEOUT))
                connection.execute(lock)
                connection.execute("set local lock_timeout to default")
            return
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise PublishError(
                    f"Schema {schema} has been read without a break for {_LOCK_SECONDS:.0f} s, by "
                    f"{_readers(connection, schema)}. Wait until they have finished, or end them with "
                    "pg_terminate_backend, and publish again."
                ) from None
            time.sleep(_PAUSE_SECONDS)


def _readers(connection: psycopg.Connection[TupleRow], schema: str) -> str:
    rows = connection.execute(
        """
        select distinct a.usename, a.pid, a.xact_start::timestamp(0)
        from pg_locks l
        join pg_class c on c.oid = l.relation
        join pg_namespace n on n.oid = c.relnamespace
        join pg_stat_activity a on a.pid = l.pid
        where n.nspname = %s and l.granted and l.pid <> pg_backend_pid()
        order by 3
        """,
        [schema],
    )
    return (
        ", ".join(f"{user} (process {pid}, since {since})" for user, pid, since in rows) or "sessions that come and go"
    )


def _drop_view(connection: psycopg.Connection[TupleRow], schema: str, name: str) -> None:
    try:
        connection.execute(sql.SQL("drop view {}").format(sql.Identifier(schema, name)))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise PublishError(
            f"{schema}.{name} must be made anew and other views stand on it: {error.diag.message_detail}. Drop those "
            "first."
        ) from None


def _replace_view(
    connection: psycopg.Connection[TupleRow],
    schema: str,
    release_schema: str,
    relation: Relation,
    kept: tuple[Column, ...],
) -> None:
    """Point one view at its relation: the columns that it has already stay in their order, new ones follow."""
    own = {column.name for column in relation.columns}
    before = {column.name for column in kept}
    missing = [column for column in kept if column.name not in own]
    order = [*kept, *(column for column in relation.columns if column.name not in before)]
    selected = [
        sql.Identifier(column.name)
        if column.name in own
        else sql.SQL("null::{} as {}").format(sql.SQL(column.type), sql.Identifier(column.name))
        for column in order
    ]
    comments = {column.name: column.comment for column in relation.columns}
    comments |= {column.name: f"Not in {release_schema}: always null." for column in missing}
    view = sql.Identifier(schema, relation.name)
    statements = [
        sql.SQL("create or replace view {} with (security_invoker = true) as select {} from {}").format(
            view, sql.SQL(", ").join(selected), sql.Identifier(release_schema, relation.name)
        ),
        sql.SQL("comment on view {} is {}").format(view, relation.comment),
    ]
    for name, comment in comments.items():
        column = sql.Identifier(schema, relation.name, name)
        statements.append(sql.SQL("comment on column {} is {}").format(column, comment))
    connection.execute(sql.SQL("; ").join(statements))
