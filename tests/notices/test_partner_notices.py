"""Partners' notices over real HTTP: delivered by the sandbox, verified by asking back, harmless when they lie."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestration.connectors.groupcall.secrets import SecretStore
from orchestration.ingest import registry
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import extract_category
from orchestration.notices import groupcall, wonde
from orchestration.notices.app import LONGEST_BODY, create_app
from orchestration.notices.handling import handle
from orchestration.notices.notice import Notice, NoticeError
from orchestration.partners import open_partners
from orchestration.serving import served
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running

SECRET = "an-address-nobody-guesses"
#: The sandbox's first school.
SCHOOL, ESTAB = "A1000200030", "8504900"
STATE = "select state from ops.school where partner_school_id = 'A1000200030'"


@dataclass
class Receiver:
    """A platform that listens, the sandbox that delivers, and how to look into the ledger."""

    warehouse: Warehouse
    settings: Settings
    sandbox: Sandbox
    url: str

    def post(self, partner: str, body: Any = None, *, secret: str = SECRET, **options: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/notices/{secret}/{partner}", timeout=30, **(options or {"json": body}))

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.warehouse.connect() as conn:
            return conn.execute(statement.encode(), parameters or None).fetchall()

    def ledger(self) -> list[tuple[Any, ...]]:
        """What came since the first poll: kind, before, after, learned from, reason."""
        return self.query(
            "select kind, before, after, learned_from, reason from ops.connection_event"
            " where learned_from <> 'poll' order by event_id"
        )

    def wait_for(self, what: Callable[[], Any], expected: Any) -> None:
        """Until the sandbox, which delivers in its own time, has delivered."""
        deliveries = threading.Event()
        for _ in range(200):
            if what() == expected:
                return
            deliveries.wait(0.05)
        assert what() == expected


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(schools=1, size=0.03) as started:
        yield started


@pytest.fixture
def receiver(warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path) -> Iterator[Receiver]:
    settings = Settings(
        home=tmp_path,
        wonde_url=sandbox.url,
        wonde_token=sandbox.token,
        groupcall_url=sandbox.groupcall_url,
        groupcall_relying_party=sandbox.groupcall_relying_party,
        max_attempts=1,
    )
    app = create_app(
        SECRET,
        lambda notice: handle(warehouse, open_partners(settings), settings, notice),
        {"wonde": wonde.parse, "groupcall": partial(groupcall.parse, store=SecretStore(settings.groupcall_secrets))},
    )
    sandbox.control(f"school/{SCHOOL}/state", {"state": "approved"})
    registry.sync(warehouse, open_partners(settings)["wonde"], settings)
    with served(app) as port:
        yield Receiver(warehouse, settings, sandbox, f"http://127.0.0.1:{port}")


def told(kind: str, **more: str) -> dict[str, str]:
    """A webhook's body about the school."""
    return {"payload_type": kind, "school_id": SCHOOL, "school_name": "Northmoor", **more}


def test_a_revocation_that_the_partner_delivers_is_in_force_at_once_and_starts_the_clock(receiver: Receiver) -> None:
    receiver.sandbox.control("webhooks", {"url": f"{receiver.url}/notices/{SECRET}/wonde"})
    receiver.sandbox.control(f"school/{SCHOOL}/state", {"state": "revoked"})
    receiver.wait_for(lambda: receiver.query(STATE), [("revoked",)])
    assert [entry[:4] for entry in receiver.ledger()] == [("state", "approved", "revoked", "webhook")]
    assert receiver.query(
        "select delete_after - state_since = interval '30 days' from ops.connection where partner_school_id = %s",
        SCHOOL,
    ) == [(True,)]
    receiver.sandbox.control(f"school/{SCHOOL}/state", {"state": "approved"})
    receiver.wait_for(lambda: receiver.query(STATE), [("approved",)])
    assert receiver.query("select delete_after from ops.connection where partner_school_id = %s", SCHOOL) == [(None,)]
    receiver.sandbox.control("webhooks", {"url": None})


def test_a_forged_or_late_revocation_changes_nothing(receiver: Receiver) -> None:
    answer = receiver.post("wonde", told("accessRevoked", revoke_reason="not true"))
    assert (answer.status_code, answer.json()["message"]) == (
        200,
        f"Not confirmed: {SCHOOL} is approved at wonde, and stays so.",
    )
    assert (receiver.query(STATE), receiver.ledger()) == ([("approved",)], [])


def test_an_approval_that_is_told_again_after_the_school_revoked_does_not_bring_it_back(receiver: Receiver) -> None:
    receiver.sandbox.control(f"school/{SCHOOL}/state", {"state": "revoked"})
    receiver.post("wonde", told("accessRevoked", revoke_reason="Contract ended"))
    for _ in range(2):
        answer = receiver.post("wonde", told("schoolApproved", school_token="secret of old"))
        assert "Not confirmed" in answer.json()["message"]
    assert receiver.query(STATE) == [("revoked",)]
    assert receiver.ledger() == [("state", "approved", "revoked", "webhook", "Contract ended")]


def test_an_announced_migration_is_in_the_ledger(receiver: Receiver) -> None:
    answer = receiver.post("wonde", told("schoolMigration", migrate_from="SIMS", migrate_to="Arbor"))
    assert answer.status_code == 200
    assert receiver.ledger() == [("migration", "SIMS", "Arbor", "webhook", None)]


def test_an_extract_stops_in_the_middle_when_its_school_withdraws(receiver: Receiver) -> None:
    """The partner goes on answering: our own ledger stops it, at the next page."""
    ((school_id,),) = receiver.query("select school_id from ops.school where partner_school_id = %s", SCHOOL)
    partners = open_partners(receiver.settings.model_copy(update={"page_size": 1}))
    pages = 0

    def withdraw_after_three(event: object) -> None:
        nonlocal pages
        pages += 1
        if pages == 3:
            registry.withdraw(receiver.warehouse, "wonde", SCHOOL, "revoked", receiver.settings, reason=None)
            receiver.query("select pg_sleep(1.1)")  # the ledger is asked once a second

    (outcome,) = extract_category(
        receiver.warehouse,
        partners,
        receiver.settings,
        Category.STAFF,
        [school_id],
        run_id="withdrawn",
        progress=withdraw_after_three,
    )
    assert (outcome.state, outcome.rows_loaded) == ("failed", 0)
    assert outcome.message is not None
    assert "withdrew while it was being read" in outcome.message
    assert receiver.query("select count(*) from raw.staff") == [(0,)]


def test_groupcalls_form_brings_the_secret_by_which_the_school_is_read(receiver: Receiver) -> None:
    form = {
        "schoolSecret": receiver.sandbox.groupcall_secrets()[ESTAB],
        "schoolId": ESTAB,
        "schoolName": "Northmoor",
        "schoolEmail": "office@example.org",
        "templateScopes": "School,Student",
        "scopes": "School,Student",
        "thirdParty": "app",
        "partnerId": "1",
    }
    answer = httpx.post(f"{receiver.url}/notices/{SECRET}/groupcall", data=form, timeout=30)
    assert (answer.status_code, answer.json()["message"]) == (200, f"{ESTAB} is approved.")
    assert [secret.estab for secret in SecretStore(receiver.settings.groupcall_secrets).all()] == [ESTAB]
    # One school, two connections: the one through which it was read goes on serving.
    assert receiver.query(
        "select school.partner, array_agg(connection.partner order by connection.partner) from ops.school as school"
        " inner join ops.connection as connection using (school_id) where school.laestab = %s group by 1",
        ESTAB,
    ) == [("wonde", ["groupcall", "wonde"])]


@pytest.mark.parametrize(
    ("partner", "secret", "content", "status"),
    [
        ("wonde", "wrong", b"{}", 404),
        ("nobody", SECRET, b"{}", 404),
        ("wonde", SECRET, b"no json", 400),
        ("wonde", SECRET, b'{"payload_type": "accessRevoked"}', 400),
        ("groupcall", SECRET, b"schoolId=8504900", 400),
        ("groupcall", SECRET, b"\xff=\xff", 400),
        ("wonde", SECRET, b" " * (LONGEST_BODY + 1), 413),
        ("wonde", SECRET, b'{"payload_type": "writeback", "writeback_id": "1"}', 200),
    ],
)
def test_what_is_no_notice_is_refused_and_changes_nothing(
    receiver: Receiver, partner: str, secret: str, content: bytes, status: int
) -> None:
    assert receiver.post(partner, secret=secret, content=content).status_code == status
    assert receiver.ledger() == []


def test_a_partner_that_cannot_be_asked_is_to_deliver_again(receiver: Receiver) -> None:
    fault = {"kind": "status", "status": 503, "path": f"meta/schools/{SCHOOL}", "times": 1}
    receiver.sandbox.control("faults", {"faults": [fault]})
    assert receiver.post("wonde", told("accessRevoked")).status_code == 503
    assert receiver.post("wonde", told("accessRevoked")).status_code == 200
    with pytest.raises(NoticeError, match="fake is not configured"):
        handle(receiver.warehouse, {}, receiver.settings, Notice("fake", "revoked", SCHOOL))
