"""Publication: what dbt built and the gates passed becomes what people read, in one transaction; and the way back.

dbt builds the marts of a purpose in ``build_<purpose>``. Publishing moves them into a schema of their own,
``release_<purpose>_<n>``, and points the views of the schema ``<purpose>`` at it. The release before it is kept for
:func:`rollback`, older ones are dropped, and the build schema is left empty. A relation whose name begins with ``_`` is
part of the release, for views of it to stand on, and has no published view.

A reader sees one release or the other, in a statement and in a transaction of several (read committed, the default). A
``repeatable read`` transaction that began before a publication, and reads a view for the first time after it, finds the
view empty, because the tables behind it are younger than its snapshot: such a transaction should read its views first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from orchestration.ingest.categories import Purpose
from orchestration.warehouse.published_views import PublishError, Relation, is_hidden, point_views, read_relations
from orchestration.warehouse.roles import grant_published, unreadable_views

__all__ = ["PublishError", "Release", "publish", "releases", "rollback"]

_MOVE = {"r": "table", "p": "table", "m": "materialized view", "v": "view"}


@dataclass(frozen=True, slots=True)
class Release:
    """One publication of a purpose's marts, as ``ops.release`` records it.

    ``state`` is published (what people read), superseded or rolled_back; ``relations`` are those with a published view;
    ``kept`` says whether its tables still exist.
    """

    release_id: int
    purpose: Purpose
    schema_name: str
    state: str
    published_at: datetime
    run_id: str
    relations: tuple[str, ...]
    kept: bool


def publish(
    connection: psycopg.Connection[TupleRow], purpose: Purpose, run_id: str, *, allow_breaking: bool = False
) -> Release:
    """Publish what stands in ``build_<purpose>`` and return the release.

    In one transaction, or as part of the caller's if one is open; of two publishers of a purpose the second waits.

    Raises PublishError, and leaves everything as it was, when there is nothing to publish, when a view reads outside
    its release, when the rows of a relation cannot be kept from other schools' readers, when a view is open to readers
    to whom what it reads is closed, when a column or relation that people read has gone or changed its type (unless
    ``allow_breaking``), and when readers leave no gap for five minutes.
    """
    build = f"build_{purpose}"
    with connection.transaction():
        _wait_for_turn(connection, purpose)
        built = read_relations(connection, build)
        if not built:
            raise PublishError(
                f"There is nothing in {build} to publish: build the marts of {purpose} first, with mis run."
            )
        _refuse_reads_from_outside(connection, build)
        _refuse_rows_without_policy(built, build)
        history = _read(connection, purpose)
        current = next((release for release in history if release.state == "published"), None)
        _drop_old(connection, history, current)
        number = 1 + max((_number(release) for release in history), default=0)
        schema = f"release_{purpose}_{number}"
        _move(connection, built, build, schema)
        point_views(
            connection,
            purpose.value,
            schema,
            current.relations if current else (),
            allow_breaking=allow_breaking,
            keep_columns=False,
        )
        grant_published(connection, purpose, schema)
        _refuse_views_over_closed_relations(connection, schema, build)
        if current is not None:
            _set_state(connection, current, "superseded")
        connection.execute(
            "insert into ops.release (purpose, schema_name, state, run_id, relations)"
            " values (%s, %s, 'published', %s, %s)",
            [purpose, schema, run_id, Jsonb([name for name in built if not is_hidden(name)])],
        )
        return _read(connection, purpose)[0]


def rollback(connection: psycopg.Connection[TupleRow], purpose: Purpose) -> Release:
    """Point the published views back at the release before the current one, and return it.

    A column that the earlier release did not have stays, as null, so that other people's views keep working. The
    release that is left is kept until the next publication, for whoever looks into what was wrong with it.

    Raises PublishError, and leaves everything as it was, when no earlier release is kept, and when a view that the
    earlier release cannot fill has other views standing on it.
    """
    with connection.transaction():
        _wait_for_turn(connection, purpose)
        history = _read(connection, purpose)
        current = next((release for release in history if release.state == "published"), None)
        earlier = next((release for release in history if release.state == "superseded" and release.kept), None)
        if current is None or earlier is None:
            raise PublishError(
                f"There is no earlier release of {purpose} to go back to: one is kept, and only from the second "
                "publication on. Mend the data or the models, and publish again."
            )
        point_views(
            connection,
            purpose.value,
            earlier.schema_name,
            current.relations,
            allow_breaking=True,
            keep_columns=True,
        )
        grant_published(connection, purpose, earlier.schema_name)
        _set_state(connection, current, "rolled_back")
        _set_state(connection, earlier, "published")
        return next(release for release in _read(connection, purpose) if release.state == "published")


def releases(connection: psycopg.Connection[TupleRow]) -> list[Release]:
    """Return every release there has been, the latest first."""
    return _read(connection, None)


def _wait_for_turn(connection: psycopg.Connection[TupleRow], purpose: Purpose) -> None:
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"mis publish {purpose}"])


def _read(connection: psycopg.Connection[TupleRow], purpose: Purpose | None) -> list[Release]:
    rows = connection.execute(
        """
        select release_id, purpose, schema_name, state, published_at, run_id, relations,
               to_regnamespace(schema_name) is not null
        from ops.release
        where %(purpose)s::text is null or purpose = %(purpose)s
        order by release_id desc
        """,
        {"purpose": purpose},
    )
    return [
        Release(release_id, Purpose(name), schema, state, published_at, run_id, tuple(relations), kept)
        for release_id, name, schema, state, published_at, run_id, relations, kept in rows
    ]


def _number(release: Release) -> int:
    return int(release.schema_name.rsplit("_", 1)[1])


def _set_state(connection: psycopg.Connection[TupleRow], release: Release, state: str) -> None:
    connection.execute("update ops.release set state = %s where release_id = %s", [state, release.release_id])


def _refuse_reads_from_outside(connection: psycopg.Connection[TupleRow], build: str) -> None:
    """A view over core would change under its readers without a gate, and go back with no rollback."""
    found = connection.execute(
        """
        select distinct v.relname, rn.nspname || '.' || r.relname
        from pg_class v
        join pg_namespace vn on vn.oid = v.relnamespace
        join pg_rewrite w on w.ev_class = v.oid
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
            and d.refclassid = 'pg_class'::regclass
        join pg_class r on r.oid = d.refobjid
        join pg_namespace rn on rn.oid = r.relnamespace
        where vn.nspname = %(build)s and rn.nspname not in (%(build)s, 'pg_catalog', 'information_schema')
        order by 1, 2
        """,
        {"build": build},
    ).fetchall()
    if found:
        listed = ", ".join(f"{view} reads {source}" for view, source in found)
        raise PublishError(
            f"A published view may read only tables of its own release, and in {build} {listed}. Make it a table, or a "
            "view over a mart that is one."
        )


def _refuse_rows_without_policy(built: dict[str, Relation], build: str) -> None:
    """Postgres keeps no row policies on materialised views: every reader would see every school."""
    found = [
        name
        for name, relation in built.items()
        if relation.kind == "m" and any(column.name == "school_id" for column in relation.columns)
    ]
    if found:
        raise PublishError(
            f"In {build} {', '.join(found)} is a materialised view with a school_id, whose rows cannot be kept from "
            "readers of other schools. Make it a table."
        )


def _refuse_views_over_closed_relations(connection: psycopg.Connection[TupleRow], schema: str, build: str) -> None:
    found = unreadable_views(connection, schema)
    if found:
        listed = ", ".join(f"{role} may read {view} but not {source}, which it reads" for role, view, source in found)
        raise PublishError(
            f"In {build}: {listed}. A view is read with its reader's rights: make it a table, or close it as well "
            "(orchestration/warehouse/roles.py says what closes a relation)."
        )


def _move(connection: psycopg.Connection[TupleRow], built: dict[str, Relation], build: str, schema: str) -> None:
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    for name, relation in built.items():
        kind = sql.SQL(_MOVE[relation.kind])
        source, moved = sql.Identifier(build, name), sql.Identifier(schema, name)
        connection.execute(sql.SQL("alter {} {} set schema {}").format(kind, source, sql.Identifier(schema)))
        if relation.kind == "v":  # or it would read its tables with the platform's rights
            connection.execute(sql.SQL("alter view {} set (security_invoker = true)").format(moved))
        else:  # the first readers would else be planned blindly, until autovacuum comes by
            connection.execute(sql.SQL("analyze {}").format(moved))


def _drop_old(connection: psycopg.Connection[TupleRow], history: list[Release], current: Release | None) -> None:
    """Drop what neither is read nor will be the release before; what somebody still reads is left to the next time."""
    for release in history:
        if not release.kept or release == current:
            continue
        try:
            with connection.transaction():
                connection.execute("set local lock_timeout = '200ms'")
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(release.schema_name)))
                connection.execute("set local lock_timeout to default")
        except psycopg.errors.LockNotAvailable:
            continue
