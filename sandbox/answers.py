"""How answers leave the server: under the simulated clock, and as broken as a test has asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sandbox import connections
from sandbox.faults import (
    Connection,
    ContentType,
    Drip,
    Empty,
    GroupcallException,
    Hang,
    HangUp,
    InvalidJson,
    Reset,
    Status,
    Truncate,
)
from sandbox.groupcall.wire import exception_body
from sandbox.site import Site

_JSON = "application/json"
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>\n"


def reply(site: Site, status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer under the simulated clock."""
    return Response(body, status, {**_date(site), **(headers or {})}, _JSON)


def _date(site: Site) -> dict[str, str]:
    at = datetime.fromtimestamp(site.clock.now + site.faults.skew, UTC)
    return {"Date": f"{at:%a, %d %b %Y %H:%M:%S} GMT"}


async def under_faults(site: Site, http: Request, path: str, respond: Callable[[], Response]) -> Response:
    """The answer of ``respond``, or what the next connection fault for ``path`` makes of it. Errors come as they are,
    whatever was to break."""
    fault = site.faults.connection(path)
    match fault:
        case None:
            return respond()
        case Status():
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            body = msgspec.json.encode({"error": "injected", "error_description": "Asked for by a test"})
            return reply(site, fault.status, body, headers)
        case Hang():
            await asyncio.sleep(fault.seconds)
            return respond()
        case Reset(after=None):
            connections.reset(http.scope)
            # Let the server notice: it then drops the answer.
            await asyncio.sleep(0)
            return Response()
        case GroupcallException():
            return reply(site, 200, msgspec.json.encode(exception_body(fault.message)))
    response = respond()
    return _broken(site, http, fault, bytes(response.body)) if response.status_code == 200 else response


def _broken(site: Site, http: Request, fault: Connection, body: bytes) -> Response:
    match fault:
        case ContentType():
            return Response(_PAGE, 200, _date(site), "text/html")
        case Drip():
            return _streamed(site, body, _drops(body, fault))
        case HangUp():
            return _streamed(site, body, _until(body, len(body) // 2, lambda: None))
        case Reset(after=int(after)):
            return _streamed(site, body, _until(body, after, lambda: connections.reset(http.scope)))
    return reply(site, 200, _other_body(fault, body))


def _other_body(fault: Connection, body: bytes) -> bytes:
    match fault:
        case Truncate():
            return body[: len(body) // 2]
        case InvalidJson():
            return body[:-1] + b"," + body[-1:]
        case Empty():
            return b""
    raise AssertionError(f"no body is made of {fault}")


def _streamed(site: Site, body: bytes, parts: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(parts, 200, {**_date(site), "Content-Length": str(len(body))}, _JSON)


async def _drops(body: bytes, fault: Drip) -> AsyncIterator[bytes]:
    for start in range(0, len(body), fault.bytes):
        if start:
            await asyncio.sleep(fault.seconds)
        yield body[start : start + fault.bytes]


async def _until(body: bytes, length: int, then: Callable[[], None]) -> AsyncIterator[bytes]:
    yield body[:length]
    then()
    raise ConnectionAbortedError("a test asked for the connection to break here")
