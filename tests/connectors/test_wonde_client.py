"""Reading over real HTTP: what is asked, what is retried, what is refused, and where the token never shows."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from faulty_partner import NOW, FaultyPartner, Patience, Reply, Request, page, refusal

from orchestration.connectors.base import Page, School, Stream
from orchestration.connectors.errors import (
    ForeignAddress,
    InvalidInclude,
    MalformedPage,
    PartnerError,
    PartnerUnavailable,
    RequestRefused,
    ResourceNotSupplied,
    SchoolNotAvailable,
    ScopeNotGranted,
    Unauthorised,
)
from orchestration.connectors.http import Limits
from orchestration.connectors.wonde import client
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest.categories import Category

TOKEN = "tok-5e5d1f0c-never-shown"
AS_AT = datetime(2025, 7, 18, 17, 30, tzinfo=UTC)
STUDENTS = "schools/A1/students"

Scenario = Callable[[FaultyPartner], Coroutine[Any, Any, Any]]


def school(school_id: str = "A1") -> School:
    return School("wonde", school_id, "Northmoor High", None, None, None, None, None, "Europe/London", "approved")


def stream(category: Category = Category.BASIC, name: str = "students", mode: Any = "incremental") -> Stream:
    partner = WondePartner(WondeConfig("http://127.0.0.1:1/v1.0/", TOKEN))
    return next(stream for stream in partner.streams(category, mode) if stream.name == name)


def run(scenario: Scenario) -> Any:
    async def with_server() -> Any:
        async with FaultyPartner() as server:
            return await scenario(server)

    return asyncio.run(with_server())


def connector(server: FaultyPartner, patience: Patience | None = None, **options: Any) -> WondePartner:
    patience = patience or Patience()
    limits = Limits(**{"request_timeout": 20.0, **options.pop("limits", {})})
    config = WondeConfig(server.url, TOKEN, limits=limits, **options)
    return WondePartner(config, sleep=patience.sleep, clock=patience.clock)


async def read(partner: WondePartner, a_stream: Stream | None = None, **options: Any) -> list[Page]:
    options.setdefault("updated_after", None)
    async with partner:
        return [page async for page in partner.pages(options.pop("school", school()), a_stream or stream(), **options)]


def ids(pages: list[Page]) -> list[list[str]]:
    return [[row["id"] for row in json.loads(page.body)["data"]] for page in pages]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_follows_next_to_the_last_page_and_numbers_the_pages() -> None:
    async def scenario(server: FaultyPartner) -> None:
        second, third = f"{server.url}{STUDENTS}?cursor=2", f"{server.url}{STUDENTS}?cursor=3"
        replies = {
            None: page({"id": "1"}, next_url=second),
            "2": page({"id": "2"}, next_url=third),
            "3": page({"id": "3"}),
        }
        server.answer_by(STUDENTS, lambda request: replies[request.query.get("cursor")])

        whole = await read(connector(server))
        rest = await read(connector(server), resume_from=second, first_number=2)

        assert ids(whole) == [["1"], ["2"], ["3"]]
        assert [(page.number, page.next_url, page.endpoint) for page in whole] == [
            (1, second, "students"),
            (2, third, "students"),
            (3, None, "students"),
        ]
        assert {page.as_at for page in whole} == {AS_AT}
        assert rest == whole[1:]
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"

    run(scenario)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"id":"1"}],"meta":{}}',
        b'{"data":[{"id":"1"}]}',
        b'{"data":[{"id":"1"}],"meta":{"pagination":null}}',
        b'{"data":[{"id":"1"}],"meta":{"pagination":{"next":null,"more":false,"per_page":"50"}}}',
        b'{"data":[{"id":"1"}],"meta":{"pagination":{"next":"","more":false,"per_page":50}}}',
    ],
)
def test_one_page_needs_no_pagination(body: bytes) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(body))
        assert ids(await read(connector(server))) == [["1"]]

    run(scenario)


def test_updated_after_is_asked_in_utc_of_incremental_streams_alone() -> None:
    since = datetime(2025, 7, 17, 9, 5, tzinfo=timezone(timedelta(hours=1)))

    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, page())
        for category, mode in (
            (Category.BASIC, "incremental"),
            (Category.BASIC, "full"),
            (Category.DEMOGRAPHICS, "incremental"),
        ):
            await read(connector(server), stream(category, mode=mode), updated_after=since)
        assert [request.query.get("updated_after") for request in server.requests] == [
            "2025-07-17 08:05:00",
            None,
            None,
        ]
        assert server.requests[0].query["include"] == "education_details,year,contact_details"
        assert server.requests[0].query["per_page"] == "200"

    run(scenario)


def test_history_is_bounded_only_where_configured() -> None:
    marks = stream(Category.ATTENDANCE, "session", "full")

    async def scenario(server: FaultyPartner) -> None:
        server.answer("schools/A1/attendance/session", page())
        await read(connector(server), marks)
        await read(connector(server, history_from=date(2023, 9, 1), page_size=50), marks)
        assert [request.query for request in server.requests] == [
            {"per_page": "200"},
            {"attendance_date_after": "2023-09-01", "per_page": "50"},
        ]

    run(scenario)


def test_a_school_id_cannot_leave_its_place_in_the_path() -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer("schools/..%2Fevil%3F/students", page({"id": "1"}))
        assert ids(await read(connector(server), school=school("../evil?"))) == [["1"]]

    run(scenario)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:1/v1.0/schools/A1/students",
        "https://127.0.0.1:{port}/v1.0/schools/A1/students",
        "http://localhost:{port}/v1.0/schools/A1/students",
        "http://127.0.0.1:{port}@partner.example/v1.0/schools/A1/students",
        "//partner.example/v1.0/schools/A1/students",
        "/v1.0/schools/A1/students?page=2",
        "http://[half/",
        "file:///etc/passwd",
    ],
)
def test_next_on_another_host_is_not_followed(elsewhere: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, page({"id": "1"}, next_url=elsewhere.format(port=server.port)))
        with pytest.raises(ForeignAddress, match="points to"):
            await read(connector(server))
        with pytest.raises(ForeignAddress, match="points to"):
            await read(connector(server), resume_from=elsewhere.format(port=server.port))
        assert len(server.requests) == 1

    run(scenario)


def test_pages_that_run_in_a_circle_end() -> None:
    async def scenario(server: FaultyPartner) -> None:
        first, second = f"{server.url}{STUDENTS}?cursor=1", f"{server.url}{STUDENTS}?cursor=2"
        replies = {None: first, "1": second, "2": first}
        server.answer_by(STUDENTS, lambda request: page(next_url=replies[request.query.get("cursor")]))
        with pytest.raises(MalformedPage, match="circle"):
            await read(connector(server))
        assert len(server.requests) == 3

    run(scenario)


def test_an_answer_that_is_no_page_is_told_with_its_place_and_what_to_do() -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(b'{"data":[{"id":'))
        with pytest.raises(MalformedPage) as caught:
            await read(connector(server, limits={"max_attempts": 2}))
        assert str(caught.value) == (
            "The answer is not JSON, or was cut off. Extract again later, and ask the partner if it lasts."
            " [/v1.0/schools/A1/students]"
        )

    run(scenario)


@pytest.mark.parametrize("came", ["1", "3"])
def test_another_page_than_the_one_asked_for_is_asked_for_again(came: str) -> None:
    """As when a cache, or a backend that lags behind, answers for another address."""

    async def scenario(server: FaultyPartner) -> None:
        def numbered(number: str) -> Reply:
            following = f"{server.url}{STUDENTS}?page={int(number) + 1}" if number != "3" else None
            place = {"next": following, "per_page": "1", "current_page": int(number)}
            return Reply(json.dumps({"data": [{"id": number}], "meta": {"pagination": place}}).encode())

        wrong = [came]

        def answer(request: Request) -> Reply:
            asked = request.query.get("page", "1")
            return numbered(wrong.pop() if asked == "2" and wrong else asked)

        server.answer_by(STUDENTS, answer)
        assert ids(await read(connector(server))) == [["1"], ["2"], ["3"]]
        assert len(server.requests) == 4

    run(scenario)


def test_the_page_before_is_not_taken_for_the_one_asked_for_by_cursor() -> None:
    async def scenario(server: FaultyPartner) -> None:
        first, second = f"{server.url}{STUDENTS}?cursor=1", f"{server.url}{STUDENTS}?cursor=2"
        before = page({"id": "1"}, next_url=first)
        server.answer(STUDENTS, before, before, page({"id": "2"}, next_url=second), page({"id": "3"}))
        assert ids(await read(connector(server))) == [["1"], ["2"], ["3"]]

    run(scenario)


# --- patience --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        *(Reply(status=status) for status in (429, 500, 502, 503, 504)),
        Reply(fault="reset"),
        Reply(page({"id": "1"}).body, fault="cut"),
        Reply(page({"id": "1"}).body[:-9]),
        Reply(b"<html>Just a moment</html>"),
        Reply(b'{"error":"internal"}'),
        Reply(b'{"data":{"id":"1"}}'),
        Reply(b""),
        Reply(page({"id": "1"}).body, headers={}),
    ],
    ids=lambda reply: f"{reply.status}-{reply.fault}-{reply.body[:12]!r}",
)
def test_passing_trouble_is_tried_again(trouble: Reply) -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, trouble, trouble, page({"id": "1"}))
        assert ids(await read(connector(server, patience))) == [["1"]]

    run(scenario)
    assert len(patience.waits) == 2
    # Full jitter: anything up to 0.5 s, then up to 1 s.
    assert 0 <= patience.waits[0] <= 0.5
    assert 0 <= patience.waits[1] <= 1.0


@pytest.mark.parametrize("fault", ["silent", "drip"])
def test_an_answer_that_does_not_come_whole_in_time_is_tried_again(fault: Any) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(page({"id": "1" * 400}).body, fault=fault), page({"id": "1"}))
        # The drip sends a byte every 20 ms and so never lets a limit per read run out.
        assert ids(await read(connector(server, limits={"request_timeout": 0.5}))) == [["1"]]

    run(scenario)


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7), ("Fri, 18 Jul 2025 17:30:40 GMT", 40), ("Fri, 18 Jul 2025 17:00:00 GMT", 0)]
)
def test_retry_after_is_honoured_by_the_partners_clock(retry_after: str, seconds: int) -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        busy = Reply(status=429, headers={"Date": NOW, "Retry-After": retry_after})
        server.answer(STUDENTS, busy, page({"id": "1"}))
        await read(connector(server, patience))

    run(scenario)
    assert seconds <= patience.waits[0] <= seconds + 0.5


@pytest.mark.parametrize("nonsense", ["soon", "-5", "\N{ARABIC-INDIC DIGIT THREE}", "1e9", ""])
def test_a_retry_after_that_says_nothing_leaves_the_usual_wait(nonsense: str) -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(status=503, headers={"Retry-After": nonsense}), page())
        await read(connector(server, patience))

    run(scenario)
    assert patience.waits[0] <= 0.5


def test_gives_up_after_the_allowed_attempts() -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(status=503))
        with pytest.raises(PartnerUnavailable, match="extract again later") as caught:
            await read(connector(server, patience, limits={"max_attempts": 4}))
        assert len(server.requests) == 4
        assert (caught.value.status, caught.value.where) == (503, f"/v1.0/{STUDENTS}")

    run(scenario)
    assert len(patience.waits) == 3


def test_gives_up_at_once_when_the_wait_would_pass_the_deadline() -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(status=429, headers={"Retry-After": "3600"}))
        with pytest.raises(PartnerUnavailable) as caught:
            await read(connector(server, patience, limits={"deadline": 900.0}))
        assert caught.value.retry_after == 3600
        assert len(server.requests) == 1

    run(scenario)
    assert patience.waits == []


def test_the_deadline_counts_all_waits_together() -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(status=429, headers={"Retry-After": "400"}))
        with pytest.raises(PartnerUnavailable):
            await read(connector(server, patience, limits={"deadline": 900.0}))
        assert len(server.requests) == 3

    run(scenario)
    assert patience.now <= 900


def test_a_page_that_stays_broken_is_malformed() -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, Reply(page({"id": "1"}).body[:-9]))
        with pytest.raises(MalformedPage, match="cut off"):
            await read(connector(server, limits={"max_attempts": 3}))
        assert len(server.requests) == 3

    run(scenario)


def test_a_partner_that_is_not_there_is_unavailable() -> None:
    async def scenario(server: FaultyPartner) -> None:
        await server.__aexit__(None, None, None)
        with pytest.raises(PartnerUnavailable, match="ConnectError"):
            await read(connector(server))

    run(scenario)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(b"<html>", 401), Unauthorised, "Check that it is set"),
        (
            refusal(403, "invalid_permissions", "Scope students.read not enabled"),
            ScopeNotGranted,
            "Scope students.read",
        ),
        (refusal(404, "resource_not_found"), SchoolNotAvailable, "no longer approves us"),
        (refusal(400, "bad_request", "per_page too large"), RequestRefused, "per_page too large"),
        (Reply(status=302, headers={"Location": "http://partner.example/"}), RequestRefused, "Repeating will not help"),
        (Reply(b"[1]", 418), RequestRefused, "no reason given"),
    ],
)
def test_refusals_are_typed_and_not_repeated(reply: Reply, error: type[PartnerError], said: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(STUDENTS, reply)
        with pytest.raises(error, match=said) as caught:
            await read(connector(server))
        assert len(server.asked(STUDENTS)) == 1
        assert caught.value.status == reply.status

    run(scenario)


@pytest.mark.parametrize(
    ("meta", "error"),
    [
        (Reply(b'{"data":{"online":true,"approved":true}}'), ResourceNotSupplied),
        (Reply(b'{"data":{"online":true,"approved":false}}'), SchoolNotAvailable),
        (refusal(403, "invalid_permissions"), SchoolNotAvailable),
        (refusal(404, "resource_not_found"), SchoolNotAvailable),
        (Reply(status=503), PartnerUnavailable),
    ],
)
def test_a_missing_resource_is_told_from_a_missing_school(meta: Reply, error: type[PartnerError]) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer("meta/schools/A1", meta)
        with pytest.raises(error):
            await read(connector(server), stream(name="students-leaver"))

    run(scenario)


# --- includes --------------------------------------------------------------------------------------------------------


def _refuses(*bad: str, named: bool) -> Callable[[Request], Reply]:
    def script(request: Request) -> Reply:
        for include in request.query.get("include", "").split(","):
            if include in bad:
                return refusal(400, "invalid_include", include) if named else refusal(400, "Invalid includes")
        return page({"id": request.query.get("include", "")})

    return script


@pytest.mark.parametrize("named", [True, False])
def test_a_refused_include_is_dropped_and_reported(named: bool) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer_by(STUDENTS, _refuses("year", "contact_details", named=named))
        partner = connector(server)
        assert ids(await read(partner)) == [["education_details"]]
        assert partner.notices(school()) == (
            "students: the school's MIS refuses include year, contact_details; read without it.",
        )
        assert partner.notices(school("A2")) == ()
        before = len(server.requests)
        await read(partner)
        assert len(server.requests) == before + 1, "what was learnt is not asked again"

    run(scenario)


def test_a_refusal_of_an_include_that_was_not_asked_for_ends() -> None:
    async def scenario(server: FaultyPartner) -> None:
        def script(request: Request) -> Reply:
            return refusal(400, "invalid_include", "photo") if "," in request.query["include"] else page()

        server.answer_by(STUDENTS, script)
        with pytest.raises(RequestRefused, match="photo"):
            await read(connector(server))

    run(scenario)


def test_an_include_refused_in_the_middle_of_a_walk_is_an_error() -> None:
    async def scenario(server: FaultyPartner) -> None:
        second = f"{server.url}{STUDENTS}?cursor=2"
        server.answer(STUDENTS, page({"id": "1"}, next_url=second), refusal(400, "invalid_include", "year"))
        with pytest.raises(InvalidInclude):
            await read(connector(server))

    run(scenario)


# --- schools and scopes ----------------------------------------------------------------------------------------------

LISTS = ("schools", "schools/pending", "schools/audited", "schools/offline", "schools/revoked", "schools/declined")


def _listed(school_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": school_id,
        "name": f"School {school_id}",
        "establishment_number": "4999",
        "urn": 199999,
        "phase_of_education": "SECONDARY",
        "la_code": "823",
        "timezone": "Europe/London",
        "mis": "SIMS",
        **fields,
    }


def test_schools_of_all_lists_once_with_the_weightiest_state() -> None:
    async def scenario(server: FaultyPartner) -> None:
        for path in LISTS:
            server.answer(path, page())
        second = f"{server.url}schools?page=2"
        replies = {
            None: page(_listed("A1"), _listed("A2"), _listed("A3"), _listed("A4"), next_url=second),
            "2": page(_listed("A5", urn="123456", la_code=None, timezone=None)),
        }
        server.answer_by("schools", lambda request: replies[request.query.get("page")])
        server.answer("schools/audited", page(_listed("A1"), _listed("B1")))
        server.answer("schools/pending", page(_listed("A2"), _listed("B1"), _listed("B2")))
        server.answer("schools/offline", page(_listed("A3")))
        server.answer("schools/revoked", page(_listed("A4"), _listed("B3")))
        server.answer("schools/declined", page(_listed("B3"), _listed("B4"), {"name": "no id"}, _listed("B5")))
        server.answer("meta/schools/A1", Reply(b'{"data":{"approved":true,"custom_attendance_codes":true}}'))
        server.answer("meta/schools/A2", Reply(b'{"data":{"approved":true,"custom_attendance_codes":false}}'))
        server.answer("meta/schools/A5", Reply(status=500))

        async with connector(server) as partner:
            found = {school.partner_school_id: school for school in await partner.schools()}

        assert {school_id: school.state for school_id, school in found.items()} == {
            "A1": "approved",
            "A2": "approved",
            "A3": "offline",
            "A4": "revoked",
            "A5": "approved",
            "B1": "audited",
            "B2": "pending",
            "B3": "revoked",
            "B4": "declined",
            "B5": "declined",
        }
        assert found["A1"] == School(
            "wonde", "A1", "School A1", 199999, "823", "4999", "SECONDARY", "SIMS", "Europe/London", "approved", True
        )
        assert [found[school_id].has_custom_codes for school_id in ("A2", "A3", "A5", "B1")] == [
            False,
            None,
            None,
            None,
        ]
        assert (found["A5"].urn, found["A5"].la_code, found["A5"].timezone) == (123456, None, "Europe/London")

    run(scenario)


def test_a_list_that_cannot_be_read_is_an_error_not_an_empty_list() -> None:
    async def scenario(server: FaultyPartner) -> None:
        for path in LISTS:
            server.answer(path, page())
        server.answer("schools/revoked", Reply(status=500))
        async with connector(server) as partner:
            with pytest.raises(PartnerUnavailable):
                await partner.schools()

    run(scenario)


def test_scopes_are_what_the_school_grants_now() -> None:
    rows = [
        {"identity": "attendance.read", "approved": True, "optional": True},
        {"identity": "exclusions.read", "approved": False},
        {"identity": "staff.read", "approved": None},
        {"identity": "results.read"},
    ]

    async def scenario(server: FaultyPartner) -> None:
        server.answer("meta/schools/A1/permissions", page(*rows))
        async with connector(server) as partner:
            scopes = await partner.scopes(school())
        assert [(scope.name, scope.granted) for scope in scopes] == [
            ("attendance.read", True),
            ("exclusions.read", False),
            ("staff.read", False),
            ("results.read", False),
        ]

    run(scenario)


@pytest.mark.parametrize(
    ("domain", "host"), [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), (None, "127.0.0.1")]
)
def test_a_school_is_read_in_its_own_region(domain: str | None, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REGION_HOSTS", frozenset({"127.0.0.1", "localhost"}))

    async def scenario(server: FaultyPartner) -> None:
        server.answer("schools/A1", Reply(json.dumps({"data": _listed("A1", region={"domain": domain})}).encode()))
        server.answer(STUDENTS, page({"id": "1"}))
        partner = connector(server)
        await read(partner)
        await read(partner)
        assert [request.headers["host"] for request in server.asked(STUDENTS)] == [f"{host}:{server.port}"] * 2
        assert len(server.asked("schools/A1")) == 1

    run(scenario)


def test_a_school_in_an_unknown_region_is_not_read_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REGION_HOSTS", frozenset({"127.0.0.1"}))

    async def scenario(server: FaultyPartner) -> None:
        for path in LISTS:
            server.answer(path, page())
        server.answer("schools", page(_listed("A1", region={"domain": "partner.example"})))
        async with connector(server) as partner:
            (listed,) = await partner.schools()
            with pytest.raises(ForeignAddress, match="none of Wonde's known regions"):
                _ = [page async for page in partner.pages(listed, stream(), updated_after=None)]
        assert not server.asked(STUDENTS)

    run(scenario)


# --- limits ----------------------------------------------------------------------------------------------------------


async def _crowd(server: FaultyPartner, schools: int, expected: int, **limits: Any) -> None:
    """Six readers a school at once, none answered until ``expected`` requests have arrived."""
    for number in range(schools):
        server.answer(f"schools/A{number}/students", page({"id": "1"}))
    server.hold_back(expected)
    async with connector(server, limits=limits) as partner:

        async def one(number: int) -> None:
            async for _ in partner.pages(school(f"A{number}"), stream(), updated_after=None):
                pass

        readers = asyncio.gather(*(one(number) for number in range(schools) for _ in range(6)))
        await server.gathered()
        for _ in range(200):  # time for a request too many to arrive
            await asyncio.sleep(0)
        server.let_go()
        await readers
    assert server.most_in_flight == expected
    assert len(server.requests) == schools * 6


def test_requests_at_once_are_limited_for_each_school() -> None:
    run(lambda server: _crowd(server, 3, 6, concurrency=50, school_concurrency=2))


def test_requests_at_once_are_limited_for_the_partner() -> None:
    run(lambda server: _crowd(server, 6, 5, concurrency=5, school_concurrency=2))


def test_requests_are_paced_where_configured() -> None:
    arrivals: list[float] = []

    async def scenario(server: FaultyPartner) -> None:
        def script(_: Request) -> Reply:
            arrivals.append(asyncio.get_running_loop().time())
            return page(next_url=f"{server.url}{STUDENTS}?cursor={len(arrivals)}" if len(arrivals) < 6 else None)

        server.answer_by(STUDENTS, script)
        await read(connector(server, limits={"requests_per_second": 100.0}))

    run(scenario)
    # Six requests are five gaps of 10 ms; slower is always possible, faster never.
    assert arrivals[-1] - arrivals[0] >= 0.045


# --- the token -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500])
def test_the_token_shows_in_no_log_repr_or_error(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario(server: FaultyPartner) -> tuple[WondePartner, PartnerError]:
        # The worst partner: it echoes what it was sent.
        server.answer_by(
            STUDENTS,
            lambda request: refusal(status, request.headers["authorization"], f"invalid include {request.headers}"),
        )
        partner = connector(server)
        with pytest.raises(PartnerError) as caught:
            await read(partner)
        assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in server.requests)
        assert not any(TOKEN in str(request.query) for request in server.requests)
        return partner, caught.value

    partner, error = run(scenario)
    shown = [repr(partner), repr(partner._config), str(error), repr(error), caplog.text]
    shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert caplog.records
    assert not [text for text in shown if TOKEN in text]


def test_a_broken_connection_leaves_no_request_behind_in_the_error() -> None:
    async def scenario(server: FaultyPartner) -> PartnerUnavailable:
        server.answer(STUDENTS, Reply(fault="reset"))
        with pytest.raises(PartnerUnavailable) as caught:
            await read(connector(server))
        return caught.value

    error: BaseException | None = run(scenario)
    assert error is not None
    assert (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("token", ["", "line\nbreak", "naïve"])
def test_a_token_that_no_header_can_carry_is_refused_early(token: str) -> None:
    with pytest.raises(ValueError, match="token") as caught:
        WondeConfig("https://api.wonde.com/v1.0/", token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("base_url", ["api.wonde.com/v1.0/", "ftp://api.wonde.com/v1.0/", "https://api.wonde.com/v1.0"])
def test_an_address_that_cannot_be_a_base_is_refused_early(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        WondeConfig(base_url, TOKEN)


# --- event loops -----------------------------------------------------------------------------------------------------


def test_serves_one_event_loop_after_another_but_not_two_at_once() -> None:
    partner: WondePartner | None = None

    async def once(server: FaultyPartner) -> None:
        nonlocal partner
        server.answer("meta/schools/A1/permissions", page())
        partner = partner or connector(server)
        async with partner:
            # The server of the first loop is gone in the second: unreachable is as far as it can come.
            with pytest.raises(RuntimeError, match="in use"):
                await partner.__aenter__()

    run(once)
    run(once)


def test_says_how_it_is_used_when_used_outside_its_block() -> None:
    async def scenario(server: FaultyPartner) -> None:
        asked: Awaitable[Any] = connector(server).scopes(school())
        with pytest.raises(RuntimeError, match="async with"):
            await asked

    run(scenario)
