"""Reading XoD over real HTTP: tokens, pages, windows, what is retried, what is refused, where no secret ever shows."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import groupcall_payloads as given
import pytest
from faulty_partner import FaultyPartner, Patience, Reply, Request

from orchestration.connectors.base import Page, School, Stream
from orchestration.connectors.errors import (
    ForeignAddress,
    MalformedPage,
    PartnerError,
    PartnerUnavailable,
    RequestRefused,
    ResourceNotSupplied,
    SchoolNotAvailable,
    SchoolPaused,
    ScopeNotGranted,
)
from orchestration.connectors.groupcall import scopes, windows
from orchestration.connectors.groupcall.client import GroupcallConfig, GroupcallPartner
from orchestration.connectors.groupcall.secrets import SchoolSecret
from orchestration.connectors.http import Limits
from orchestration.ingest.categories import Category

SECRET = "school-secret-never-shown"
ESTAB = "8234999"
TOKEN = "/api/oauth/GetToken"
STUDENTS = f"School/{ESTAB}/Students"
#: The partner's clock, as faulty_partner has it.
AS_AT = datetime(2025, 7, 18, 17, 30, tzinfo=UTC)

Scenario = Callable[[FaultyPartner], Coroutine[Any, Any, Any]]


def school(estab: str = ESTAB) -> School:
    return School("groupcall", estab, "Northmoor High", None, None, None, None, None, "Europe/London", "approved")


def secret(estab: str = ESTAB) -> SchoolSecret:
    return SchoolSecret(estab, f"School {estab}", f"{SECRET}-{estab}", (), AS_AT)


def stream(category: Category = Category.BASIC, name: str = "students", mode: Any = "incremental") -> Stream:
    config = GroupcallConfig("http://127.0.0.1:1/api/v1/", f"http://127.0.0.1:1{TOKEN}", "app", schools=list)
    return next(stream for stream in GroupcallPartner(config).streams(category, mode) if stream.name == name)


class Exchange:
    """GetToken: gives a new token each time, or says what it was told to say for a school."""

    def __init__(self, server: FaultyPartner, lifetime: str = "2025-07-23T17:30:00.1852229Z") -> None:
        self.given: list[tuple[str, str]] = []
        self.asked: list[dict[str, str]] = []
        self.refuses: dict[str, Reply] = {}
        self._lifetime = lifetime
        server.answer_by(TOKEN, self)

    def __call__(self, request: Request) -> Reply:
        asked = json.loads(request.body)
        self.asked.append(asked)
        if asked["estab"] in self.refuses:
            return self.refuses[asked["estab"]]
        self.given.append((asked["estab"], f"tok-never-shown-{len(self.given)}"))
        token = {"token": self.given[-1][1], "expires": self._lifetime, "Message": None, "ExceptionMessage": None}
        return Reply(json.dumps(token).encode())


def exception(said: str) -> Reply:
    text = {"Message": None, "ExceptionType": None, "ExceptionMessage": said, "InnerException": None}
    return Reply(json.dumps(text).encode())


def page(
    name: str = "Students",
    *rows: Any,
    number: int = 1,
    count: int = 1,
    total: int | None = None,
    at: str | None = None,
    **others: Any,
) -> Reply:
    """An answer with pages; ``NextPage`` is filled on the last one too."""
    pagination: dict[str, Any] = {"PageSize": 2, "PageNumber": number, "PageCount": count, "RowCount": total}
    pagination["NextPage"] = f"?page={number + 1}&pageSize=2"
    sets = {name: rows, "meta": given.meta(at) if at else [], "__pagination__": [pagination], **others}
    return Reply(json.dumps(sets).encode())


def changes(cursor: str) -> dict[str, Any]:
    return {"__changedRows__": [{"PreviousChangedRows": "", "NextChangedRows": cursor, "NextUrl": "?"}]}


def run(scenario: Scenario) -> Any:
    async def with_server() -> Any:
        async with FaultyPartner("/api/v1/") as server:
            return await scenario(server)

    return asyncio.run(with_server())


def connector(
    server: FaultyPartner, patience: Patience | None = None, estabs: tuple[str, ...] = (ESTAB,), **options: Any
) -> GroupcallPartner:
    patience = patience or Patience()
    config = GroupcallConfig(
        server.url,
        server.url.replace("/api/v1/", TOKEN),
        "app.example.org",
        lambda: [secret(estab) for estab in estabs],
        limits=Limits(**{"request_timeout": 20.0, **options.pop("limits", {})}),
        **options,
    )
    return GroupcallPartner(config, sleep=patience.sleep, clock=patience.clock)


async def read(partner: GroupcallPartner, a_stream: Stream | None = None, **options: Any) -> list[Page]:
    options.setdefault("updated_after", None)
    async with partner:
        return [page async for page in partner.pages(options.pop("school", school()), a_stream or stream(), **options)]


def rows(pages: list[Page], name: str = "Students") -> list[list[str]]:
    return [[row["Id"] for row in json.loads(page.body)[name]] for page in pages]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_reads_to_the_last_page_by_its_count_and_never_by_next_page() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)

        def script(request: Request) -> Reply:
            number = int(request.query.get("page", "1"))
            at = "2025-07-18T02:07:21.03" if number == 1 else None
            return page("Students", {"Id": str(number)}, number=number, count=3, at=at)

        server.answer_by(STUDENTS, script)
        whole = await read(connector(server))
        assert rows(whole) == [["1"], ["2"], ["3"]]
        assert len(server.asked(STUDENTS)) == 3
        assert [(page.number, page.endpoint) for page in whole] == [(1, "students"), (2, "students"), (3, "students")]
        # The time of the data, which is local; pages after the first have none of their own.
        assert {page.as_at for page in whole} == {datetime(2025, 7, 18, 1, 7, 21, 30_000, tzinfo=UTC)}
        assert whole[-1].next_url is None

        rest = await read(connector(server), resume_from=whole[0].next_url, first_number=2)
        assert rows(rest) == [["2"], ["3"]]
        assert [page.number for page in rest] == [2, 3]
        assert rest[-1].next_url is None
        # Without the first page the partner's clock is all that is known.
        assert {page.as_at for page in rest} == {AS_AT}

    run(scenario)


@pytest.mark.parametrize(("totals", "moved"), [((5, 5, 5), False), ((5, 5, 6), True), ((2, 2, 1), False)])
def test_rows_that_come_while_pages_are_read_are_noticed(totals: tuple[int, ...], moved: bool) -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)

        def script(request: Request) -> Reply:
            number = int(request.query.get("page", "1"))
            return page("Students", number=number, count=3, total=totals[number - 1])

        server.answer_by(STUDENTS, script)
        partner = connector(server)
        await read(partner)
        assert any("changed while their pages were read" in notice for notice in partner.notices(school())) is moved
        server.answer(STUDENTS, page())
        await read(partner)
        assert partner.notices(school()) == ()

    run(scenario)


def test_asks_for_the_columns_and_options_of_the_category() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(STUDENTS, page())
        server.answer(f"School/{ESTAB}/Staff", page("Staff"))
        await read(connector(server, page_size=500))
        await read(connector(server), stream(Category.DEMOGRAPHICS))
        await read(connector(server), stream(Category.STAFF, "staff"))
        basic, census, staff = (request.query for request in server.requests if request.path.startswith("School/"))
        assert (basic["options"], basic["pageSize"], census["pageSize"]) == ("includeLeavers", "500", "1000")
        # What is special category data travels with its own category and no other.
        assert "EthnicityCode" in census["select"].split(",")
        assert "EthnicityCode" not in basic["select"].split(",")
        assert "UPN" not in census["select"].split(",")
        assert "NINumber" not in staff["select"].split(",")
        assert staff["options"] == "includeFuture,includePrevious"

    run(scenario)


def test_a_national_insurance_number_is_dropped_at_the_door_even_if_it_is_sent() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        told = [
            {**given.staff(Id="1"), "NINumber": 'QQ\\"123456C'},
            {**given.staff(Id="2"), "ninumber": "QQ654321C", "Note": "x"},
            {**given.staff(Id="3"), "NINumber": None},
        ]
        server.answer(f"School/{ESTAB}/Staff", page("Staff", *told))
        (only,) = await read(connector(server), stream(Category.STAFF, "staff"))
        assert b"QQ" not in only.body
        kept = json.loads(only.body)["Staff"]
        assert [{key: row[key] for key in row if key.lower() != "ninumber"} for row in kept] == [
            {key: row[key] for key in row if key.lower() != "ninumber"} for row in told
        ]

    run(scenario)


@pytest.mark.parametrize(
    "trouble",
    [
        *(Reply(status=status) for status in (429, 500, 502, 503, 504)),
        Reply(fault="reset"),
        Reply(page().body, fault="cut"),
        Reply(page().body[:-9]),
        Reply(b"<html>Just a moment</html>"),
        Reply(b"{}"),
        Reply(b'{"meta":[]}'),
        Reply(b'{"Staff":[]}'),
        Reply(b""),
        exception("Something went wrong"),
        exception("The school's connector is offline"),
        Reply(page().body, headers={}),
        page(number=2, count=2),
    ],
    ids=lambda reply: f"{reply.status}-{reply.fault}-{reply.body[:40]!r}",
)
def test_passing_trouble_is_tried_again(trouble: Reply) -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(STUDENTS, trouble, trouble, page("Students", {"Id": "1"}))
        assert rows(await read(connector(server, patience))) == [["1"]]

    run(scenario)
    assert len(patience.waits) == 2


def test_trouble_that_lasts_is_told_with_the_partners_words() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(STUDENTS, exception("Something went wrong"))
        with pytest.raises(PartnerUnavailable, match=r"Something went wrong.*extract again later"):
            await read(connector(server, limits={"max_attempts": 3}))
        assert len(server.asked(STUDENTS)) == 3

    run(scenario)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (exception("Scope UPN is not authorised"), ScopeNotGranted, "Scope UPN"),
        (exception("The token does not hold the scope"), ScopeNotGranted, "approve the scope"),
        (exception("Authorisation is paused"), SchoolPaused, "finish its approval"),
        (exception("Relying Party not found for estab"), SchoolNotAvailable, "withdrawn"),
        (exception("Parameter yearGroupId must be a number"), RequestRefused, "yearGroupId"),
        (Reply(status=403), ScopeNotGranted, "approve the scope"),
        (Reply(status=404), ResourceNotSupplied, "does not supply"),
        (Reply(status=400), RequestRefused, "Repeating will not help"),
        (Reply(status=302, headers={"Location": "http://partner.example/"}), RequestRefused, "Repeating will not help"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_refusals_are_typed_and_not_repeated(reply: Reply, error: type[PartnerError], said: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(STUDENTS, reply)
        with pytest.raises(error, match=said) as caught:
            await read(connector(server))
        assert len(server.asked(STUDENTS)) == 1
        assert caught.value.where in ("", f"/api/v1/{STUDENTS}")

    run(scenario)


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_is_exchanged_once_a_school_and_used_in_the_partners_own_scheme() -> None:
    async def scenario(server: FaultyPartner) -> None:
        exchange = Exchange(server)
        estabs = ("8234999", "3024001")
        for estab in estabs:
            server.answer(f"School/{estab}/Students", page())
        async with connector(server, estabs=estabs) as partner:
            for estab in estabs * 3:
                async for _ in partner.pages(school(estab), stream(), updated_after=None):
                    pass
        assert exchange.asked == [
            {
                "estab": estab,
                "relyingParty": "app.example.org",
                "password": f"{SECRET}-{estab}",
                "thirdpartyid": "XporterOnDemand",
            }
            for estab in estabs
        ]
        for estab, token in exchange.given:
            asked = server.asked(f"School/{estab}/Students")
            assert {request.headers["authorization"] for request in asked} == {f"Idaas {token}"}

    run(scenario)


def test_a_token_is_replaced_shortly_before_it_expires_by_the_partners_clock() -> None:
    patience = Patience()

    async def scenario(server: FaultyPartner) -> None:
        exchange = Exchange(server, lifetime="2025-07-18T18:30:00Z")  # an hour from NOW
        server.answer(STUDENTS, page())

        async def once(at: float) -> int:
            patience.now = at
            async for _ in partner.pages(school(), stream(), updated_after=None):
                pass
            return len(exchange.given)

        async with connector(server, patience) as partner:
            assert [await once(0), await once(3000), await once(3301), await once(3302)] == [1, 1, 2, 2]

    run(scenario)


def test_many_readers_of_a_school_share_one_exchange() -> None:
    async def scenario(server: FaultyPartner) -> None:
        exchange = Exchange(server)
        server.answer(STUDENTS, page())
        async with connector(server) as partner:

            async def one() -> None:
                async for _ in partner.pages(school(), stream(), updated_after=None):
                    pass

            await asyncio.gather(*(one() for _ in range(8)))
        assert len(exchange.given) == 1

    run(scenario)


@pytest.mark.parametrize("refusal", [exception("The token has expired"), Reply(status=401)])
def test_a_token_that_is_not_taken_is_replaced_once_and_never_in_a_loop(refusal: Reply) -> None:
    async def scenario(server: FaultyPartner) -> None:
        exchange = Exchange(server)
        server.answer(STUDENTS, refusal, page("Students", {"Id": "1"}))
        assert rows(await read(connector(server))) == [["1"]]
        assert len(exchange.given) == 2
        first, second = (request.headers["authorization"] for request in server.asked(STUDENTS))
        assert first != second

        server.answer(STUDENTS, refusal)
        with pytest.raises(SchoolNotAvailable, match="just given"):
            await read(connector(server))
        assert len(exchange.given) == 4

    run(scenario)


def test_a_school_that_withdrew_while_its_token_was_good_is_not_available() -> None:
    async def scenario(server: FaultyPartner) -> None:
        exchange = Exchange(server)
        server.answer(STUDENTS, exception("Token is not valid"))
        async with connector(server) as partner:
            await partner._tokens.of(ESTAB)
            exchange.refuses[ESTAB] = exception("Relying Party not found for estab or secret not correct")
            with pytest.raises(SchoolNotAvailable, match="withdrawn its authorisation"):
                _ = [page async for page in partner.pages(school(), stream(), updated_after=None)]

    run(scenario)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (exception("Relying Party not found for estab or secret not correct"), SchoolNotAvailable, "new secret"),
        (exception("Authorisation is paused until the school finishes"), SchoolPaused, "paused"),
        (Reply(b'{"token":null,"authorisation_paused":true}'), SchoolPaused, "finish its approval"),
        (exception("Something went wrong"), PartnerUnavailable, "went wrong"),
        (exception("A sentence nobody has heard"), PartnerUnavailable, "nobody has heard"),
        (Reply(b'{"token":null,"expires":"0001-01-01T00:00:00"}'), MalformedPage, "neither a token"),
        (Reply(b'{"token":"line\\nbreak","expires":"2025-07-23T17:30:00Z"}'), MalformedPage, "neither a token"),
        (Reply(b'{"token":"t","expires":"2025-07-23T17:30:00Z"}', headers={}), MalformedPage, "Date header"),
        (Reply(status=403), RequestRefused, "Repeating will not help"),
        (Reply(status=404), RequestRefused, "Repeating will not help"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_what_it_means_when_no_token_is_given(reply: Reply, error: type[PartnerError], said: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(TOKEN, reply)
        with pytest.raises(error, match=said):
            await read(connector(server, limits={"max_attempts": 2}))
        assert not server.asked(STUDENTS)

    run(scenario)


def test_a_school_whose_secret_is_not_held_is_not_asked_for() -> None:
    async def scenario(server: FaultyPartner) -> None:
        with pytest.raises(SchoolNotAvailable, match="No secret is held for school 3024001"):
            await read(connector(server), school=school("3024001"))
        assert not server.requests

    run(scenario)


@pytest.mark.parametrize(
    ("exchange_echoes", "data"),
    [
        (True, None),
        (False, lambda request: exception(f"Refused: {request.headers['authorization']}")),
        (False, lambda request: exception(f"No scope in {request.headers['authorization']}")),
        (False, lambda request: Reply(request.headers["authorization"].encode(), 403)),
        (False, lambda request: Reply(request.headers["authorization"].encode(), 401)),
        (False, lambda request: Reply(request.headers["authorization"].encode(), 500)),
        (False, lambda request: Reply(request.headers["authorization"].encode())),
    ],
)
def test_secrets_and_tokens_show_in_no_log_repr_or_error(
    exchange_echoes: bool, data: Callable[[Request], Reply] | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario(server: FaultyPartner) -> tuple[GroupcallPartner, PartnerError]:
        exchange = Exchange(server)
        if exchange_echoes:
            server.answer_by(TOKEN, lambda request: exception(f"{request.body.decode()} went wrong"))
        if data:
            server.answer_by(STUDENTS, data)
        partner = connector(server)
        with pytest.raises(PartnerError) as caught:
            await read(partner)
        assert exchange_echoes or exchange.given
        assert not any("never-shown" in str(request.query) for request in server.requests)
        return partner, caught.value

    partner, error = run(scenario)
    shown = [repr(partner), repr(partner._config), str(error), repr(error), caplog.text]
    shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert caplog.records
    assert not [text for text in shown if "never-shown" in text]


def test_a_broken_exchange_leaves_no_request_behind_in_the_error() -> None:
    async def scenario(server: FaultyPartner) -> PartnerUnavailable:
        server.answer(TOKEN, Reply(fault="reset"))
        with pytest.raises(PartnerUnavailable) as caught:
            await read(connector(server))
        return caught.value

    error: BaseException | None = run(scenario)
    assert error is not None
    assert (error.__cause__, error.__context__) == (None, None)


# --- change tracking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "name"),
    [
        (Category.BASIC, "students"),
        (Category.DEMOGRAPHICS, "students"),
        (Category.DEMOGRAPHICS, "sen"),
        (Category.ATTENDANCE, "exclusions"),
        (Category.STAFF, "staff"),
    ],
)
def test_a_tracked_stream_asks_the_same_in_every_mode_but_for_where_to_begin(category: Category, name: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        a_stream = stream(category, name)
        path = f"School/{ESTAB}/{a_stream.path}"
        first_set = a_stream.sets[0]
        server.answer_by(
            path,
            lambda request: page(first_set, number=int(request.query.get("page", "1")), count=2, **changes("bb22")),
        )
        for mode, cursor in (("full", None), ("full", "aa11"), ("incremental", None), ("incremental", "aa11")):
            pages = await read(connector(server), stream(category, name, mode), cursor=cursor)
            assert [page.cursor for page in pages] == ["bb22", "bb22"]
        asked = [request.query for request in server.asked(path)]
        assert [(query["changedRows"], query.get("page")) for query in asked] == [
            *[("*", None), ("*", "2")] * 3,
            ("aa11", None),
            ("aa11", "2"),
        ]
        others = [{key: query[key] for key in query if key not in ("changedRows", "page")} for query in asked]
        assert all(query == others[0] for query in others)
        assert "updatedSince" not in others[0]

    run(scenario)


def test_the_next_reading_begins_where_this_ones_first_page_was_taken() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)

        def script(request: Request) -> Reply:
            number = int(request.query.get("page", "1"))
            return page("Students", {"Id": str(number)}, number=number, count=3, **changes(f"{number}%20#&=+/"))

        server.answer_by(STUDENTS, script)
        whole = await read(connector(server))
        assert [page.cursor for page in whole] == ["1%20#&=+/"] * 3
        rest = await read(connector(server), resume_from=whole[1].next_url, first_number=3)
        assert [(page.number, page.cursor) for page in rest] == [(3, "1%20#&=+/")]
        assert server.requests[-1].query["page"] == "3"

    run(scenario)


@pytest.mark.parametrize("told", ["The changedRows hash has expired", "Start with *", "No snapshot for this token"])
def test_a_cursor_that_the_partner_has_lost_is_begun_again_from_the_start(told: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)

        def script(request: Request) -> Reply:
            if request.query["changedRows"] == "lost":
                return exception(told)
            number = int(request.query.get("page", "1"))
            return page("Students", {"Id": str(number)}, number=number, count=2, **changes("cc33"))

        server.answer_by(STUDENTS, script)
        partner = connector(server)
        whole = await read(partner, cursor="lost")
        assert (rows(whole), [page.number for page in whole]) == ([["1"], ["2"]], [1, 2])
        assert [page.cursor for page in whole] == ["cc33", "cc33"]
        (notice,) = partner.notices(school())
        assert "students: the partner has lost track" in notice
        assert partner.notices(school("3024001")) == ()
        # A reading that was begun with the lost cursor is taken up where it is, from the start.
        rest = await read(connector(server), cursor="lost", resume_from=whole[0].next_url, first_number=2)
        assert rows(rest) == [["2"]]

    run(scenario)


def test_a_refusal_that_has_nothing_to_do_with_the_cursor_ends() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(STUDENTS, exception("Option includeLeavers is unheard of"))
        with pytest.raises(RequestRefused, match="unheard of"):
            await read(connector(server), cursor="aa11")
        assert len(server.asked(STUDENTS)) == 2

    run(scenario)


# --- marks -----------------------------------------------------------------------------------------------------------

MARKS = f"School/{ESTAB}/AttendanceForDateRange"
DAY = f"School/{ESTAB}/AttendanceForDate"


def _marks(server: FaultyPartner, pages: int = 1) -> None:
    server.answer("TokenDetails", Reply(b'{"Scopes":[]}'))
    server.answer_by(
        MARKS,
        lambda request: page(
            "AttendMarks",
            {"Id": f"{request.query['DateFrom']}/{request.query.get('page', '1')}"},
            number=int(request.query.get("page", "1")),
            count=pages,
        ),
    )


def test_marks_are_read_by_whole_months_of_the_partners_academic_year_in_full_mode() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        _marks(server)
        whole = await read(connector(server), stream(Category.ATTENDANCE, "marks", "full"))
        asked = [(request.query["DateFrom"], request.query["DateTo"]) for request in server.asked(MARKS)]
        # From August, for schools that begin before September, to the month of the partner's today.
        assert asked[0] == ("2024-08-01", "2024-08-31")
        assert asked[6] == ("2025-02-01", "2025-02-28")
        assert asked[-1] == ("2025-07-01", "2025-07-31")
        assert len(asked) == len(whole) == 12
        assert [page.number for page in whole] == list(range(1, 13))
        assert {request.query["options"] for request in server.asked(MARKS)} == {"includeLeavers"}
        assert not any("changedRows" in request.query for request in server.asked(MARKS))

    run(scenario)


def test_marks_are_read_by_weeks_of_the_amendment_days_in_incremental_mode() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        _marks(server)
        marks = stream(Category.ATTENDANCE, "marks")
        await read(connector(server), marks, updated_after=AS_AT)
        await read(connector(server, amendment_days=1), marks, updated_after=AS_AT)
        await read(connector(server, amendment_days=1), marks, updated_after=datetime(2025, 7, 9, 12, tzinfo=UTC))
        asked = [(request.query["DateFrom"], request.query["DateTo"]) for request in server.asked(MARKS)]
        first, second, third = ("2025-06-30", "2025-07-04"), ("2025-07-07", "2025-07-11"), ("2025-07-14", "2025-07-18")
        assert asked == [first, second, third, third, second, third]

    run(scenario)


def test_minutes_late_are_read_by_the_school_days_of_the_same_ranges() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        _marks(server)
        server.answer_by(DAY, lambda request: page("AttendMarks", {"Id": request.query["date"]}))
        await read(connector(server, amendment_days=6), stream(Category.ATTENDANCE, "lateness"), updated_after=AS_AT)
        asked = server.asked(DAY)
        # The partner's today is a Friday.
        assert [request.query["date"] for request in asked] == [
            *(f"2025-07-{day:02}" for day in range(7, 12)),
            *(f"2025-07-{day:02}" for day in range(14, 19)),
        ]
        assert {request.query["attendanceType"] for request in asked} == {"S"}
        whole = await read(connector(server), stream(Category.ATTENDANCE, "lateness", "full"))
        days = [request.query["date"] for request in server.asked(DAY)[len(asked) :]]
        assert (days[0], days[-1], len(days), len(whole)) == ("2024-08-01", "2025-07-18", 252, 252)

    run(scenario)


def test_marks_before_the_day_that_was_set_are_not_asked_for() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        _marks(server)
        server.answer_by(DAY, lambda request: page("AttendMarks", {"Id": request.query["date"]}))
        since = connector(server, history_from=date(2025, 6, 18))
        await read(since, stream(Category.ATTENDANCE, "marks", "full"))
        asked = [(request.query["DateFrom"], request.query["DateTo"]) for request in server.asked(MARKS)]
        assert asked == [("2025-06-18", "2025-06-30"), ("2025-07-01", "2025-07-31")]
        await read(since, stream(Category.ATTENDANCE, "lateness", "full"))
        assert server.asked(DAY)[0].query["date"] == "2025-06-18"
        since = connector(server, history_from=date(2025, 7, 16))
        await read(since, stream(Category.ATTENDANCE, "marks"), updated_after=AS_AT)
        assert [request.query["DateFrom"] for request in server.asked(MARKS)[2:]] == ["2025-07-16"]

    run(scenario)


def test_a_reading_of_windows_goes_on_where_it_was() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        _marks(server, pages=2)
        marks = stream(Category.ATTENDANCE, "marks")
        whole = await read(connector(server), marks)
        assert rows(whole, "AttendMarks") == [
            [f"{day}/{number}"] for day in ("2025-06-30", "2025-07-07", "2025-07-14") for number in (1, 2)
        ]
        # The last page of a window leads to the first of the next.
        following = urlsplit(whole[1].next_url or "")
        assert dict(parse_qsl(following.query))["DateFrom"] == "2025-07-07"
        for held in range(1, 6):
            url = whole[held - 1].next_url
            assert await read(connector(server), marks, resume_from=url, first_number=held + 1) == whole[held:]

    run(scenario)


def test_a_window_that_is_not_due_any_more_is_not_gone_on_with() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        _marks(server)
        url = f"{server.url}{MARKS}?DateFrom=2025-03-03&DateTo=2025-03-07&options=includeLeavers&pageSize=1000"
        with pytest.raises(RequestRefused, match="begin it again"):
            await read(connector(server), stream(Category.ATTENDANCE, "marks"), resume_from=url)

    run(scenario)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:1/api/v1/School/8234999/Students?page=2",
        "http://localhost:{port}/api/v1/School/8234999/Students?page=2",
        "http://127.0.0.1:{port}@partner.example/api/v1/School/8234999/Students",
        "//partner.example/api/v1/School/8234999/Students",
        "http://[half/",
    ],
)
def test_a_reading_does_not_go_on_at_another_host(elsewhere: str) -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        with pytest.raises(ForeignAddress, match="read the school again"):
            await read(connector(server), resume_from=elsewhere.format(port=server.port))
        assert not server.requests

    run(scenario)


@pytest.mark.parametrize(
    ("today", "weekdays", "since", "first", "count"),
    [
        (date(2025, 7, 18), 5, None, date(2025, 7, 14), 1),
        (date(2025, 7, 18), 6, None, date(2025, 7, 7), 2),
        (date(2025, 7, 19), 5, None, date(2025, 7, 14), 1),  # a Saturday
        (date(2025, 7, 14), 1, None, date(2025, 7, 14), 1),
        (date(2025, 7, 14), 2, None, date(2025, 7, 7), 2),
        (date(2025, 7, 18), 1, date(2025, 6, 4), date(2025, 6, 2), 7),  # the platform was down for weeks
        (date(2025, 9, 3), 15, None, date(2025, 8, 11), 4),
        (date(2025, 9, 3), 15, date(2024, 9, 3), date(2025, 7, 28), 6),  # no further than the year's August
    ],
)
def test_weeks(today: date, weekdays: int, since: date | None, first: date, count: int) -> None:
    found = windows.weeks(today, weekdays, since)
    assert (found[0][0], len(found)) == (first, count)
    assert all(start.weekday() == 0 and end.weekday() == 4 for start, end in found)
    assert found[-1][0] <= today


@pytest.mark.parametrize(
    ("today", "first", "last", "count"),
    [
        (date(2025, 9, 1), date(2025, 8, 1), date(2025, 9, 30), 2),
        (date(2025, 8, 31), date(2024, 8, 1), date(2025, 8, 31), 13),
        (date(2024, 2, 29), date(2023, 8, 1), date(2024, 2, 29), 7),
    ],
)
def test_months(today: date, first: date, last: date, count: int) -> None:
    found = windows.months(today)
    assert (found[0][0], found[-1][1], len(found)) == (first, last, count)
    assert all(start.day == 1 for start, _ in found)


# --- results ---------------------------------------------------------------------------------------------------------


def test_results_are_asked_by_result_set_and_then_by_aspect_for_those_without_one() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        aspects = [{"Id": str(number)} for number in range(1, 151)]
        structure = {"Aspects": [*aspects, {"Name": "no key"}], "ResultSets": [{"Id": "31"}, {"Id": 32}]}
        server.answer(f"School/{ESTAB}/assessmentstructure/", Reply(json.dumps({**structure, "meta": []}).encode()))
        results = f"School/{ESTAB}/assessmentresults/"
        server.answer_by(
            results,
            lambda request: page(
                "AsmResults",
                {"Id": request.query.get("ResultSets", request.query.get("Aspects", ""))[:6]},
                number=int(request.query.get("page", "1")),
                count=2 if "ResultSets" in request.query else 1,
            ),
        )
        whole = await read(connector(server), stream(Category.ASSESSMENT, "results"))
        asked = [request.query for request in server.asked(results)]
        assert [(query.get("ResultSets"), query.get("page")) for query in asked[:2]] == [
            ("31,32", None),
            ("31,32", "2"),
        ]
        asked_alone = [query["Aspects"].split(",") for query in asked[2:]]
        assert [len(some) for some in asked_alone] == [100, 50]
        assert [key for some in asked_alone for key in some] == [f"{number}|" for number in range(1, 151)]
        for held in range(1, 4):
            url = whole[held - 1].next_url
            again = await read(
                connector(server), stream(Category.ASSESSMENT, "results"), resume_from=url, first_number=held + 1
            )
            assert again == whole[held:]

    run(scenario)


def test_a_school_without_any_structure_has_no_results() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(f"School/{ESTAB}/assessmentstructure/", Reply(b'{"Aspects":[],"ResultSets":[],"meta":[]}'))
        assert await read(connector(server), stream(Category.ASSESSMENT, "results")) == []

    run(scenario)


# --- schools and scopes ----------------------------------------------------------------------------------------------


def _info(**fields: Any) -> Reply:
    info = {"Id": "1", "Name": "Northmoor High", "Phase": "Secondary", "EstabId": "9999999", **fields}
    return Reply(json.dumps({"SchoolInfo": [info], "meta": given.meta()}).encode())


def test_every_school_whose_secret_is_held_once_with_the_state_its_secret_has() -> None:
    estabs = tuple(f"823400{number}" for number in range(1, 8))

    async def scenario(server: FaultyPartner) -> None:
        exchange = Exchange(server)
        exchange.refuses = {
            "8234002": exception("Authorisation is paused"),
            "8234003": exception("Relying Party not found for estab or secret not correct"),
            "8234004": exception("Something went wrong"),
        }
        server.answer("School/8234001/SchoolInfo", _info())
        server.answer("School/8234005/SchoolInfo", exception("Scope School is not authorised"))
        server.answer("School/8234006/SchoolInfo", exception("The token has expired"))
        server.answer("School/8234007/SchoolInfo", exception("The connection of this school is offline"))
        async with connector(server, estabs=(*estabs, "8234001")) as partner:
            found = await partner.schools()
        assert [(one.partner_school_id, one.state) for one in found] == [
            ("8234001", "approved"),
            ("8234002", "pending"),
            ("8234003", "revoked"),
            ("8234004", "offline"),
            ("8234005", "approved"),
            ("8234006", "revoked"),
            ("8234007", "offline"),
        ]
        # The data may stand under another number than the one that was asked for.
        assert found[0] == School(
            "groupcall",
            "8234001",
            "Northmoor High",
            None,
            "823",
            "4001",
            "Secondary",
            "simsnet",
            "Europe/London",
            "approved",
        )
        assert found[4] == replace(
            found[0],
            partner_school_id="8234005",
            establishment_number="4005",
            name="School 8234005",
            phase=None,
            mis=None,
        )

    run(scenario)


def test_a_partner_that_answers_for_no_school_is_an_error_and_no_list_of_offline_schools() -> None:
    async def scenario(server: FaultyPartner) -> None:
        server.answer(TOKEN, Reply(status=503))
        async with connector(server, estabs=("8234001", "8234002"), limits={"max_attempts": 2}) as partner:
            with pytest.raises(PartnerUnavailable):
                await partner.schools()

    run(scenario)


def test_a_school_whose_connector_is_off_is_offline_even_if_it_is_the_only_one() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer(f"School/{ESTAB}/SchoolInfo", exception("The connection of this school is offline"))
        async with connector(server, limits={"max_attempts": 2}) as partner:
            assert [one.state for one in await partner.schools()] == ["offline"]

    run(scenario)


def test_a_school_that_approved_since_is_in_the_next_list() -> None:
    held = [secret("8234001")]

    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer("School/8234001/SchoolInfo", _info())
        server.answer("School/8234002/SchoolInfo", _info())
        config = GroupcallConfig(server.url, server.url.replace("/api/v1/", TOKEN), "app", lambda: held)
        async with GroupcallPartner(config) as partner:
            assert len(await partner.schools()) == 1
            held.append(secret("8234002"))
            assert [one.state for one in await partner.schools()] == ["approved", "approved"]

    run(scenario)


def test_scopes_are_those_we_ask_for_against_those_of_the_token() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        granted = ["Attendance", "School", "Student", "StudentExtended", "SomethingElse"]
        server.answer("TokenDetails", Reply(json.dumps({"Estab": ESTAB, "Scopes": granted}).encode()))
        async with connector(server) as partner:
            found = await partner.scopes(school())
        assert tuple(scope.name for scope in found) == scopes.NAMES
        assert {scope.name for scope in found if scope.granted} == {
            "Attendance",
            "School",
            "Student",
            "StudentExtended",
        }

    run(scenario)


@pytest.mark.parametrize("reply", [Reply(b'{"Scopes":null}'), Reply(b'{"Scopes":"School"}'), Reply(b"[]")])
def test_details_without_scopes_are_not_taken_for_none_granted(reply: Reply) -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        server.answer("TokenDetails", reply)
        async with connector(server, limits={"max_attempts": 2}) as partner:
            with pytest.raises(MalformedPage):
                await partner.scopes(school())

    run(scenario)


# --- configuration, event loops --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"base_url": "xporter.example/api/v1/"}, "base_url"),
        ({"base_url": "https://xporter.example/api/v1"}, "base_url"),
        ({"token_url": "ftp://xporter.example/GetToken"}, "token_url"),
        ({"relying_party": ""}, "relying_party"),
        ({"page_size": 0}, "page_size"),
        ({"amendment_days": 0}, "amendment_days"),
    ],
)
def test_a_configuration_that_cannot_be_right_is_refused_early(fields: dict[str, Any], said: str) -> None:
    right: dict[str, Any] = {
        "base_url": "https://xporter.example/api/v1/",
        "token_url": "https://xporter.example/api/oauth/GetToken",
        "relying_party": "app.example.org",
        "schools": list,
    }
    GroupcallConfig(**right)
    with pytest.raises(ValueError, match=said):
        GroupcallConfig(**{**right, **fields})


def test_serves_one_event_loop_after_another_but_not_two_at_once() -> None:
    partner: GroupcallPartner | None = None

    async def once(server: FaultyPartner) -> None:
        nonlocal partner
        partner = partner or connector(server)
        async with partner:
            with pytest.raises(RuntimeError, match="in use"):
                await partner.__aenter__()

    run(once)
    run(once)


def test_says_how_it_is_used_when_used_outside_its_block() -> None:
    async def scenario(server: FaultyPartner) -> None:
        with pytest.raises(RuntimeError, match="async with"):
            await connector(server).scopes(school())

    run(scenario)


def test_requests_at_once_are_limited_for_each_school() -> None:
    async def scenario(server: FaultyPartner) -> None:
        Exchange(server)
        estabs = ("8234001", "8234002", "8234003")
        for estab in estabs:
            server.answer(f"School/{estab}/Students", page())
        async with connector(server, estabs=estabs, limits={"concurrency": 50, "school_concurrency": 2}) as partner:

            async def one(estab: str) -> None:
                async for _ in partner.pages(school(estab), stream(), updated_after=None):
                    pass

            for estab in estabs:
                await one(estab)  # each has its token
            server.most_in_flight = 0
            server.hold_back(6)
            readers = asyncio.gather(*(one(estab) for estab in estabs for _ in range(6)))
            await server.gathered()
            for _ in range(200):  # time for a request too many to arrive
                await asyncio.sleep(0)
            server.let_go()
            await readers
        assert server.most_in_flight == 6

    run(scenario)
