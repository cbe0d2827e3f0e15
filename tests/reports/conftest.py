"""The report pages as people meet them: published data, `mis reports`, and a browser without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import templates
from browsing import CHROMIUM, chromium
from installation import Installation, free_port
from made_up import fill_in, many_schools
from playwright.sync_api import Browser, BrowserContext, Page
from target_staff import put_target_staff

from orchestration.access.people import Rights, add, person_by_email, remove
from orchestration.ingest.categories import Purpose
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse, warehouse
from reports.attendance import PAGES
from reports.signin import sign_in_link
from reports.signing import Signer
from reports.vault import Vault

PATIENCE_SECONDS = 60

HEAD = "head@school.example"
TUTOR = "tutor@school.example"
GOVERNOR = "governor@school.example"
TRUST = "trust@trust.example"
NOBODY = "nobody@school.example"
COUNTY = "county@council.example"

#: Pages of a school, every one of them: a new page is looked at by the tests of all.
SLUGS = tuple(page.slug for page in PAGES if not page.path)


@dataclass(frozen=True)
class Reports:
    """The running application, and whose schools are whose."""

    installation: Installation
    warehouse: Warehouse
    address: str
    secondary: int
    primary: int
    everything: tuple[int, ...]

    def link(self, email: str) -> str:
        """A link as `mis reports link` prints it (test_signin.py), without 3 s of starting Python for each."""
        with self.warehouse.connect() as connection:
            person = person_by_email(connection, email)
        secret = Vault(self.installation.home / "reports").secret()
        return sign_in_link(Signer(secret), self.address, person.person_id)

    @contextmanager
    def client(self, email: str) -> Iterator[httpx.Client]:
        """A browser of the poorer sort, signed in."""
        with httpx.Client(base_url=self.address, follow_redirects=True, timeout=PATIENCE_SECONDS) as client:
            form = client.get(self.link(email)).text
            fields = {name: re.search(rf'name="{name}" value="([^"]+)"', form) for name in ("token", "form_token")}
            answer = client.post("/sign-in", data={name: found.group(1) for name, found in fields.items() if found})
            assert answer.status_code == 200, answer.text
            yield client

    def page(self, slug: str, school: int | None = None) -> str:
        return f"/schools/{school or self.secondary}/attendance/{slug}"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Warehouse]]:
    """Three synthetic schools, run and published; the server stays up."""
    home = tmp_path_factory.mktemp("reports") / "mis home"
    own = templates.published(templates.shared_folder(tmp_path_factory), home)
    with warehouse(Settings(home=own.home)) as leased:
        yield own, leased


@pytest.fixture(scope="session")
def reports(published: tuple[Installation, Warehouse]) -> Iterator[Reports]:
    """`mis reports` with a head teacher, a tutor without names, a governor without pupils, and a trust's officer."""
    installation, leased = published
    with leased.connect() as connection:
        schools = dict(
            connection.execute(
                "select s.phase, s.school_id from attendance.school s join ops.school o using (school_id)"
                " where o.state = 'approved'"
            ).fetchall()
        )
        secondary, primary, everything = schools["secondary"], schools["primary"], tuple(schools.values())
        fill_in(connection, secondary, [primary, schools["all_through"]])
        one, purpose = (secondary,), (Purpose.ATTENDANCE,)
        add(connection, HEAD, "Harriet Head", Rights(one, purpose, named=True, small_groups=True))
        add(connection, TUTOR, "Tariq Tutor", Rights(one, purpose, small_groups=True))
        add(connection, GOVERNOR, "Greta Governor", Rights(one, purpose))
        add(connection, TRUST, "Theo Trust", Rights(everything, purpose, named=True, small_groups=True))
        put_target_staff(connection, secondary)
        add(connection, NOBODY, "Nora Nobody", Rights(one, (Purpose.TRACKING,)))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with installation.serving("reports", "--port", str(port), answers_at=f"{address}/sign-in"):
        yield Reports(installation, leased, address, secondary, primary, everything)


@pytest.fixture(scope="module")
def county(reports: Reports) -> Iterator[list[int]]:
    """A local authority's officer, COUNTY, with more schools than stand on one page: the secondary and its copies."""
    with reports.warehouse.connect() as connection, many_schools(connection, reports.secondary) as copies:
        rights = Rights((reports.secondary, *copies), (Purpose.ATTENDANCE,), small_groups=True)
        person = add(connection, COUNTY, "Connie County", rights)
        connection.commit()
        yield copies
        remove(connection, person)


# For a module: while it is open Playwright keeps an event loop running, in which other modules' asyncio.run() fails.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with chromium() as opened:
        yield opened


@pytest.fixture
def signed_in(browser: Browser, reports: Reports) -> Iterator[Callable[[str], Page]]:
    """A function that gives a page of a fresh browser in which somebody has signed in, with JavaScript switched off."""
    contexts: list[BrowserContext] = []

    def sign_in(email: str) -> Page:
        context = browser.new_context(viewport={"width": 1200, "height": 900}, java_script_enabled=False)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.goto(reports.link(email))
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        return page

    yield sign_in
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go, for somebody to look at."""
    return tmp_path_factory.mktemp("pictures")
