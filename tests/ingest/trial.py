"""An installation of a test: warehouse, partner in memory, suites of its own; and how to look into it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from fake_partner import FakePartner

from orchestration.connectors.base import Partner
from orchestration.ingest import registry
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"


class TrialSettings(Settings):
    """Settings of a test, with suites of its own."""

    suites: Path

    @property
    def expectations_dir(self) -> Path:
        return self.suites

    @property
    def column_permissions(self) -> Path:
        return self.suites / "column_permission.csv"


@dataclass
class Trial:
    """An installation of one test: ``extract`` and look."""

    warehouse: Warehouse
    settings: TrialSettings
    partner: FakePartner
    ids: dict[str, int] = field(default_factory=dict)

    def register(self) -> None:
        """Bring ``ops.school`` in step; afterwards ``ids`` has our number of each school."""
        self.ids = {
            school.partner_school_id: school.school_id
            for school in registry.sync(self.warehouse, self.partner, self.settings)
        }

    def extract(
        self, *schools: str, category: Category = Category.BASIC, partner: Partner | None = None, **options: Any
    ) -> list[SchoolOutcome]:
        """Extract the schools (all when none is named)."""
        numbers = [self.ids[school] for school in schools or self.ids]
        options.setdefault("run_id", "trial")
        chosen = partner or self.partner
        return extract_category(self.warehouse, {chosen.name: chosen}, self.settings, category, numbers, **options)

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query in the warehouse."""
        with self.warehouse.connect() as conn:
            return conn.execute(statement.encode(), parameters or None).fetchall()

    def raw(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Live rows of a raw table, in order."""
        return self.query(
            f"select {', '.join(columns)} from raw.{table} where removed_at is null order by {', '.join(columns)}"
        )

    def suite(self, name: str) -> Path:
        """The file of a suite, for a test to change: ``raw/pupil``."""
        return self.settings.suites / f"{name}.json"


MakeTrial = Callable[[Sequence[str]], Trial]


def install(warehouse: Warehouse, folder: Path, schools: Sequence[str]) -> Trial:
    """An installation below ``folder`` with the named schools, all approved and known."""
    suites = folder / "expectations"
    shutil.copytree(EXPECTATIONS, suites)
    settings = TrialSettings(home=folder / "home", suites=suites, schools_per_batch=10)
    shutil.copy(Settings().column_permissions, settings.column_permissions)
    trial = Trial(warehouse, settings, FakePartner(schools))
    trial.register()
    return trial


def state_of(conn: psycopg.Connection[Any], tables: Sequence[str]) -> dict[str, str]:
    """A checksum of the contents of raw tables, but for which extract brought them."""
    found = {}
    for table in tables:
        row = conn.execute(
            f"""
            select md5(coalesce(string_agg(line, '|' order by line), ''))
            from (select (to_jsonb(t) - 'extract_id')::text as line from raw.{table} as t) as lines
            """.encode()
        ).fetchone()
        assert row is not None
        found[table] = row[0]
    return found
