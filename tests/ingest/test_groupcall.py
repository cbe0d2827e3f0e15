"""The whole way through Groupcall over real HTTP: sandbox, extract loop, raw; and what a later night brings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from trial import install

from orchestration.connectors.groupcall.client import GroupcallConfig, GroupcallPartner
from orchestration.connectors.groupcall.secrets import SchoolSecret, SecretStore
from orchestration.connectors.http import Limits
from orchestration.ingest import registry
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.warehouse.connection import Warehouse
from sandbox.server import Sandbox, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Three small schools, in the last week but one before Easter."""
    with running(size=0.1, today=date(2025, 3, 24)) as sandbox:
        yield sandbox


def _partner(sandbox: Sandbox, folder: Path) -> GroupcallPartner:
    store = SecretStore(folder)
    for estab, secret in sandbox.groupcall_secrets().items():
        store.put(SchoolSecret(estab, f"School {estab}", secret, (), datetime(2024, 9, 1, tzinfo=UTC)))
    return GroupcallPartner(
        GroupcallConfig(
            sandbox.groupcall_url,
            sandbox.groupcall_url.replace("api/v1/", "api/oauth/GetToken"),
            sandbox.groupcall_relying_party,
            store.all,
            page_size=100,
            limits=Limits(max_attempts=2, first_wait=0.01),
        )
    )


def test_every_category_travels_from_the_api_to_raw_and_days_later_only_what_changed(
    warehouse: Warehouse, tmp_path: Path, sandbox: Sandbox
) -> None:
    settings = install(warehouse, tmp_path, []).settings
    partner = _partner(sandbox, tmp_path / "groupcall")
    schools = {school.partner_school_id: school for school in registry.sync(warehouse, partner, settings)}
    approved = [school.school_id for school in schools.values() if school.state == "approved"]
    assert len(approved) == 3
    assert {"revoked", "pending", "offline"} <= {school.state for school in schools.values()}

    def extract(category: Category, **options: bool) -> list[SchoolOutcome]:
        partners = {"groupcall": partner}
        return extract_category(warehouse, partners, settings, category, approved, run_id="groupcall", **options)

    for category, spec in CATEGORIES.items():
        first, second = extract(category), extract(category)
        assert {outcome.state for outcome in first + second} == {"loaded"}, [
            outcome.message for outcome in first + second
        ]
        assert {outcome.mode for outcome in first} == {"full"}
        assert {outcome.mode for outcome in second} == {"incremental"}
        assert min(outcome.rows_loaded for outcome in first) > 0
        assert sum(outcome.rows_loaded + outcome.rows_removed for outcome in second) == 0
        with warehouse.connect() as conn:
            for table in spec.tables:
                count = conn.execute(f"select count(*) from raw.{table.name}".encode()).fetchone()
                assert count is not None
                assert count[0] > 0, table.name

    sandbox.advance(4)
    for category in (Category.BASIC, Category.ATTENDANCE, Category.STAFF):
        later = extract(category)
        assert {(outcome.state, outcome.mode) for outcome in later} == {("loaded", "incremental")}
        whole = extract(category, full=True)
        assert {(outcome.state, outcome.mode) for outcome in whole} == {("loaded", "full")}
        # What was read in part is what a whole reading finds.
        assert sum(outcome.rows_loaded + outcome.rows_removed for outcome in whole) == 0
        if category is Category.ATTENDANCE:
            assert sum(outcome.rows_loaded for outcome in later) > 0


def test_a_new_academic_year_takes_no_mark_of_the_old_one_away(warehouse: Warehouse, tmp_path: Path) -> None:
    with running(size=0.1, today=date(2025, 7, 18)) as sandbox:
        settings = install(warehouse, tmp_path, []).settings
        partner = _partner(sandbox, tmp_path / "groupcall")
        approved = [
            school.school_id for school in registry.sync(warehouse, partner, settings) if school.state == "approved"
        ]

        def extract(category: Category) -> list[SchoolOutcome]:
            return extract_category(
                warehouse, {"groupcall": partner}, settings, category, approved, run_id="year", full=True
            )

        def marks() -> tuple[int, int]:
            with warehouse.connect() as conn:
                row = conn.execute(
                    "select count(*) filter (where mark_date < '2025-09-01'), count(*) from raw.attendance_mark"
                    " where removed_at is null"
                ).fetchone()
            assert row is not None
            return row[0], row[1]

        extract(Category.ATTENDANCE)
        before, _ = marks()
        sandbox.advance(5)
        outcomes = extract(Category.ATTENDANCE)
        assert {outcome.state for outcome in outcomes} == {"loaded"}, [outcome.message for outcome in outcomes]
        old, all_of_them = marks()
        assert old == before
        assert all_of_them > before
