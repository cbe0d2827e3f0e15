"""Groupcall's tokens, states of schools, scopes and information endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from groupcall_reader import Groupcall, Row

from sandbox import running

SEED = 13
WRONG = "Relying Party not found for estab or secret not correct"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated schools that the tests of this module share."""
    return tmp_path_factory.mktemp("sandbox data")


@pytest.fixture
def own(folder: Path) -> Iterator[Groupcall]:
    """A sandbox that a test may change."""
    with running(size=0.06, seed=SEED, directory=folder, reset=True) as sandbox:
        yield Groupcall(sandbox)


def _schools(own: Groupcall) -> list[str]:
    return [row["id"] for row in own.sandbox.get("schools")["data"]]


def _in_state(own: Groupcall, state: str) -> str:
    school: str = own.sandbox.get(f"schools/{state}")["data"][0]["id"]
    return school


@pytest.mark.parametrize("path", ["api/oauth/GetToken", "idaas/sts/STS/GetToken"])
def test_a_secret_buys_a_token_for_five_days(own: Groupcall, path: str) -> None:
    estab = own.estab(_schools(own)[0])
    answer = own.ask_for_token(estab, path)
    assert answer["expires"] == "2025-07-23T19:00:00.0000000Z"
    assert answer["Message"] is answer["ExceptionMessage"] is None
    details = own.get("TokenDetails", answer["token"]).json()
    assert (details["Estab"], details["Expires"]) == (estab, answer["expires"])
    assert details["RelyingParty"] == own.sandbox.groupcall_relying_party
    assert {"UPN", "Attendance", "StaffContractual"} <= set(details["Scopes"])
    again = own.ask_for_token(estab, path)["token"]
    assert again != answer["token"]
    assert own.get("TokenDetails", again).json()["Estab"] == estab


@pytest.mark.parametrize(
    "changes", [{"password": "guess"}, {"relyingParty": "other.example.org"}, {"thirdpartyid": ""}]
)
def test_a_wrong_request_fails_inside_200(own: Groupcall, changes: dict[str, str]) -> None:
    answer = own.ask_for_token(own.estab(_schools(own)[0]), **changes)
    assert answer == {
        "token": None,
        "expires": "0001-01-01T00:00:00",
        "Message": None,
        "ExceptionType": None,
        "ExceptionMessage": WRONG,
        "InnerException": None,
    }


def test_an_estab_that_nobody_has_fails_likewise(own: Groupcall) -> None:
    assert own.ask_for_token("9999999")["ExceptionMessage"] == WRONG


def test_states_of_a_school_show_at_the_token(own: Groupcall) -> None:
    for state in ("pending", "audited"):
        answer = own.ask_for_token(own.estab(_in_state(own, state)))
        assert answer["token"] is None
        assert "authorisation is paused" in answer["ExceptionMessage"]
    for state in ("revoked", "declined"):
        assert own.ask_for_token(own.estab(_in_state(own, state)))["ExceptionMessage"] == WRONG
    offline = own.estab(_in_state(own, "offline"))
    token = own.ask_for_token(offline)["token"]
    refused = own.get(f"School/{offline}/Students", token)
    assert refused.status_code == 200
    assert set(refused.json()) == {"Message", "ExceptionType", "ExceptionMessage", "InnerException"}
    assert "offline" in refused.json()["ExceptionMessage"]
    assert own.get(f"School/{offline}/Health", token).json()["Health"][0]["Status"] == "Error"


def test_a_missing_wrong_foreign_or_expired_token_is_401(own: Groupcall) -> None:
    one, other = (own.estab(school) for school in _schools(own)[:2])
    token = own.ask_for_token(one)["token"]
    forged = token[:-6] + "AAAAAA"
    for path, given in (
        (f"School/{one}/Students", None),
        (f"School/{one}/Students", forged),
        (f"School/{one}/Students", "???"),
        (f"School/{other}/Students", token),
    ):
        answer = own.get(path, given)
        assert answer.status_code == 401
        assert answer.json()["ExceptionMessage"]
    assert own.get(f"School/{one}/Students", token).status_code == 200
    own.sandbox.advance(3)  # the summer holiday lies between
    answer = own.get(f"School/{one}/Students", token)
    assert answer.status_code == 401
    assert "expired" in answer.json()["ExceptionMessage"]
    assert own.get(f"School/{one}/Students", own.ask_for_token(one)["token"]).json()["Students"]


def test_a_school_that_withdraws_ends_its_tokens(own: Groupcall) -> None:
    school = _schools(own)[0]
    assert own.read(school, "Students")["Students"]
    own.sandbox.control(f"school/{school}/state", {"state": "revoked"})
    answer = own.get(f"School/{own.estab(school)}/Students", own.tokens[own.estab(school)])
    assert (answer.status_code, answer.json()["ExceptionMessage"]) == (401, WRONG)


def test_a_token_outlives_a_restart_of_the_sandbox(folder: Path) -> None:
    with running(size=0.06, seed=SEED, directory=folder, reset=True) as sandbox:
        first = Groupcall(sandbox)
        school = _schools(first)[0]
        first.read(school, "Staff")
    with running(size=0.06, seed=SEED, directory=folder) as sandbox:
        assert Groupcall(sandbox, first.tokens).read(school, "Staff")["Staff"]
        assert sandbox.groupcall_relying_party == first.sandbox.groupcall_relying_party


def test_columns_without_scope_are_absent_not_null(own: Groupcall) -> None:
    school = _schools(own)[0]
    everything = own.read(school, "Students")["Students"][0]
    for scope, columns in (
        ("UPN", {"UPN", "FormerUPN"}),
        ("StudentEthnicity", {"EthnicityCode", "Ethnicity", "EthnicitySource"}),
        ("SEN", {"SENProvision"}),
        ("StudentExtended", {"DateofBirth", "EntryDate", "EnrolmentStatus"}),
        ("StudentFamily", {"ServiceChild", "InLeaCare"}),
    ):
        assert columns <= set(everything)
        own.sandbox.control(f"school/{school}/scope", {"scope": scope, "granted": False})
        row = own.read(school, "Students")["Students"][0]
        assert not columns & set(row)
        assert "Forename" in row
        assert scope not in own.get("TokenDetails", own.tokens[own.estab(school)]).json()["Scopes"]
        own.sandbox.control(f"school/{school}/scope", {"scope": scope, "granted": True})
    assert own.read(school, "Students")["Students"][0] == everything


@pytest.mark.parametrize(
    ("scopes", "endpoint", "query"),
    [
        (("Attendance",), "AttendanceForDate", {"date": "2025-07-18"}),
        (("AssessmentResults",), "assessmentresults", {"ResultSets": "31"}),
        (("StudentExclusions",), "StudentExclusions", {}),
        (("StaffContractual",), "StaffContracts", {}),
        (("Student", "StudentLite"), "Students", {}),
        (("StudentHistory",), "EntitlementHistory", {}),
    ],
)
def test_data_without_scope_are_an_exception_that_names_it(
    own: Groupcall, scopes: tuple[str, ...], endpoint: str, query: Row
) -> None:
    school = _schools(own)[0]
    for place, scope in enumerate(scopes):
        # Either of two is enough.
        assert own.read(school, endpoint, **query).get("ExceptionMessage") is None, place
        own.sandbox.control(f"school/{school}/scope", {"scope": scope, "granted": False})
    answer = own.read(school, endpoint, **query)
    assert set(answer) == {"Message", "ExceptionType", "ExceptionMessage", "InnerException"}
    assert scopes[0] in answer["ExceptionMessage"]


def test_switching_one_partners_scope_leaves_the_other_alone(own: Groupcall) -> None:
    school = _schools(own)[0]
    own.sandbox.control(f"school/{school}/scope", {"scope": "UPN", "granted": False})
    row = own.sandbox.get(f"schools/{school}/students", include="education_details")["data"][0]
    assert row["education_details"]["data"]["upn"]
    own.sandbox.control(f"school/{school}/scope", {"scope": "students.upn.read", "granted": False})
    own.sandbox.control(f"school/{school}/scope", {"scope": "UPN", "granted": True})
    assert own.read(school, "Students")["Students"][0]["UPN"]


def test_information_endpoints(own: Groupcall) -> None:
    school = _schools(own)[1]
    estab = own.estab(school)
    pupils = own.read(school, "Students")["Students"]
    token = own.tokens[estab]
    scopes = own.get("Scopes", token).json()["Scopes"]
    assert all(set(row) == {"Name", "Category", "Description"} for row in scopes)
    queries = {row["Path"].split("/")[2] for row in own.get("Queries", token).json()["Queries"]}
    assert {"Students", "assessmentresults", "AttendanceForDateRange"} <= queries
    (usage,) = own.get("Usage", token).json()["Usage"]
    assert (usage["Estab"], usage["Areas"][0]["Total"], usage["Areas"][0]["Today"]) == (estab, 1, 1)
    assert usage["Areas"][0]["History"] == [{"month": "2025-07", "count": 1}]
    (opted,) = own.get("GDPRIDs", token).json()["GDPR"]
    assert (opted["Estab"], opted["StudentIds"]) == (estab, [])
    counts = {row["Area"]: row["Count"] for row in own.read(school, "Counts")["Counts"]}
    assert counts["Students"] == len(pupils)
    (info,) = own.read(school, "SchoolInfo")["SchoolInfo"]
    assert (info["EstabId"], info["CurrentAcademicYear"], len(info["RowHash"])) == (estab, "2024", 40)
    assert own.read(school, "Health")["Health"][0]["Status"] == "OK"
    assert own.get("Nothing", token).status_code == 404
    assert own.get(f"School/{estab}/Nothing", token).json()["ExceptionMessage"]


def test_the_cache_answers_from_earlier_and_says_so(own: Groupcall) -> None:
    school = _schools(own)[1]
    fresh = own.read(school, "AttendanceForDate", date="2025-07-18")
    assert fresh["meta"][0]["DateTime"] == "2025-07-18T20:00:00"  # 19:00 UTC in summer
    own.sandbox.control("groupcall/cache", {"school": school, "minutes": 24 * 60})
    stale = own.read(school, "AttendanceForDate", date="2025-07-18")
    assert stale["meta"][0]["DateTime"] == "2025-07-17T20:00:00"
    assert fresh["AttendMarks"]
    assert not stale["AttendMarks"]
    answer = own.get(f"School/{own.estab(school)}/Students", own.tokens[own.estab(school)])
    at = datetime.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S %Z")  # noqa: DTZ007 (an HTTP date)
    assert at == datetime(2025, 7, 18, 19)  # noqa: DTZ001
    own.sandbox.control("groupcall/cache", {"school": school, "minutes": 0})
    assert own.read(school, "AttendanceForDate", date="2025-07-18") == fresh
