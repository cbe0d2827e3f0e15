"""The JSON API over HTTP: rights, versions, forms from elsewhere, and answers that are as described."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import psycopg
import pytest
from published_school import YEAR, key, publish_school, put_people, staff_of

from orchestration.access.people import Rights, person_by_email, revoke
from orchestration.ingest.categories import Purpose
from orchestration.serving import served
from orchestration.targets import service
from orchestration.targets.groups import Group
from orchestration.warehouse.connection import Warehouse
from reports.app import create_app
from reports.database import Pool
from reports.signin import sign_in_link
from reports.signing import Signer
from reports.site import Site
from reports.vault import Vault

API = "/api/v1"
TARGETS = f"{API}/schools/1/targets"
SignIn = Callable[[str], httpx.Client]


@pytest.fixture
def school(warehouse: Warehouse) -> Warehouse:
    with warehouse.connect() as connection:
        publish_school(connection)
        put_people(connection)
    return warehouse


@pytest.fixture
def sign_in(school: Warehouse, tmp_path: Path) -> Iterator[SignIn]:
    """A function that signs somebody in; the client sends the form token with what it posts."""
    vault = Vault(tmp_path / "reports")
    pool = Pool(school.connect)
    signer = Signer(vault.secret())
    app = create_app(Site(pool, signer, vault, "http://127.0.0.1", is_synthetic=True))
    clients: list[httpx.Client] = []

    def enter(name: str) -> httpx.Client:
        address = f"http://127.0.0.1:{port}"
        client = httpx.Client(base_url=address, timeout=60)
        clients.append(client)
        with school.connect() as connection:
            person = person_by_email(connection, f"{name}@school.example")
        link = sign_in_link(signer, address, person.person_id)
        token = link.partition("token=")[2]
        payload = signer.read("link", token, 0)
        assert payload is not None
        client.post("/sign-in", data={"token": token, "form_token": signer.form_token(payload["id"])})
        client.headers["X-Form-Token"] = client.get(f"{API}/session").json()["form_token"]
        return client

    with served(app) as port:
        yield enter
        for client in clients:
            client.close()
    pool.close()


def of(pupil_key: int, version: int, grade: str | None = None, subject: str = "Mathematics") -> dict[str, Any]:
    named = {
        "pupil_key": pupil_key,
        "academic_year": YEAR,
        "qualification": "GCSE",
        "subject": subject,
        "version": version,
    }
    return named if grade is None else {**named, "grade": grade}


def post(
    client: httpx.Client, act: str, *targets: dict[str, Any], comment: str | None = None, **more: Any
) -> httpx.Response:
    return client.post(f"{TARGETS}/{act}", json={"targets": list(targets), "comment": comment}, **more)


def codes(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def test_a_target_goes_from_proposal_to_lock_over_the_api(sign_in: SignIn, school: Warehouse) -> None:
    teacher, leader, head = sign_in("teacher"), sign_in("leader"), sign_in("head")
    proposed = post(teacher, "propose", of(1, 0, "6"), of(2, 0, "7"))
    assert proposed.status_code == 200, proposed.text
    assert [(one["pupil_key"], one["grade"], one["version"]) for one in proposed.json()["targets"]] == [
        (1, "6", 1),
        (2, "7", 1),
    ]
    assert post(leader, "review", of(1, 1)).json()["targets"][0]["status"] == "subject_reviewed"
    assert post(head, "approve", of(1, 2)).json()["targets"][0]["status"] == "approved"
    assert post(head, "lock", of(1, 3)).json()["targets"][0]["status"] == "locked"
    assert codes(post(teacher, "propose", of(1, 4, "7"))) == ["reason_needed"]
    assert post(teacher, "propose", of(1, 4, "7"), comment="Mocks").json()["targets"][0]["version"] == 5
    assert post(leader, "reject", of(1, 5), comment="Too early").json()["targets"][0]["status"] == "rejected"
    with school.connect() as connection:
        log = service.history(connection, staff_of(connection).looker, key())
        assert [target.set_by.partition("@")[0] for target in log] == [
            "teacher",
            "leader",
            "head",
            "head",
            "teacher",
            "leader",
        ]


def test_targets_stand_beside_estimates_and_their_chance(sign_in: SignIn) -> None:
    teacher = sign_in("teacher")
    post(teacher, "propose", of(1, 0, "6"))
    asked = {"subject": "Mathematics", "year_group": "10", "limit": 1}
    page = teacher.get(TARGETS, params=asked).json()
    assert (page["academic_year"], page["more"], len(page["rows"])) == (YEAR, True, 1)
    row = page["rows"][0]
    assert (row["pupil_key"], row["surname"], row["prior_value"]) == (1, "Surname 1", 101)
    assert (row["target"]["grade"], row["target"]["proposed_by"]) == ("6", "teacher@school.example")
    assert [one["challenge"] for one in row["estimates"]] == [50, 20, 5]
    assert [one["grade"] for one in row["estimates"]] == ["4", "5", "5"]
    chances = [one["target_chance"] for one in row["estimates"]]
    assert chances == sorted(chances)
    estimate = teacher.get(f"{API}/schools/1/estimates", params=asked).json()["rows"][0]
    at_50 = {one["grade"]: one["chance"] for one in estimate["distributions"][0]["chances"]}
    assert at_50["6"] == chances[0]
    assert at_50["U"] == 1
    following = teacher.get(TARGETS, params={**asked, "offset": 3}).json()
    assert ([row["pupil_key"] for row in following["rows"]], following["more"]) == ([4], False)
    in_set = teacher.get(TARGETS, params={"group_id": "set 1"}).json()["rows"]
    assert {row["pupil_key"] for row in in_set} == {1, 2}
    gap = teacher.get(f"{API}/schools/1/estimates").json()["rows"][-1]
    assert (gap["pupil_key"], gap["distributions"], gap["run_id"]) == (5, [], None)


def test_names_are_for_who_may_see_them(sign_in: SignIn) -> None:
    row = sign_in("looker").get(TARGETS).json()["rows"][0]
    assert (row["surname"], row["forename"], row["upn"]) == (None, None, None)


def test_the_policy_is_shown_by_subject(sign_in: SignIn, school: Warehouse) -> None:
    with school.connect() as connection:
        scope = service.Scope(YEAR, school_id=1, qualification="GCSE", subject="History")
        service.set_policy(connection, staff_of(connection).head, scope, service.Policy(is_included=False), reason="x")
    shown = sign_in("looker").get(f"{API}/schools/1/policies").json()["policies"]
    assert [(one["subject"], one["is_included"], one["policy"] is None) for one in shown] == [
        ("History", False, False),
        ("Mathematics", True, True),
    ]


def test_a_policy_is_stated_and_withdrawn_over_the_api(sign_in: SignIn) -> None:
    head, teacher = sign_in("head"), sign_in("teacher")
    address = f"{API}/schools/1/policies"
    statement = {"academic_year": YEAR, "qualification": "GCSE", "challenge_levels": [50, 20], "reason": "Ambition"}
    assert codes(teacher.post(address, json=statement)) == ["not_allowed"]
    number = head.post(address, json=statement).json()["policy"]
    in_force = [(one["policy"], one["challenge_levels"]) for one in teacher.get(address).json()["policies"]]
    assert in_force == [(number, [50, 20])] * 2
    assert codes(head.post(address, json=statement | {"challenge_levels": [50, 30]})) == ["bad_policy"]
    assert codes(head.post(address, json=statement | {"challenge_levels": []})) == ["bad_request"]
    assert head.post(address, json=statement | {"is_withdrawn": True, "reason": "Enough"}).status_code == 200
    assert [one["policy"] for one in teacher.get(address).json()["policies"]] == [None, None]


def test_the_history_of_a_target_tells_who_did_what_and_why(sign_in: SignIn) -> None:
    teacher, leader, looker = sign_in("teacher"), sign_in("leader"), sign_in("looker")
    post(teacher, "propose", of(1, 0, "6"))
    post(leader, "reject", of(1, 1), comment="Too low")
    asked = {name: value for name, value in of(1, 0).items() if name != "version"}
    versions = looker.get(f"{TARGETS}/history", params=asked).json()["versions"]
    assert [(one["version"], one["act"], one["status"], one["set_by"], one["comment"]) for one in versions] == [
        (1, "propose", "proposed", "teacher@school.example", None),
        (2, "reject", "rejected", "leader@school.example", "Too low"),
    ]
    assert looker.get(f"{TARGETS}/history", params=asked | {"subject": "Latin"}).json()["versions"] == []
    assert codes(sign_in("other").get(f"{TARGETS}/history", params=asked)) == ["no_such_thing"]


def test_the_second_of_two_is_told_what_stands_now(sign_in: SignIn) -> None:
    teacher, leader = sign_in("teacher"), sign_in("leader")
    post(teacher, "propose", of(1, 0, "6"))
    refused = post(leader, "propose", of(2, 0, "5"), of(1, 0, "7"))
    assert refused.status_code == 409
    (error,) = refused.json()["errors"]
    assert (error["code"], error["index"]) == ("stale_version", 1)
    assert "version 1, 6, proposed by teacher@school.example" in error["message"]
    assert teacher.get(TARGETS, params={"subject": "Mathematics"}).json()["rows"][1]["target"] is None


@pytest.mark.parametrize(
    ("who", "act", "target", "status", "code"),
    [
        ("looker", "propose", of(1, 0, "6"), 403, "not_allowed"),
        ("maths", "propose", of(1, 0, "6", "History"), 403, "not_allowed"),
        ("other", "propose", of(1, 0, "6"), 404, "no_such_thing"),
        ("teacher", "review", of(3, 1), 403, "not_allowed"),
        ("teacher", "propose", of(1, 0, "A"), 422, "grade_not_on_scale"),
        ("teacher", "propose", of(5, 0, "6"), 422, "subject_not_taught"),
        ("teacher", "propose", of(6, 0, "6"), 422, "pupil_not_on_roll"),
        ("head", "approve", of(3, 1), 409, "wrong_status"),
    ],
)
def test_a_refusal_has_a_status_a_code_and_what_to_do(
    sign_in: SignIn, *, who: str, act: str, target: dict[str, Any], status: int, code: str
) -> None:
    post(sign_in("head"), "propose", of(3, 0, "6"))
    refused = post(sign_in(who), act, target)
    assert (refused.status_code, codes(refused)) == (status, [code])
    assert refused.json()["errors"][0]["what_to_do"]


def test_a_form_from_elsewhere_is_refused(sign_in: SignIn) -> None:
    teacher, leader = sign_in("teacher"), sign_in("leader")
    target = of(1, 0, "6")
    for headers in (
        {"X-Form-Token": ""},
        {"X-Form-Token": leader.headers["X-Form-Token"]},
        {"Origin": "http://evil.example"},
    ):
        refused = post(teacher, "propose", target, headers=headers)
        assert (refused.status_code, codes(refused)) == (403, ["not_from_here"])
    as_form = teacher.post(f"{TARGETS}/propose", content="{}", headers={"Content-Type": "text/plain"})
    assert (as_form.status_code, codes(as_form)) == (415, ["not_json"])
    assert teacher.get(TARGETS).json()["rows"][0]["target"] is None


def test_nobody_is_told_to_sign_in(sign_in: SignIn) -> None:
    stranger = httpx.Client(base_url=sign_in("looker").base_url)
    for answer in (stranger.get(TARGETS), stranger.get(f"{API}/session"), post(stranger, "propose", of(1, 0, "6"))):
        assert (answer.status_code, codes(answer)) == (401, ["sign_in_needed"])


def test_a_right_taken_away_counts_at_the_next_request(sign_in: SignIn, school: Warehouse) -> None:
    teacher = sign_in("teacher")
    with school.connect() as connection:
        revoke(connection, staff_of(connection).teacher, Rights(purposes=(Purpose.BENCHMARKS,)))
    for answer in (teacher.get(TARGETS), post(teacher, "propose", of(1, 0, "6"))):
        assert (answer.status_code, codes(answer)) == (403, ["not_allowed"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b'{"targets": []}', 422),
        (b'{"targets": [{"pupil_key": "x"}]}', 422),
        (b'{"targets": [], "more": 1}', 422),
        (b'{"x": "' + b"x" * 1_000_001 + b'"}', 413),
    ],
)
def test_a_request_of_another_shape_is_refused(sign_in: SignIn, body: bytes, status: int) -> None:
    refused = sign_in("teacher").post(f"{TARGETS}/propose", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == status
    assert refused.json()["errors"][0]["what_to_do"]


def test_an_address_with_a_mistake_is_refused(sign_in: SignIn) -> None:
    teacher = sign_in("teacher")
    for query in ({"limit": "0"}, {"academic_year": "2025"}, {"colour": "red"}, {"offset": "-1"}):
        assert codes(teacher.get(TARGETS, params=query)) == ["bad_request"]
    assert teacher.get(f"{API}/schools/99999999999999999999/targets").status_code == 404


def test_what_goes_wrong_here_is_answered_as_json_without_details(sign_in: SignIn, school: Warehouse) -> None:
    teacher = sign_in("teacher")
    with school.connect() as connection:
        connection.execute("alter table access.person rename to hidden")
    answer = teacher.get(TARGETS)
    assert (answer.status_code, codes(answer)) == (500, ["failed"])
    assert "person" not in answer.text


def test_reading_cannot_write(sign_in: SignIn, school: Warehouse) -> None:
    pool = Pool(school.connect)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), pool.transaction() as connection:
        service.prepopulate(connection, staff_of(connection).head, Group(1, YEAR))
    pool.close()


def test_answers_are_as_described(sign_in: SignIn) -> None:
    teacher, leader, head = sign_in("teacher"), sign_in("leader"), sign_in("head")
    described = teacher.get(f"{API}/openapi.json").json()
    called = set()

    def check(client: httpx.Client, method: str, path: str, status: int, **request: Any) -> None:
        answer = client.request(method, path.replace("{school_id}", "1"), **request)
        assert answer.status_code == status, answer.text
        operation = described["paths"][path][method.lower()]
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        validator = jsonschema.Draft202012Validator({**schema, "components": described["components"]})
        validator.validate(answer.json())
        called.add((path, method.lower()))
        with pytest.raises(jsonschema.ValidationError):  # the description says something
            validator.validate({})

    base = f"{API}/schools/{{school_id}}"
    check(teacher, "GET", f"{API}/session", 200)
    check(teacher, "GET", f"{base}/policies", 200)
    check(teacher, "GET", f"{base}/estimates", 200)
    for act, who, version in (("propose", teacher, 0), ("review", leader, 1), ("approve", head, 2), ("lock", head, 3)):
        target = of(1, version, "6" if act == "propose" else None)
        check(who, "POST", f"{base}/targets/{act}", 200, json={"targets": [target]})
        check(who, "POST", f"{base}/targets/{act}", 409, json={"targets": [target]})
        check(who, "POST", f"{base}/targets/{act}", 422, json={"targets": [1]})
    check(teacher, "POST", f"{base}/targets/propose", 200, json={"targets": [of(2, 0, "6")]})
    check(leader, "POST", f"{base}/targets/reject", 200, json={"targets": [of(2, 1)], "comment": "No"})
    check(teacher, "POST", f"{base}/targets/submit", 200, json={"targets": [of(2, 2)]})
    check(teacher, "GET", f"{base}/targets", 200)
    check(teacher, "GET", f"{base}/targets/history", 200, params={k: v for k, v in of(1, 0).items() if k != "version"})
    check(head, "POST", f"{base}/policies", 200, json={"academic_year": YEAR, "reason": "Ambition"})
    assert called == {(path, method) for path, methods in described["paths"].items() for method in methods}
