"""The Dagster UI against `mis up`, in a real browser: what a data engineer sees and can do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, chromium
from installation import Installation, free_port
from playwright.sync_api import Page, expect

from sandbox import Sandbox

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
PATIENCE_SECONDS = 120
STAGES = ("raw", "reference", "staging", "core", "attendance", "published")


@pytest.fixture(scope="module")
def held_school(served: Installation, sandbox: Sandbox) -> str:
    """The partition of a school whose staff were held by a batch rule; everything else has run well."""
    school = served.rows(
        "select school_id, partner_school_id, name from ops.school where state = 'approved' order by 1"
    )[0]
    fault = {"kind": "drop", "school": school["partner_school_id"], "endpoint": "employees", "share": 1.0}
    sandbox.control("faults", {"faults": [fault]})
    served.mis("run", "--full", "--category", "staff", expect=1)
    sandbox.control("faults", {"faults": []})
    return f"{school['school_id']:05d}-{re.sub('[^a-z0-9]+', '-', school['name'].lower()).strip('-')}"


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Of the Dagster UI, and of the page of connections."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def address(served: Installation, held_school: str, ports: tuple[int, int]) -> Iterator[str]:
    """`mis up`, ready; at the end it is stopped as by Ctrl-C and must leave cleanly."""
    url = f"http://127.0.0.1:{ports[0]}"
    with served.serving(
        "up", "--port", str(ports[0]), "--connections-port", str(ports[1]), answers_at=f"{url}/server_info"
    ):
        yield url


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(PATIENCE_SECONDS * 1000)
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        yield opened


@pytest.fixture(scope="module")
def pictures(request: pytest.FixtureRequest) -> Path:
    """Where screenshots go, for somebody to look at."""
    folder = request.config.rootpath / ".mis" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_asset_graph_shows_the_stages(page: Page, address: str, pictures: Path) -> None:
    page.goto(f"{address}/asset-groups")
    for stage in STAGES:
        expect(page.get_by_text(stage, exact=True).first).to_be_visible()
    page.screenshot(path=pictures / "asset-graph.png")


def test_a_held_school_is_red_with_its_reason(page: Page, address: str, held_school: str, pictures: Path) -> None:
    page.goto(f"{address}/assets/raw/staff?view=partitions")
    expect(page.get_by_text("Failed (1)")).to_be_visible()
    expect(page.get_by_text(re.compile(f"^{held_school[:5]}-")).locator("visible=true").first).to_be_visible()
    page.screenshot(path=pictures / "school-partitions.png")
    page.goto(f"{address}/assets/raw/staff?view=checks")
    expect(page.get_by_text(re.compile(r"1 of 3 schools held.*BAT-"))).to_be_visible()
    page.screenshot(path=pictures / "held-batch.png")


def test_one_click_runs_the_held_school_again(
    page: Page, address: str, ports: tuple[int, int], held_school: str, pictures: Path
) -> None:
    """Dagster's asset of the connections leads to the page with the button."""
    page.goto(f"{address}/assets/ops/connections")
    page.goto(page.locator(f"a[href='http://127.0.0.1:{ports[1]}/']").first.get_attribute("href") or "")
    row = page.locator(f"#school-{int(held_school[:5])}")
    expect(row.get_by_role("cell", name="staff", exact=True)).to_be_visible()
    row.get_by_text("1", exact=True).last.click()
    expect(row.get_by_text(re.compile("^staff: BAT-"))).to_be_visible()
    page.screenshot(path=pictures / "connections-page.png")
    row.get_by_role("button", name="Run again").click()
    expect(row.get_by_role("link", name="under way")).to_be_visible()
    page.screenshot(path=pictures / "connections-page-under-way.png")
    # The page looks again by itself until the run has ended.
    expect(row.get_by_role("button", name="Run again")).to_be_visible()
    expect(row.get_by_role("cell", name="staff", exact=True)).to_have_count(0)
    page.goto(f"{address}/assets/raw/staff?view=partitions")
    expect(page.get_by_text("Materialized (3)")).to_be_visible()


def test_the_connections_show_state_scopes_extracts_and_what_waits(page: Page, address: str, pictures: Path) -> None:
    page.goto(f"{address}/assets/ops/connections")
    page.get_by_text("Show Markdown").first.click()
    dialog = page.get_by_role("dialog")
    for heading in ("school", "state", "scopes", "last", "due", "rows", "quarantined", "held"):
        expect(dialog.get_by_role("columnheader", name=heading, exact=True)).to_be_visible()
    for state in ("approved", "revoked"):
        expect(dialog.get_by_role("cell", name=state, exact=True).first).to_be_visible()
    page.screenshot(path=pictures / "connections.png")
