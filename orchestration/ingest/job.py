"""What one call of the extract loop works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from orchestration.connectors.base import Partner
from orchestration.ingest.archive import Archive
from orchestration.ingest.categories import CATEGORIES, Category, CategorySpec
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


@dataclass(frozen=True, slots=True)
class Job:
    """``conn`` holds the locks and loads, ``writer`` fills the work tables from another thread; both are in autocommit,
    as the gates read through connections of their own, which ``engine`` opens. With ``accept_held`` a batch rule that a
    school breaks does not hold it: the operator has looked, and the batch is right. With ``this_year`` a long history
    that is to be read whole is read for the present academic year alone.
    """

    conn: psycopg.Connection[Any]
    writer: psycopg.Connection[Any]
    engine: sa.Engine
    settings: Settings
    partner: Partner
    archive: Archive
    spec: CategorySpec
    run_id: str
    full: bool
    accept_held: bool = False
    this_year: bool = False


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
    engine = sa.create_engine(warehouse.sqlalchemy_url, poolclass=sa.NullPool)
    with closing(_connect(warehouse)) as conn, closing(_connect(warehouse)) as writer:
        archive = Archive(settings.archive)
        spec = CATEGORIES[category]
        yield Job(conn, writer, engine, settings, partner, archive, spec, run_id, full, accept_held, this_year)


def _connect(warehouse: Warehouse) -> psycopg.Connection[Any]:
    conn = warehouse.connect(autocommit=True)
    # Without it the server carries a killed process's statement to its end, minutes perhaps, and holds its locks so
    # long.
    conn.execute("set client_connection_check_interval = '500ms'")
    # For each sort and hash: with the server's default of a few MB a batch of a million marks goes to disk.
    conn.execute("set work_mem = '128MB'")
    return conn
