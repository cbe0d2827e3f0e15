"""Notices that partners send, taken by a real receiver, and what goes with them: new secrets and new ids."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest
from groupcall_reader import Groupcall

from sandbox import running

SEED = 12
Row = dict[str, Any]


@dataclass
class Receiver:
    """What was posted, and how to answer: the statuses in turn, then 200. ``open`` holds answers back while clear."""

    url: str = ""
    posts: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server of the platform's side."""
    with _receiving() as found:
        yield found


@contextmanager
def _receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append((self.headers["Content-Type"], body))
            receiver.open.wait(30)
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/notices"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield receiver
        receiver.open.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated schools that the tests of this module share."""
    return tmp_path_factory.mktemp("sandbox data")


@pytest.fixture
def own(folder: Path) -> Iterator[Groupcall]:
    """A sandbox that a test may change."""
    with running(size=0.06, seed=SEED, directory=folder, reset=True) as sandbox:
        yield Groupcall(sandbox)


def _delivered(own: Groupcall, count: int) -> list[Row]:
    """All deliveries once ``count`` of them have come to an end."""
    for _ in range(600):
        found: list[Row] = own.sandbox.control("notices")
        if sum(row["delivered"] is not None for row in found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"of {count} deliveries only these came to an end: {found}")


def _state(own: Groupcall, school: str, state: str) -> None:
    own.sandbox.control(f"school/{school}/state", {"state": state})


def _bodies(receiver: Receiver) -> list[Row]:
    return [msgspec.json.decode(body) for kind, body in receiver.posts if kind == "application/json"]


def test_wonde_tells_of_each_change_of_state(own: Groupcall, receiver: Receiver) -> None:
    school = own.sandbox.get("schools")["data"][1]
    own.sandbox.control("webhooks", {"url": receiver.url})
    for number, state in enumerate(("revoked", "approved", "approved", "declined", "offline"), 1):
        _state(own, school["id"], state)
        _delivered(own, min(number, 2) if number < 4 else 3)
    whose = {
        "school_id": school["id"],
        "school_name": school["name"],
        "school_la_code": school["la_code"],
        "school_urn": str(school["urn"]),
        "school_establishment_number": school["establishment_number"],
    }
    revoked, approved, declined = _bodies(receiver)
    assert revoked == whose | {"payload_type": "accessRevoked", "revoke_reason": revoked["revoke_reason"]}
    assert declined == whose | {"payload_type": "accessDeclined", "decline_reason": declined["decline_reason"]}
    assert approved == whose | {"payload_type": "schoolApproved", "school_token": approved["school_token"]}


def test_a_schools_own_token_opens_that_school_while_approved(own: Groupcall, receiver: Receiver) -> None:
    school, other = (row["id"] for row in own.sandbox.get("schools")["data"][:2])
    own.sandbox.control("webhooks", {"url": receiver.url})
    _state(own, school, "pending")
    _state(own, school, "approved")
    _delivered(own, 1)
    headers = {"Authorization": f"Bearer {_bodies(receiver)[0]['school_token']}"}

    def status(path: str) -> int:
        return httpx.get(own.sandbox.url + path, headers=headers, timeout=20).status_code

    assert status(f"schools/{school}/students") == 200
    assert status(f"schools/{other}/students") == status("schools") == 401
    control = own.sandbox.url.removesuffix("v1.0/") + f"_sandbox/school/{school}/state"
    assert httpx.post(control, headers=headers, json={"state": "revoked"}, timeout=20).status_code == 401
    _state(own, school, "revoked")
    assert status(f"schools/{school}/students") == 401


def test_a_failed_delivery_is_tried_three_times(own: Groupcall, receiver: Receiver) -> None:
    school = own.sandbox.get("schools")["data"][0]["id"]
    own.sandbox.control("webhooks", {"url": receiver.url})
    receiver.statuses = [500, 503]
    _state(own, school, "revoked")
    (delivery,) = _delivered(own, 1)
    assert (delivery["what"], delivery["tries"], delivery["delivered"]) == ("accessRevoked", 3, True)
    assert len(receiver.posts) == 3
    assert len({body for _, body in receiver.posts}) == 1
    receiver.statuses = [500] * 9
    _state(own, school, "declined")
    _, delivery = _delivered(own, 2)
    assert (delivery["tries"], delivery["delivered"], len(receiver.posts)) == (3, False, 6)
    own.sandbox.control("webhooks", {"url": "http://127.0.0.1:1/nobody"})
    _state(own, school, "revoked")
    *_, delivery = _delivered(own, 3)
    assert (delivery["tries"], delivery["delivered"]) == (3, False)


def test_the_sandbox_answers_while_a_receiver_is_slow(own: Groupcall, receiver: Receiver) -> None:
    school, other = (row["id"] for row in own.sandbox.get("schools")["data"][:2])
    own.sandbox.control("webhooks", {"url": receiver.url})
    receiver.open.clear()
    _state(own, school, "revoked")
    # The receiver holds its answer back until it is let go, and the sandbox goes on answering.
    assert own.sandbox.get(f"schools/{other}/students")["data"]
    assert own.sandbox.control("notices")[0]["delivered"] is None
    receiver.open.set()
    assert _delivered(own, 1)[0]["delivered"] is True


def test_groupcall_posts_a_form_with_a_new_secret(own: Groupcall, receiver: Receiver) -> None:
    school = own.sandbox.get("schools")["data"][0]
    estab = own.estab(school["id"])
    old = own.sandbox.groupcall_secrets()
    own.sandbox.control(f"school/{school['id']}/scope", {"scope": "UPN", "granted": False})
    own.sandbox.control("groupcall/approvals", {"url": receiver.url})
    _state(own, school["id"], "revoked")
    _state(own, school["id"], "approved")
    _delivered(own, 1)
    ((kind, body),) = receiver.posts
    assert kind == "application/x-www-form-urlencoded"
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert set(form) == {
        "schoolSecret",
        "schoolId",
        "schoolEmail",
        "schoolName",
        "templateScopes",
        "scopes",
        "thirdParty",
        "partnerId",
    }
    assert (form["schoolId"], form["schoolName"]) == (estab, school["name"])
    assert (form["thirdParty"], form["partnerId"]) == ("XporterOnDemand", own.sandbox.groupcall_relying_party)
    assert set(form["templateScopes"].split(",")) - set(form["scopes"].split(",")) == {"UPN"}
    assert own.sandbox.groupcall_secrets() == old | {estab: form["schoolSecret"]}
    assert form["schoolSecret"] != old[estab]
    assert own.ask_for_token(estab, password=old[estab])["token"] is None
    assert own.ask_for_token(estab, password=form["schoolSecret"])["token"]


def test_a_new_secret_outlives_a_restart(folder: Path, own: Groupcall) -> None:
    school = own.sandbox.get("schools/pending")["data"][0]["id"]
    before = own.sandbox.groupcall_secrets()
    _state(own, school, "approved")
    after = own.sandbox.groupcall_secrets()
    assert after != before
    with running(size=0.06, seed=SEED, directory=folder) as restarted:
        assert restarted.groupcall_secrets() == after


def test_a_migration_gives_every_id_anew_and_keeps_the_data(own: Groupcall, receiver: Receiver) -> None:
    school = own.sandbox.get("schools")["data"][1]
    assert school["mis"] == "Arbor"
    endpoints = (
        "students?include=education_details",
        "students-leaver",
        "classes",
        "groups",
        "employees",
        "exclusions",
        "assessment/results",
        "assessment/aspects",
        "attendance-codes",
        "attendance/session?attendance_date_after=2025-07-17",
    )

    def rows(endpoint: str) -> list[Row]:
        found: list[Row] = own.sandbox.control(f"truth/{school['id']}/rows/{endpoint}")
        return found

    before = {endpoint: rows(endpoint) for endpoint in endpoints}
    xod = own.read(school["id"], "Students")["Students"]
    marks = own.read(school["id"], "AttendanceForDate", date="2025-07-18")["AttendMarks"]
    own.sandbox.control("webhooks", {"url": receiver.url})
    own.sandbox.control(f"school/{school['id']}/migrate", {"mis": "Bromcom"})
    _delivered(own, 1)
    assert _bodies(receiver) == [
        {
            "payload_type": "schoolMigration",
            "school_id": school["id"],
            "school_name": school["name"],
            "migrate_from": "Arbor",
            "migrate_to": "Bromcom",
            "scheduled_at": "2025-07-18 19:00:00",
            "completed_at": "2025-07-18 19:00:00",
        }
    ]
    for endpoint in endpoints:
        after = rows(endpoint)
        assert len(after) == len(before[endpoint]), endpoint
        for key in ("id", "mis_id", "upi"):
            gone = {row[key] for row in before[endpoint] if key in row}
            assert not gone & {row[key] for row in after if key in row}, endpoint
            assert len({row[key] for row in after if key in row}) == len(gone)
    students = rows("students?include=education_details")
    for name in ("surname", "forename", "updated_at"):
        assert [row[name] for row in students] == [row[name] for row in before["students?include=education_details"]]
    # Bromcom sends dates of birth as objects, Arbor as text.
    assert isinstance(students[0]["date_of_birth"], dict)
    for old, new in zip(before["students?include=education_details"], students, strict=True):
        for name in ("upn", "admission_number"):
            assert old["education_details"]["data"][name] == new["education_details"]["data"][name]
    known = {row["id"] for row in students}
    assert {row["student"] for row in rows("attendance/session?attendance_date_after=2025-07-17")} <= known
    assert own.sandbox.get(f"schools/{school['id']}")["data"]["mis"] == "Bromcom"
    moved = own.read(school["id"], "Students")
    assert moved["meta"][0]["MIS"] == "bromcom"
    assert [row["UPN"] for row in moved["Students"]] == [row["UPN"] for row in xod]
    assert not {row[key] for key in ("Id", "IdaasId", "ExternalId") for row in xod} & {
        row[key] for key in ("Id", "IdaasId", "ExternalId") for row in moved["Students"]
    }
    again = own.read(school["id"], "AttendanceForDate", date="2025-07-18")["AttendMarks"]
    assert [(row["Session"], row["Mark"]) for row in again] == [(row["Session"], row["Mark"]) for row in marks]
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        own.sandbox.control(f"school/{school['id']}/migrate", {"mis": "Paper"})
