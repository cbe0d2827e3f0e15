"""The whole way with the real connector over real HTTP: sandbox, extract loop, raw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from trial import install

from orchestration.connectors.http import Limits
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest import registry
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.warehouse.connection import Warehouse
from sandbox.server import Sandbox, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Three small schools."""
    with running(size=0.1) as sandbox:
        yield sandbox


def _partner(sandbox: Sandbox) -> WondePartner:
    return WondePartner(WondeConfig(sandbox.url, sandbox.token, page_size=100, limits=Limits(max_attempts=3)))


def test_every_category_travels_from_the_api_to_raw_and_a_day_later_only_what_changed(
    warehouse: Warehouse, tmp_path: Path, sandbox: Sandbox
) -> None:
    settings = install(warehouse, tmp_path, []).settings
    partner = _partner(sandbox)
    schools = {school.partner_school_id: school for school in registry.sync(warehouse, partner, settings)}
    approved = [school.school_id for school in schools.values() if school.state == "approved"]
    assert len(approved) == 3
    assert {"revoked", "pending", "declined"} <= {school.state for school in schools.values()}

    def extract(category: Category, **options: bool) -> list[SchoolOutcome]:
        return extract_category(warehouse, {"wonde": partner}, settings, category, approved, run_id="wonde", **options)

    for category, spec in CATEGORIES.items():
        first, second = extract(category), extract(category)
        assert {outcome.state for outcome in first + second} == {"loaded"}, [
            outcome.message for outcome in first + second
        ]
        assert {outcome.mode for outcome in first} == {"full"}
        assert min(outcome.rows_loaded for outcome in first) > 0
        assert sum(outcome.rows_loaded + outcome.rows_removed for outcome in second) == 0
        with warehouse.connect() as conn:
            for table in spec.tables:
                count = conn.execute(f"select count(*) from raw.{table.name}".encode()).fetchone()
                assert count is not None
                assert count[0] > 0, table.name

    sandbox.advance()
    marks = extract(Category.ATTENDANCE)
    assert {(outcome.state, outcome.mode) for outcome in marks} == {("loaded", "incremental")}
    assert all(0 < outcome.rows_loaded <= outcome.rows_extracted < 5_000 for outcome in marks)
    again = extract(Category.ATTENDANCE, full=True)
    assert sum(outcome.rows_loaded for outcome in again) == 0  # the day's changes were all there was

    key = next(key for key, school in schools.items() if school.school_id == approved[0])
    sandbox.control(f"school/{key}/state", {"state": "revoked"})
    revoked, *others = extract(Category.STAFF, full=True)
    assert revoked.state == "failed"
    assert revoked.message is not None
    assert "no longer approved" in revoked.message
    assert {outcome.state for outcome in others} == {"loaded"}
    sandbox.control(f"school/{key}/state", {"state": "approved"})

    scope = {"scope": "exclusions.read", "granted": False}
    sandbox.control(f"school/{key}/scope", scope)
    denied, *_ = extract(Category.ATTENDANCE, full=True)
    sandbox.control(f"school/{key}/scope", scope | {"granted": True})
    assert (denied.state, denied.rows_removed) == ("loaded", 0)
    assert denied.message is not None
    assert denied.message.startswith("exclusions not granted")
