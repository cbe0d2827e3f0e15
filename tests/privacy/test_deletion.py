"""A school that took its consent back: nothing of its pupils is left when its time is up, and nothing before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.ingest import registry
from orchestration.ingest.archive import Archive
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.extract import extract_category
from orchestration.partners import open_partners
from orchestration.privacy.deletion import DeletionError, delete_school, due
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(schools=2, size=0.03) as started:
        yield started


def query(warehouse: Warehouse, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with warehouse.connect() as conn:
        return conn.execute(statement.encode(), parameters or None).fetchall()


def rows_of(warehouse: Warehouse, school_id: int) -> int:
    tables = [table.name for spec in CATEGORIES.values() for table in spec.tables]
    counts = " + ".join(f"(select count(*) from raw.{name} where school_id = %(school)s)" for name in tables)
    with warehouse.connect() as conn:
        row = conn.execute(f"select {counts}".encode(), {"school": school_id}).fetchone()
    assert row is not None
    return int(row[0])


def test_all_of_a_school_goes_when_its_time_is_up_and_not_before(
    warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, wonde_url=sandbox.url, wonde_token=sandbox.token, keep_withdrawn_days=7)
    partners = open_partners(settings)
    goes, stays = (
        school.school_id for school in registry.sync_all(warehouse, partners, settings) if school.state == "approved"
    )
    for category in (Category.BASIC, Category.STAFF):
        extract_category(warehouse, partners, settings, category, [goes, stays], run_id="first")
    kept = rows_of(warehouse, stays)
    archive = Archive(settings.archive)
    paths = query(warehouse, "select archive_path from ops.extract where school_id = %s", goes)
    assert rows_of(warehouse, goes) > 0
    assert all(archive.segments(path) for (path,) in paths)

    with warehouse.connect() as conn:
        with pytest.raises(DeletionError, match="has not revoked, or its data are to be kept for now"):
            delete_school(conn, archive, goes)
        (school,) = registry.read(conn, [goes]).values()
    registry.withdraw(warehouse, "wonde", school.partner_school_id, "revoked", settings, reason=None)
    with warehouse.connect(autocommit=True) as conn:
        assert due(conn) == []
        conn.execute("update ops.connection set delete_after = now() - interval '1 hour' where school_id = %s", (goes,))
        assert [school.school_id for school in due(conn)] == [goes]
        deleted = delete_school(conn, archive, goes)
        assert deleted["raw.pupil"] > 0
        assert due(conn) == []
    assert (rows_of(warehouse, goes), rows_of(warehouse, stays)) == (0, kept)
    assert not any(archive.segments(path) for (path,) in paths)
    assert query(warehouse, "select count(*) from ops.watermark where school_id = %s", goes) == [(0,)]
    # That there was a school, and what was done, stays.
    assert query(
        warehouse,
        "select kind, after from ops.connection_event inner join ops.connection using (connection_id)"
        " where school_id = %s and kind in ('state', 'deletion') order by event_id",
        goes,
    ) == [("state", "approved"), ("state", "revoked"), ("deletion", f"{sum(deleted.values())} rows")]

    registry.enter(warehouse, school.as_source(), [], settings, "poll")
    outcomes = [
        extract_category(warehouse, partners, settings, category, [goes], run_id="again")[0]
        for category in (Category.BASIC, Category.STAFF)
    ]
    assert {(outcome.state, outcome.mode) for outcome in outcomes} == {("loaded", "full")}
    assert rows_of(warehouse, goes) > 0


def test_the_ledger_is_only_added_to(warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, wonde_url=sandbox.url, wonde_token=sandbox.token)
    registry.sync_all(warehouse, open_partners(settings), settings)
    with warehouse.connect(autocommit=True) as conn:
        conn.execute("set mis.erasure = 'on'")
        for statement in ("update ops.connection_event set after = 'x'", "delete from ops.connection_event"):
            with pytest.raises(Exception, match="the ledger of consent is only added to"):
                conn.execute(statement.encode())
