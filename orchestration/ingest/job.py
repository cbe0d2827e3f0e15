"""What one call of the extract loop works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from orchestration.connectors.base import Partner
from orchestration.ingest.archive import Archive
from orchestration.ingest.categories import CategorySpec
from orchestration.settings import Settings


@dataclass(frozen=True, slots=True)
class Job:
    """``conn`` holds the locks and loads, ``writer`` fills the work tables from another thread; both are in autocommit, as
    the gates read through connections of their own, which ``engine`` opens.
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
