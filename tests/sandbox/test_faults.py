"""Each kind of fault, over real HTTP, on both partners' interfaces."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from groupcall_reader import Groupcall

from sandbox import Sandbox, running
from sandbox.odd_names import ODD_NAMES
from sandbox.row_faults import ABSURD_DATES, CONTROL_CHARACTERS

SEED = 12
Row = dict[str, Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox: every test clears its faults."""
    folder: Path = tmp_path_factory.mktemp("sandbox data")
    with running(size=0.06, seed=SEED, directory=folder) as sandbox:
        yield sandbox


@pytest.fixture
def own(shared: Sandbox) -> Iterator[Groupcall]:
    """Both partners of the sandbox, without faults."""
    yield Groupcall(shared)
    shared.control("faults", {"faults": []})


@pytest.fixture
def school(own: Groupcall) -> str:
    """A secondary school."""
    found: str = own.sandbox.get("schools")["data"][1]["id"]
    return found


def _ask(own: Groupcall, *faults: Row) -> None:
    own.sandbox.control("faults", {"faults": list(faults)})


def _get(own: Groupcall, school: str, partner: str, **query: Any) -> httpx.Response:
    """Students, in one page unless the query says otherwise."""
    if partner == "wonde":
        headers = {"Authorization": f"Bearer {own.sandbox.token}"}
        query = {"per_page": 500} | query
        return httpx.get(f"{own.sandbox.url}schools/{school}/students", params=query, headers=headers, timeout=20)
    estab = own.estab(school)
    if estab not in own.tokens:
        own.tokens[estab] = own.ask_for_token(estab)["token"]
    return own.get(f"School/{estab}/Students", own.tokens[estab], **query)


def _path(own: Groupcall, school: str, partner: str) -> str:
    return f"schools/{school}/students" if partner == "wonde" else f"School/{own.estab(school)}/Students"


both = pytest.mark.parametrize("partner", ["wonde", "groupcall"])


# -- the connection --------------------------------------------------------------------------------------------------


@both
def test_a_fault_is_used_up_and_hits_its_path_only(own: Groupcall, school: str, partner: str) -> None:
    other = "groupcall" if partner == "wonde" else "wonde"
    path = _path(own, school, partner)
    _get(own, school, partner)
    _ask(own, {"kind": "status", "path": path, "status": 429, "retry_after": "2", "times": 2})
    assert _get(own, school, other).status_code == 200
    answers = [_get(own, school, partner) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "2"


def test_token_endpoints_have_paths_too(own: Groupcall, school: str) -> None:
    _ask(own, {"kind": "exception", "path": "api/oauth/GetToken", "message": "Try later"})
    assert own.ask_for_token(own.estab(school))["ExceptionMessage"] == "Try later"
    assert own.ask_for_token(own.estab(school))["token"]


@both
def test_a_connection_breaks_in_the_body(own: Groupcall, school: str, partner: str) -> None:
    path = _path(own, school, partner)
    _get(own, school, partner)
    _ask(own, {"kind": "hang_up", "path": path}, {"kind": "truncate", "path": path})
    with pytest.raises(httpx.RemoteProtocolError):
        _get(own, school, partner)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _get(own, school, partner).json()


@both
@pytest.mark.parametrize("after", [None, 1000])
def test_a_connection_is_reset(own: Groupcall, school: str, partner: str, after: int | None) -> None:
    path = _path(own, school, partner)
    sound = _get(own, school, partner)
    _ask(own, {"kind": "reset", "path": path, "after": after})
    request = sound.request
    address = urlsplit(str(request.url))
    head = f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: sandbox\r\n"
    head += f"Authorization: {request.headers['authorization']}\r\n\r\n"
    received = b""
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=20) as client:
        client.sendall(head.encode())
        with pytest.raises(ConnectionResetError):  # noqa: PT012 (whatever had come before is looked at too)
            while True:
                part = client.recv(65536)
                assert part, "the connection was closed in good order"
                received += part
    if after is None:
        assert received == b""
    else:
        assert received.split(b"\r\n\r\n", 1)[1] == sound.content[:1000]
    assert _get(own, school, partner).content == sound.content


@both
def test_a_body_drips(own: Groupcall, school: str, partner: str) -> None:
    sound = _get(own, school, partner)
    _ask(own, {"kind": "drip", "path": _path(own, school, partner), "bytes": len(sound.content) // 3, "seconds": 0.2})
    with httpx.stream("GET", sound.request.url, headers=sound.request.headers, timeout=20) as answer:
        parts = list(answer.iter_raw())
    assert b"".join(parts) == sound.content
    assert len(parts) >= 3


@both
def test_bodies_that_are_no_data(own: Groupcall, school: str, partner: str) -> None:
    sound = _get(own, school, partner)
    kinds = ("invalid_json", "content_type", "empty", "exception")
    _ask(own, *({"kind": kind, "path": _path(own, school, partner)} for kind in kinds))
    broken, page, empty, failed = (_get(own, school, partner) for _ in kinds)
    assert {answer.status_code for answer in (broken, page, empty, failed)} == {200}
    with pytest.raises(ValueError, match=r"Expecting|Illegal"):
        broken.json()
    assert len(broken.content) == len(sound.content) + 1
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.startswith("<!DOCTYPE html>")
    assert empty.content == b""
    assert failed.json()["ExceptionMessage"] == "Something went wrong"
    assert _get(own, school, partner).content == sound.content


@both
def test_a_clock_is_off(own: Groupcall, school: str, partner: str) -> None:
    _get(own, school, partner)
    _ask(own, {"kind": "clock_skew", "seconds": -7200})
    answer = _get(own, school, partner)
    assert answer.headers["date"] == "Fri, 18 Jul 2025 17:00:00 GMT"
    if partner == "groupcall":
        assert answer.json()["meta"][0]["DateTime"] == "2025-07-18T18:00:00"


# -- pages -----------------------------------------------------------------------------------------------------------


def _pages(own: Groupcall, school: str, partner: str) -> list[list[str]]:
    """Ids of the rows of each page of ten, read as a client does."""
    found = []
    if partner == "wonde":
        headers = {"Authorization": f"Bearer {own.sandbox.token}"}
        url = f"{own.sandbox.url}schools/{school}/students?per_page=10"
        while url:
            answer = httpx.get(url, headers=headers, timeout=20).raise_for_status().json()
            found.append([row["id"] for row in answer["data"]])
            url = answer["meta"]["pagination"]["next"]
        return found
    return [[row["Id"] for row in page["Students"]] for page in own.pages(school, "Students", 10)]


@both
def test_pages_repeat_and_go_missing(own: Groupcall, school: str, partner: str) -> None:
    sound = _pages(own, school, partner)
    path = _path(own, school, partner)
    _ask(own, {"kind": "repeat_page", "path": path})
    repeated = _pages(own, school, partner)
    # Wonde's next link comes with the page that was sent again; Groupcall's client counts on and misses a page.
    assert repeated == [sound[0], *(sound if partner == "wonde" else [sound[0], *sound[2:]])]
    _ask(own, {"kind": "skip_page", "path": path})
    skipped = _pages(own, school, partner)
    assert skipped == (sound[1:] if partner == "wonde" else [sound[1], *sound[1:]])
    assert _pages(own, school, partner) == sound


def test_pages_of_marks_repeat_and_go_missing(own: Groupcall, school: str) -> None:
    headers = {"Authorization": f"Bearer {own.sandbox.token}"}

    def pages() -> list[list[str]]:
        found = []
        url = f"{own.sandbox.url}schools/{school}/attendance/session?per_page=20&attendance_date_after=2025-07-17"
        while url:
            answer = httpx.get(url, headers=headers, timeout=20).raise_for_status().json()
            found.append([row["id"] for row in answer["data"]])
            url = answer["meta"]["pagination"]["next"]
        return found

    sound = pages()
    _ask(own, {"kind": "repeat_page", "path": f"schools/{school}/attendance"})
    assert pages() == [sound[0], *sound]
    _ask(own, {"kind": "skip_page", "path": f"schools/{school}/attendance"})
    assert pages() == sound[1:]


@both
def test_page_boundaries_move(own: Groupcall, school: str, partner: str) -> None:
    sound = [row for page in _pages(own, school, partner) for row in page]
    path = _path(own, school, partner)
    _ask(own, {"kind": "shift", "path": path, "rows": 1})
    # A row was inserted in front: the last row of each page begins the next one again.
    assert [row for page in _pages(own, school, partner) for row in page] == [*sound[:10], *sound[9:]]
    _ask(own, {"kind": "shift", "path": path, "rows": -1})
    assert [row for page in _pages(own, school, partner) for row in page] == [*sound[:10], *sound[11:]]


# -- rows ------------------------------------------------------------------------------------------------------------


def _rows(own: Groupcall, school: str, partner: str) -> list[Row]:
    rows: list[Row] = _get(own, school, partner).json()["data" if partner == "wonde" else "Students"]
    return rows


def _fault(kind: str, school: str, partner: str, **more: Any) -> Row:
    return {"kind": kind, "school": school, "endpoint": "students" if partner == "wonde" else "Students", **more}


@both
def test_rows_are_dropped_doubled_and_corrupted(own: Groupcall, school: str, partner: str) -> None:
    name, identifier = ("surname", "id") if partner == "wonde" else ("Surname", "Id")
    sound = _rows(own, school, partner)
    _ask(
        own,
        _fault("duplicate", school, partner, rows=[2]),
        _fault("corrupt", school, partner, rows=[0], field=name, value=7),
    )
    hurt = _rows(own, school, partner)
    assert hurt == [sound[0] | {name: 7}, *sound[1:3], *sound[2:]]
    _ask(own, _fault("drop", school, partner, share=0.5))
    left = {row[identifier] for row in _rows(own, school, partner)}
    assert left < {row[identifier] for row in sound}
    _ask(own, _fault("drop", school, partner, share=1.0))
    assert _rows(own, school, partner) == []


@both
def test_two_rows_have_one_id(own: Groupcall, school: str, partner: str) -> None:
    identifier = "id" if partner == "wonde" else "Id"
    sound = _rows(own, school, partner)
    _ask(own, _fault("duplicate_ids", school, partner, rows=[3, 5]))
    hurt = _rows(own, school, partner)
    assert hurt[5] == sound[5] | {identifier: sound[3][identifier]}
    assert hurt[:5] + hurt[6:] == sound[:5] + sound[6:]


@both
def test_nulls(own: Groupcall, school: str, partner: str) -> None:
    name, identifier = ("surname", "id") if partner == "wonde" else ("Surname", "Id")
    sound = _rows(own, school, partner)
    _ask(own, _fault("nulls", school, partner, field=name), _fault("nulls", school, partner, rows=[1]))
    hurt = _rows(own, school, partner)
    assert hurt[0] == sound[0] | {name: None}
    assert hurt[1] == dict.fromkeys(sound[1]) | {identifier: sound[1][identifier]}


@both
def test_absurd_dates(own: Groupcall, school: str, partner: str) -> None:
    birth, change = ("date_of_birth", "updated_at") if partner == "wonde" else ("DateofBirth", "LastUpdated")

    def day(row: Row, field: str) -> str:
        value = row[field]["date"] if isinstance(row[field], dict) else row[field]
        return str(value)[:10]

    sound = _rows(own, school, partner)
    _ask(own, _fault("absurd_dates", school, partner, field=birth))
    hurt = _rows(own, school, partner)
    assert {day(row, birth) for row in hurt} == set(ABSURD_DATES)
    assert [row[change] for row in hurt] == [row[change] for row in sound]
    _ask(own, _fault("absurd_dates", school, partner, rows=[0]))
    first, second, *_ = _rows(own, school, partner)
    assert {day(first, birth), day(first, change)} < set(ABSURD_DATES)
    assert second == sound[1]


@both
def test_huge_and_control_characters(own: Groupcall, school: str, partner: str) -> None:
    name = "surname" if partner == "wonde" else "Surname"
    sound = _rows(own, school, partner)
    _ask(
        own,
        _fault("huge", school, partner, field=name),
        _fault("control_characters", school, partner, rows=[1], field=name),
    )
    hurt = _rows(own, school, partner)
    assert hurt[0] == sound[0] | {name: "x" * 10_000_000}
    text = sound[1][name]
    assert hurt[1][name] == text[:2] + CONTROL_CHARACTERS + text[2:]
    assert hurt[2:] == sound[2:]


def test_changes_are_told_by_what_was_sent_not_by_what_arrived(own: Groupcall, school: str) -> None:
    _ask(own, _fault("drop", school, "groupcall", share=1.0))
    first = own.read(school, "Students", changedRows="*")
    assert first["Students"] == []
    own.sandbox.control("faults", {})
    following = first["__changedRows__"][0]["NextChangedRows"]
    assert own.read(school, "Students", changedRows=following)["Students"] == []


def test_it_is_told_how_many_requests_may_still_meet_a_fault(own: Groupcall, school: str) -> None:
    _ask(own, {"kind": "empty", "path": "School/", "times": 3}, _fault("drop", school, "groupcall", share=1.0))
    with pytest.raises(ValueError, match="Expecting value"):
        own.read(school, "Students")
    assert [(fault["kind"], fault.get("times")) for fault in own.sandbox.control("faults")] == [
        ("empty", 2),
        ("drop", None),
    ]


# -- the truth -------------------------------------------------------------------------------------------------------


def test_truth_tells_every_row_whatever_the_faults(own: Groupcall, school: str) -> None:
    def truth(endpoint: str) -> list[Row]:
        rows: list[Row] = own.sandbox.control(f"truth/{school}/rows/{endpoint}")
        return rows

    sound = _rows(own, school, "wonde")
    assert truth("students") == sound
    marks = truth("attendance/session?attendance_date_after=2025-07-18&include=student")
    assert {row["date"]["date"][:10] for row in marks} == {"2025-07-18"}
    assert len(marks) == len(
        own.sandbox.get(f"schools/{school}/attendance/session", per_page=1000, attendance_date_after="2025-07-18")[
            "data"
        ]
    )
    assert marks[0]["student"]["data"]["surname"]
    counts = own.sandbox.control(f"truth/{school}/counts")
    for endpoint in ("students-leaver", "employees", "exclusions", "assessment/results", "attendance/session"):
        assert len(truth(endpoint)) == counts[endpoint]
    _ask(
        own,
        _fault("drop", school, "wonde", share=1.0),
        _fault("nulls", school, "wonde"),
        {"kind": "shift"},
        {"kind": "skip_page", "times": 9},
    )
    assert truth("students") == sound
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        truth("shoes")


def test_odd_names_are_the_truth_of_both_partners(own: Groupcall, school: str) -> None:
    sound = _rows(own, school, "wonde")
    _ask(own, {"kind": "unicode", "school": school})
    hurt = _rows(own, school, "wonde")
    names = {row["mis_id"]: (row["forename"], row["surname"]) for row in hurt}
    assert set(names.values()) == set(ODD_NAMES)
    assert own.sandbox.control(f"truth/{school}/rows/students") == hurt
    assert {row["Id"]: (row["Forename"], row["Surname"]) for row in _rows(own, school, "groupcall")} == names
    assert {row["Surname"] for row in own.read(school, "Staff")["Staff"]} <= {surname for _, surname in ODD_NAMES}
    own.sandbox.control("faults", {})
    assert _rows(own, school, "wonde") == sound


def test_a_field_of_another_kind_is_refused(own: Groupcall, school: str) -> None:
    for fault in ({"kind": "hang", "status": 500}, {"kind": "shift", "rows": [1]}, {"kind": "drop"}):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            _ask(own, fault)
