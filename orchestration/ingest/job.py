"""What one call of the extract loop works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from typing import Any

import psycopg
import sqlalchemy as sa

from orchestration.connectors.base import Partner
from orchestration.ingest.archive import Archive
from orchestration.ingest.categories import CATEGORIES, Category, CategorySpec
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What rows of one category are judged and loaded with, whether they came from a partner or in a file.

    ``conn`` holds the locks and loads, ``writer`` fills the work tables from another thread; both are in autocommit, as
    the gates read through connections of their own, which ``engine`` opens. With ``accept_held`` a batch rule that a
    school breaks does not hold it: the operator has looked, and the batch is right.
    """

    conn: psycopg.Connection[Any]
    writer: psycopg.Connection[Any]
    engine: sa.Engine
    settings: Settings
    archive: Archive
    spec: CategorySpec
    run_id: str
    accept_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Bench):
    """A bench at which a partner is read. With ``this_year`` a long history that is to be read whole is read for the
    present academic year alone.
    """

    partner: Partner
    full: bool
    this_year: bool = False


@contextmanager
def open_bench(warehouse: Warehouse, settings: Settings, spec: CategorySpec, *, run_id: str) -> Iterator[Bench]:
    """A bench with connections of its own, closed at the end of the block."""
    engine = sa.create_engine(warehouse.sqlalchemy_url, poolclass=sa.NullPool)
    with closing(_connect(warehouse)) as conn, closing(_connect(warehouse)) as writer:
        yield Bench(
            conn=conn,
            writer=writer,
            engine=engine,
            settings=settings,
            archive=Archive(settings.archive),
            spec=spec,
            run_id=run_id,
        )


@contextmanager
def open_job(
    warehouse: Warehouse,
    partner: Partner,
    settings: Settings,
    category: Category,
    *,
    run_id: str,
    full: bool,
    accept_held: bool = False,
    this_year: bool = False,
) -> Iterator[Job]:
    """A job with connections of its own, closed at the end of the block."""
    with open_bench(warehouse, settings, CATEGORIES[category], run_id=run_id) as bench:
        parts = {field.name: getattr(bench, field.name) for field in fields(bench)} | {"accept_held": accept_held}
        yield Job(**parts, partner=partner, full=full, this_year=this_year)


def _connect(warehouse: Warehouse) -> psycopg.Connection[Any]:
    conn = warehouse.connect(autocommit=True)
    # Without it the server carries a killed process's statement to its end, minutes perhaps, and holds its locks so
    # long.
    conn.execute("set client_connection_check_interval = '500ms'")
    # For each sort and hash: with the server's default of a few MB a batch of a million marks goes to disk.
    conn.execute("set work_mem = '128MB'")
    return conn
