"""Signing in, staying signed in, signing out: over HTTP, against the real server."""

from __future__ import annotations

import re

import httpx
import pytest
from conftest import GOVERNOR, HEAD, NOBODY, Reports

from orchestration.access.people import Rights, add, grant, person_by_email, remove, revoke
from orchestration.ingest.categories import Purpose


def fields(html: str) -> dict[str, str]:
    return dict(re.findall(r'name="(token|form_token)" value="([^"]+)"', html))


def test_a_link_works_once(reports: Reports) -> None:
    port = reports.address.rsplit(":", 1)[1]
    link = reports.installation.mis("reports", "link", HEAD, "--port", port).strip()
    with httpx.Client(base_url=reports.address) as client:
        form = fields(client.get(link).text)
        assert client.get(link).status_code == 200  # looking does not use it up: mail programs look
        answer = client.post("/sign-in", data=form)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
    with httpx.Client(base_url=reports.address) as other:
        assert other.post("/sign-in", data=form).status_code == 403
        assert other.get(link).status_code == 403


def test_a_link_for_a_stranger_is_refused(reports: Reports) -> None:
    output = reports.installation.start("reports", "link", "stranger@school.example")
    _, errors = output.communicate(timeout=60)
    assert output.returncode == 1
    assert "no person stranger@school.example" in errors


def test_without_a_session_nothing_is_shown(reports: Reports) -> None:
    for path in ("/", reports.page("overview"), reports.page("pupils.csv"), "/attendance/compare"):
        answer = httpx.get(reports.address + path)
        assert answer.status_code == 401
        assert "sign-in link" in answer.text


def test_a_forged_cookie_is_no_session(reports: Reports) -> None:
    answer = httpx.get(reports.address + "/", cookies={"mis_session": "eyJpZCI6ImEifQ.abc"})
    assert answer.status_code == 401


def test_signing_out_ends_the_session_for_good(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        stolen = dict(client.cookies)
        form = fields(client.get(reports.page("overview")).text)
        assert client.post("/sign-out", data=form).status_code == 200
    assert httpx.get(reports.address + "/", cookies=stolen).status_code == 401


@pytest.mark.parametrize("change", ["no token", "another's token", "another site"])
def test_a_form_that_is_not_ours_is_refused(reports: Reports, change: str) -> None:
    with reports.client(HEAD) as client, reports.client(GOVERNOR) as other:
        form = fields(client.get(reports.page("overview")).text)
        headers = {"origin": "https://evil.example"} if change == "another site" else {}
        if change == "no token":
            form = {}
        elif change == "another's token":
            form = fields(other.get(reports.page("overview")).text)
        assert client.post("/sign-out", data=form, headers=headers).status_code == 403
        assert client.get(reports.page("overview")).status_code == 200


def test_another_host_name_is_refused(reports: Reports) -> None:
    assert httpx.get(reports.address + "/sign-in", headers={"host": "evil.example"}).status_code == 400


def test_every_answer_has_the_headers(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        for path in (
            "/sign-in",
            reports.page("overview"),
            "/nowhere",
            "/static/reports.css",
            reports.page("pupils.csv"),
        ):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
        assert client.get(reports.page("pupils")).headers["cache-control"] == "no-store"


def test_a_large_form_is_not_read(reports: Reports) -> None:
    assert httpx.post(reports.address + "/sign-in", data={"token": "a" * 100_000}).status_code == 403


def test_a_person_without_the_purpose_sees_nothing(reports: Reports) -> None:
    with httpx.Client(base_url=reports.address, follow_redirects=True) as client:
        form = fields(client.get(reports.link(NOBODY)).text)
        assert client.post("/sign-in", data=form).status_code == 404
        assert client.get(reports.page("overview")).status_code == 404


def test_rights_are_asked_at_every_request(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        rights = Rights((reports.secondary,), (Purpose.ATTENDANCE,), named=True, small_groups=True)
        add(connection, "leaver@school.example", "Lena Leaver", rights)
    with reports.client("leaver@school.example") as client:
        assert client.get(reports.page("overview")).status_code == 200
        with reports.warehouse.connect() as connection:
            person = person_by_email(connection, "leaver@school.example")
            revoke(connection, person, Rights((reports.secondary,)))
        assert client.get(reports.page("overview")).status_code == 404
        with reports.warehouse.connect() as connection:
            grant(connection, person, Rights((reports.secondary,)))
        assert client.get(reports.page("pupils")).status_code == 200
        with reports.warehouse.connect() as connection:
            revoke(connection, person_by_email(connection, "leaver@school.example"), Rights(small_groups=True))
        assert client.get(reports.page("pupils")).status_code == 403
        with reports.warehouse.connect() as connection:
            remove(connection, person_by_email(connection, "leaver@school.example"))
        assert client.get(reports.page("overview")).status_code == 401
