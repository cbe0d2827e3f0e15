"""Control endpoints, faults, and the sandbox as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import Sandbox, running

SEED = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated schools that the tests of this module share."""
    return tmp_path_factory.mktemp("sandbox data")


@pytest.fixture
def own(folder: Path) -> Iterator[Sandbox]:
    """A sandbox that a test may change; it begins on the default day with everything granted."""
    with running(size=0.06, seed=SEED, directory=folder, reset=True) as sandbox:
        yield sandbox


def _get(sandbox: Sandbox, path: str, **arguments: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    return httpx.get(sandbox.url + path, headers=headers, timeout=5, **arguments)


def _schools(sandbox: Sandbox) -> list[str]:
    return [school["id"] for school in sandbox.get("schools")["data"]]


def _marks(sandbox: Sandbox, school: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    answer = sandbox.get(f"schools/{school}/attendance/session", per_page=1000, **query)
    rows += answer["data"]
    while answer["meta"]["pagination"]["next"]:
        answer = _get(sandbox, answer["meta"]["pagination"]["next"].removeprefix(sandbox.url)).json()
        rows += answer["data"]
    return rows


# -- the clock -------------------------------------------------------------------------------------------------------


def test_advance_brings_the_next_school_day(own: Sandbox) -> None:
    school = _schools(own)[1]
    before = {row["id"]: row for row in _marks(own, school)}
    truth = own.control(f"truth/{school}/counts")
    assert own.advance() == date(2025, 7, 21)
    changed = _marks(own, school, updated_after="2025-07-18 19:00:00")
    new = [row for row in changed if row["id"] not in before]
    assert {row["date"]["date"][:10] for row in new} == {"2025-07-21"}
    amended = [row for row in changed if row["id"] in before]
    assert all(row["attendance_code"] != before[row["id"]]["attendance_code"] for row in amended)
    after = {row["id"]: row for row in _marks(own, school)}
    assert after == {**before, **{row["id"]: row for row in changed}}
    assert own.control(f"truth/{school}/counts")["attendance/session"] == truth["attendance/session"] + len(new)
    assert _get(own, "schools").headers["date"] == "Mon, 21 Jul 2025 19:00:00 GMT"


def test_amended_marks_turn_from_unknown_into_a_reason(own: Sandbox) -> None:
    school = _schools(own)[1]
    codes = {row["id"]: row["code"] for row in own.get(f"schools/{school}/attendance-codes")["data"]}
    before = {row["id"]: codes[row["attendance_code"]] for row in _marks(own, school)}
    own.advance(2)
    turned = {
        (before[row["id"]], codes[row["attendance_code"]])
        for row in _marks(own, school, updated_after="2025-07-18 19:00:00")
        if row["id"] in before
    }
    assert turned
    assert turned <= {("N", code) for code in ("I", "O", "M", "C")} | {("-", "/"), ("-", "\\")}


def test_a_world_begun_later_equals_one_advanced_to_that_day(folder: Path, own: Sandbox) -> None:
    own.advance(2)
    with running(size=0.06, seed=SEED, directory=folder, today=date(2025, 7, 22), reset=True) as later:
        for path in (
            "students?per_page=200",
            "attendance/session?attendance_date_after=2025-07-01&per_page=1000",
            "exclusions",
        ):
            for school in _schools(own):
                same = _get(own, f"schools/{school}/{path}").json()["data"]
                assert same == _get(later, f"schools/{school}/{path}").json()["data"]


def test_september_turns_the_year(own: Sandbox) -> None:
    school = _schools(own)[1]
    coming = {row["id"] for row in own.get(f"schools/{school}/students-pre-admission", per_page=200)["data"]}
    assert own.advance(3).month == 9
    students = {
        row["id"]: row
        for row in own.get(f"schools/{school}/students", per_page=200, include="education_details")["data"]
    }
    assert coming & set(students)
    assert {students[number]["education_details"]["data"]["current_nc_year"] for number in coming & set(students)} <= {
        "7",
        "12",
    }
    assert {row["academic_year"] for row in own.get(f"schools/{school}/classes", per_page=5)["data"]} == {"2025/2026"}
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        own.advance(1000)


def test_a_restarted_sandbox_is_on_the_same_day_unless_reset(folder: Path) -> None:
    arguments: dict[str, Any] = {"size": 0.06, "seed": SEED, "directory": folder}
    with running(**arguments, reset=True) as sandbox:
        school = _schools(sandbox)[0]
        sandbox.advance()
        sandbox.control(f"school/{school}/state", {"state": "revoked"})
    with running(**arguments) as sandbox:
        assert sandbox.control(f"truth/{school}/counts")["today"] == "2025-07-21"
        assert school not in _schools(sandbox)
    with running(**arguments, reset=True) as sandbox:
        assert sandbox.control(f"truth/{school}/counts")["today"] == "2025-07-18"
        assert school in _schools(sandbox)


# -- approval and scopes ---------------------------------------------------------------------------------------------


def test_a_revoked_school_leaves_the_list_and_its_data_calls_fail(own: Sandbox) -> None:
    school = _schools(own)[2]
    own.control(f"school/{school}/state", {"state": "revoked"})
    assert school not in _schools(own)
    assert school in {row["id"] for row in own.get("schools/revoked")["data"]}
    assert _get(own, f"schools/{school}/students").status_code == 404
    assert own.get(f"meta/schools/{school}")["data"]["approved"] is False


def test_access_is_asked_for_and_given_back_through_the_api(own: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {own.token}"}
    school = _schools(own)[0]
    answer = httpx.delete(f"{own.url}schools/{school}/revoke-access", headers=headers).json()
    assert (answer["success"], answer["state"]) == (True, "revoked")
    answer = httpx.post(f"{own.url}schools/{school}/request-access", headers=headers, json={"contacts": []}).json()
    assert (answer["success"], answer["state"]) == (True, "pending")
    assert school in {row["id"] for row in own.get("schools/pending")["data"]}


def test_a_school_approved_later_has_data(own: Sandbox) -> None:
    school = own.get("schools/pending")["data"][0]["id"]
    own.control(f"school/{school}/state", {"state": "approved"})
    assert own.get(f"schools/{school}/students")["data"]


def test_a_property_without_scope_is_null_and_a_resource_403(own: Sandbox) -> None:
    school = _schools(own)[0]
    includes = "education_details,extended_details,sen_needs"
    for scope in ("students.upn.read", "students.sen.read", "students.date_of_birth.read", "attendance.read"):
        own.control(f"school/{school}/scope", {"scope": scope, "granted": False})
    for row in own.get(f"schools/{school}/students", include=includes)["data"]:
        assert row["date_of_birth"] is row["education_details"]["data"]["upn"] is row["sen_needs"] is None
        assert row["extended_details"]["data"]["sen_status"] is None
        assert row["extended_details"]["data"]["ethnicity"] is not None
    for path in ("attendance/session", "attendance-leavers/session", "attendance-codes"):
        answer = _get(own, f"schools/{school}/{path}")
        assert answer.status_code == 403
        assert answer.json() == {
            "error": "invalid_permissions",
            "error_description": "Scope attendance.read not enabled",
        }
    granted = {row["identity"]: row["approved"] for row in own.get(f"meta/schools/{school}/permissions")["data"]}
    assert granted["students.upn.read"] is granted["attendance.read"] is False
    own.control(f"school/{school}/scope", {"scope": "attendance.read", "granted": True})
    assert _get(own, f"schools/{school}/attendance/session").status_code == 200


def test_control_refuses_what_it_does_not_know(own: Sandbox) -> None:
    school = _schools(own)[0]
    for path, body in (
        (f"school/{school}/state", {"state": "asleep"}),
        (f"school/{school}/scope", {"scope": "students.shoe_size.read", "granted": False}),
        ("faults", {"faults": [{"kind": "earthquake"}]}),
        ("advance", {"weeks": 1}),
    ):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            own.control(path, body)
    unauthorised = httpx.post(own.url.removesuffix("v1.0/") + "_sandbox/advance", json={})
    assert unauthorised.status_code == 401


# -- faults ----------------------------------------------------------------------------------------------------------


def test_a_status_fault_hits_so_many_requests_of_its_path(own: Sandbox) -> None:
    school = _schools(own)[0]
    fault = {"kind": "status", "path": f"schools/{school}/students", "status": 429, "retry_after": "2", "times": 2}
    own.control("faults", {"faults": [fault]})
    assert _get(own, f"schools/{school}/groups").status_code == 200
    answers = [_get(own, f"schools/{school}/students") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "2"


def test_connections_break_and_bodies_end_early(own: Sandbox) -> None:
    path = f"schools/{_schools(own)[0]}/students"
    own.control(
        "faults",
        {
            "faults": [
                {"kind": "hang", "path": path, "seconds": 30},
                {"kind": "hang_up", "path": path},
                {"kind": "truncate", "path": path},
            ]
        },
    )
    headers = {"Authorization": f"Bearer {own.token}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(own.url + path, headers=headers, timeout=0.3)
    with pytest.raises(httpx.RemoteProtocolError):
        _get(own, path)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _get(own, path).json()
    assert _get(own, path).json()["data"]


def test_row_faults_damage_the_named_rows_until_cleared(own: Sandbox) -> None:
    school = _schools(own)[0]
    path = f"schools/{school}/students?include=education_details&per_page=200"
    sound = _get(own, path).json()["data"]
    own.control(
        "faults",
        {
            "faults": [
                {
                    "kind": "corrupt",
                    "school": school,
                    "endpoint": "students",
                    "rows": [1],
                    "field": "education_details.data.upn",
                    "value": 7,
                },
                {"kind": "duplicate", "school": school, "endpoint": "students", "rows": [2]},
                {"kind": "corrupt", "school": school, "endpoint": "students", "field": "surname"},
            ]
        },
    )
    hurt = _get(own, path).json()["data"]
    assert [row["id"] for row in hurt] == [sound[place]["id"] for place in (0, 1, 2, 2, *range(3, len(sound)))]
    assert hurt[1]["education_details"]["data"]["upn"] == 7
    assert {row["surname"] for row in hurt} == {None}
    assert own.control("faults", {}) == {"faults": 0}
    assert _get(own, path).json()["data"] == sound


def test_row_faults_reach_marks_whatever_the_filter(own: Sandbox) -> None:
    school = _schools(own)[1]
    today = {"attendance_date_after": "2025-07-18"}
    everything, todays = _marks(own, school), _marks(own, school, **today)
    place = next(place for place, row in enumerate(everything) if row["id"] == todays[3]["id"])
    fault = {"school": school, "endpoint": "attendance/session"}
    own.control(
        "faults", {"faults": [{"kind": "corrupt", "rows": [place], "field": "session", "value": "NOON", **fault}]}
    )
    assert [row["session"] for row in _marks(own, school, **today)][3] == "NOON"
    assert [row["session"] for row in _marks(own, school)].count("NOON") == 1
    own.control("faults", {"faults": [{"kind": "drop", "share": 0.6, **fault}]})
    assert 0.3 < len(_marks(own, school)) / len(everything) < 0.5


# -- the process -----------------------------------------------------------------------------------------------------


def test_truth_counts_what_the_api_serves(own: Sandbox) -> None:
    for school in _schools(own):
        counts = own.control(f"truth/{school}/counts")
        marks = _marks(own, school)
        assert len(marks) == counts["attendance/session"]
        assert len(own.get(f"schools/{school}/students", per_page=500)["data"]) == counts["students"]
        parts = own.control(f"truth/{school}/attendance")
        for part in parts:
            absent = part["authorised_sessions"] + part["unauthorised_sessions"]
            assert part["possible_sessions"] == part["attended_sessions"] + absent
        assert sum(sum(part["marks"].values()) for part in parts) == len(marks) + counts["attendance-leavers/session"]


def test_the_server_ends_with_its_parent_s_pipe_and_listens_on_loopback(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--size",
        "0.06",
        "--seed",
        str(SEED),
        "--data",
        str(folder),
        "--exit-with-stdin",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b'"url": "http://127.0.0.1:' in child.stdout.readline()
        child.stdin.close()
        assert child.wait(timeout=20) == 0


def test_a_start_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not start"), running(schools=0, directory=tmp_path):
        pass
