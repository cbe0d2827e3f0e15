"""A newly connected school: this academic year's marks first, the earlier years in the background, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.ingest import agenda, registry
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.partners import open_partners
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running

#: The sandbox's day is 18 July 2025.
YEAR_START = date(2024, 8, 1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(schools=1, size=0.05) as started:
        yield started


def test_the_year_comes_first_the_past_in_the_background_and_neither_marks_the_other_gone(
    warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, wonde_url=sandbox.url, wonde_token=sandbox.token)
    partners = open_partners(settings)
    (school,) = (s for s in registry.sync_all(warehouse, partners, settings) if s.state == "approved")

    def extract(**options: bool) -> SchoolOutcome:
        (outcome,) = extract_category(
            warehouse, partners, settings, Category.ATTENDANCE, [school.school_id], run_id="year", **options
        )
        assert outcome.state == "loaded", outcome.message
        return outcome

    def query(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.connect() as conn:
            return conn.execute(statement.encode()).fetchall()

    def waiting() -> list[int]:
        with warehouse.connect() as conn:
            return agenda.backfill(conn, 5, settings.history_from)

    live = "select count(*), min(mark_date) >= '2024-08-01' from raw.attendance_mark where removed_at is null"
    assert extract(this_year=True).mode == "full"
    ((this_year, is_this_year_alone),) = query(live)
    assert (is_this_year_alone, query("select covers_from from ops.watermark")) == (True, [(YEAR_START,)])
    assert waiting() == [school.school_id]

    everything = extract(full=True)
    assert everything.rows_loaded > 0
    ((all_years, is_this_year_alone),) = query(live)
    assert all_years == this_year + everything.rows_loaded
    assert (is_this_year_alone, query("select covers_from from ops.watermark"), waiting()) == (False, [(None,)], [])

    # A row that the partner no longer has is seen to have gone where the reading reaches, and only there.
    query(
        "update raw.attendance_mark set pupil_id = pupil_id || '-gone' where mark_date in ('2025-03-04', '2024-03-05')"
        " and session = 'AM' returning 1"
    )
    assert extract(full=True, this_year=True).rows_removed > 0
    gone = query("select distinct mark_date from raw.attendance_mark where removed_at is not null")
    assert gone == [(date(2025, 3, 4),)]
    assert query("select covers_from from ops.watermark") == [(None,)]
    assert extract(full=True).rows_removed > 0


def test_what_is_never_to_be_asked_for_is_not_waited_for(
    warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Else five schools would be read whole in every quarter of an hour, for ever."""
    since = date(2023, 9, 1)
    settings = Settings(home=tmp_path, wonde_url=sandbox.url, wonde_token=sandbox.token, history_from=since)
    partners = open_partners(settings)
    (school,) = (s for s in registry.sync_all(warehouse, partners, settings) if s.state == "approved")

    def waiting(history_from: date | None) -> list[int]:
        with warehouse.connect() as conn:
            return agenda.backfill(conn, 5, history_from)

    for this_year, waits in ((True, [school.school_id]), (False, [])):
        extract_category(
            warehouse, partners, settings, Category.ATTENDANCE, [school.school_id], run_id="year", full=True,
            this_year=this_year,
        )  # fmt: skip
        assert waiting(since) == waits
    # An operator who wants more of the past gets it.
    assert waiting(date(2022, 9, 1)) == waiting(None) == [school.school_id]
