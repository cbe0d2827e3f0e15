"""Files of a school that a partner serves too: over real HTTP, through the extract loop; neither undoes the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tables import put_csv, row

from orchestration.connectors.http import Limits
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.files.loading import load_file
from orchestration.files.reading import Request
from orchestration.ingest import registry
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import extract_category
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox.server import running


def test_a_full_extract_leaves_what_came_in_a_file_and_a_file_what_the_partner_sent(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    settings = Settings(home=tmp_path / "home")

    def live() -> dict[str, int]:
        with warehouse.connect() as conn:
            rows = conn.execute(
                "select partner, count(*) from raw.result inner join ops.extract as extract using (extract_id)"
                " inner join ops.source as source using (source_id) where removed_at is null group by 1"
            ).fetchall()
        return dict(rows)

    with running(schools=1, size=0.1) as sandbox:
        partner = WondePartner(WondeConfig(sandbox.url, sandbox.token, page_size=100, limits=Limits(max_attempts=3)))
        (school,) = [one for one in registry.sync(warehouse, partner, settings) if one.state == "approved"]

        def extract(category: Category) -> Any:
            (outcome,) = extract_category(
                warehouse, {partner.name: partner}, settings, category, [school.school_id], run_id="test", full=True
            )
            assert (outcome.state, outcome.mode) == ("loaded", "full"), outcome.message
            return outcome

        extract(Category.BASIC)
        extract(Category.ASSESSMENT)
        sent = live()["wonde"]
        assert sent > 0
        with warehouse.connect() as conn:
            upns = conn.execute(
                "select upn from raw.pupil where upn ~ '[0-9]$' and not is_leaver order by upn limit 3"
            ).fetchall()
        path = put_csv(tmp_path, [row("standardised-tests", upn=upn) for (upn,) in upns])
        report = load_file(warehouse, settings, Request(path, "standardised-tests", school.school_id, "ada"))
        assert (report.state, report.rows_loaded, report.faults) == ("loaded", 3, ())
        assert live() == {"wonde": sent, "file": 3}
        assert extract(Category.ASSESSMENT).rows_removed == 0
        assert live() == {"wonde": sent, "file": 3}
