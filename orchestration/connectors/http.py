"""HTTP to a partner: kept connections, limits on how much is asked at once, patience when it is busy.

Knows nothing of a partner's addresses or bodies. What a refusal means is the connector's business (``explain``), and so
is whether a body is whole (``read``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity import wait_random_exponential as full_jitter

from orchestration.connectors.errors import MalformedPage, PartnerError, PartnerUnavailable

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Statuses that a later attempt may turn: asked too often, and the server's own troubles.
PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a partner may be pressed, and for how long it is waited for. Times in seconds.

    ``concurrency`` and ``school_concurrency`` are requests at once, to the partner and for one school.
    ``request_timeout`` bounds one attempt from connecting to the last byte, ``deadline`` all attempts of one request
    with the waits between.
    """

    concurrency: int = 8
    school_concurrency: int = 2
    requests_per_second: float | None = None
    request_timeout: float = 30.0
    max_attempts: int = 6
    deadline: float = 900.0
    first_wait: float = 0.5
    longest_wait: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer (HTTP 200): its body, and the partner's clock if it sent one (header ``Date``, aware)."""

    body: bytes = field(repr=False)  # pupils, in any traceback that shows locals
    at: datetime | None


class Token(httpx.Auth):
    """Puts the token into the one header it belongs in, and shows it nowhere else, not even in a traceback's locals.

    ``scheme`` is the word before it: ``Bearer``, or the partner's own.
    """

    def __init__(self, scheme: str, token: str) -> None:
        self._header: Final = f"{scheme} {token}"
        self._token: Final = token

    def __repr__(self) -> str:
        return "Token(***)"

    def hidden_in(self, said: str) -> str:
        """A partner's words without the token: a partner may echo what it was sent."""
        return said.replace(self._token, "***")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See ``httpx.Auth``."""
        request.headers["Authorization"] = self._header
        yield request


class PartnerHttp:
    """Requests to one partner within one event loop: ``async with PartnerHttp(...) as http: await http.get(...)``.

    ``auth`` is what every request carries that brings none of its own. ``explain`` turns a refusal (status, where,
    body) into the error to raise. ``sleep`` and ``clock`` are the retry policy's time, so that a test need not wait.
    ``proxies``: whether the proxies named in the environment are used.
    """

    def __init__(
        self,
        auth: httpx.Auth | None,
        limits: Limits,
        explain: Callable[[int, str, bytes], PartnerError],
        *,
        proxies: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # Its debug records hold encoded header blocks, the token's among them.
        logging.getLogger("hpack").setLevel(logging.INFO)
        self._limits = limits
        self._explain = explain
        self._sleep = sleep
        self._clock = clock
        self._client = httpx.AsyncClient(
            auth=auth,
            http2=True,
            timeout=limits.request_timeout,
            limits=httpx.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency),
            headers={"Accept": "application/json"},
            trust_env=proxies,
        )
        self._partner_slots = asyncio.Semaphore(limits.concurrency)
        self._school_slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(limits.school_concurrency)
        )
        rate = limits.requests_per_second
        # One at a time, evenly spaced: a bucket of more would let a burst through at the start.
        self._pace: AsyncLimiter | nullcontext[None] = AsyncLimiter(1, 1 / rate) if rate else nullcontext()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def get(
        self, url: httpx.URL, *, school: str, read: Callable[[Answer], T], auth: httpx.Auth | None = None
    ) -> T:
        """What ``read`` makes of the answer to ``url``.

        ``school`` names the lane whose limit counts. ``read`` raises ``MalformedPage`` for a body that is not whole,
        or ``PartnerUnavailable`` where the body says so; that, a passing status and a broken connection are tried again
        with full jitter, later when the partner says ``Retry-After``. Raises ``PartnerUnavailable`` or
        ``MalformedPage`` when that did not help, what ``explain`` says when the request is refused.
        """
        own = httpx.USE_CLIENT_DEFAULT if auth is None else auth
        return await self._patiently(lambda: self._client.get(url, auth=own), url, school, read)

    async def post(self, url: httpx.URL, *, school: str, read: Callable[[Answer], T], body: Callable[[], bytes]) -> T:
        """Like ``get``, for a question that is safe to repeat: ``body`` makes the JSON that is sent.

        It is a function because what it returns may hold a secret, which no traceback's locals may show.
        """
        headers = {"Content-Type": "application/json"}
        return await self._patiently(lambda: self._client.post(url, content=body(), headers=headers), url, school, read)

    async def _patiently(
        self, send: Callable[[], Awaitable[httpx.Response]], url: httpx.URL, school: str, read: Callable[[Answer], T]
    ) -> T:
        started = self._clock()

        def give_up(state: RetryCallState) -> bool:
            if state.attempt_number >= self._limits.max_attempts:
                return True
            return self._clock() - started + state.upcoming_sleep > self._limits.deadline

        def log(state: RetryCallState) -> None:
            logger.warning(
                "%s: %s Attempt %d failed, next in %.1f s.",
                url.path,
                state.outcome and state.outcome.exception(),
                state.attempt_number,
                state.upcoming_sleep,
            )

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((PartnerUnavailable, MalformedPage)),
            wait=self._wait,
            stop=give_up,
            sleep=self._sleep,
            before_sleep=log,
            reraise=True,
        )
        return await retrying(self._attempt, send, url, school, read)

    def _wait(self, state: RetryCallState) -> float:
        jitter = full_jitter(multiplier=self._limits.first_wait, max=self._limits.longest_wait)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, PartnerUnavailable) else None
        return jitter if asked is None else asked + min(jitter, self._limits.first_wait)

    async def _attempt(
        self, send: Callable[[], Awaitable[httpx.Response]], url: httpx.URL, school: str, read: Callable[[Answer], T]
    ) -> T:
        async with self._school_slots[school], self._partner_slots, self._pace:
            response = await self._send(send, url)
        status = response.status_code
        if status == httpx.codes.OK:
            try:
                return read(Answer(response.content, _http_date(response.headers.get("Date"))))
            except MalformedPage as error:
                raise MalformedPage(
                    f"{error.args[0]} Extract again later, and ask the partner if it lasts.",
                    where=error.where or url.path,
                ) from None
        if status in PASSING:
            raise PartnerUnavailable(
                "The partner is busy or in trouble; extract again later, and ask the partner if it lasts.",
                where=url.path,
                status=status,
                retry_after=_retry_after(response.headers),
            )
        raise self._explain(status, url.path, response.content)

    async def _send(self, send: Callable[[], Awaitable[httpx.Response]], url: httpx.URL) -> httpx.Response:
        try:
            # httpx's own limit is one per read, which never ends an answer that drips.
            async with asyncio.timeout(self._limits.request_timeout):
                return await send()
        except TimeoutError:
            problem = f"no whole answer within {self._limits.request_timeout:g} s"
        except httpx.RequestError as error:
            problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        # Raised out here so that the exception does not carry httpx's, which holds the request and its headers.
        raise PartnerUnavailable(
            f"The partner could not be reached ({problem}); check the address and the network, then extract again.",
            where=url.path,
        )


def origin(url: httpx.URL) -> str:
    """Scheme, host and port, the port's default written out."""
    return f"{url.scheme}://{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def is_loopback(url: httpx.URL) -> bool:
    """Whether the address is this machine's own, which no proxy may be asked for."""
    return url.host in ("127.0.0.1", "localhost", "::1")


def _http_date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds the partner asks us to wait; a date counts from the partner's own clock. None if it does not say."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until, now = _http_date(value), _http_date(headers.get("Date"))
    return max(0.0, (until - now).total_seconds()) if until and now else None
