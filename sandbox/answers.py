"""How answers leave the server: under the simulated clock, and as broken as a test has asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from starlette.responses import Response, StreamingResponse

from sandbox.faults import Fault
from sandbox.site import Site


def reply(site: Site, status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer under the simulated clock."""
    return Response(body, status, {"Date": _date(site.clock.now), **(headers or {})}, "application/json")


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%a, %d %b %Y %H:%M:%S} GMT"


async def under_faults(site: Site, path: str, respond: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of ``respond``, or what the next connection fault for ``path`` makes of it."""
    fault = site.faults.connection(path)
    if fault is not None and fault.kind == "status":
        headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        body = msgspec.json.encode({"error": "injected", "error_description": "Asked for by a test"})
        return reply(site, fault.status, body, headers)
    if fault is not None and fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
    response = await respond()
    if response.status_code == 200 and fault is not None and fault.kind in ("truncate", "hang_up"):
        return _broken(site, fault, bytes(response.body))
    return response


def _broken(site: Site, fault: Fault, body: bytes) -> Response:
    if fault.kind == "truncate":
        return reply(site, 200, body[: len(body) // 2])

    async def half() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionAbortedError("a test asked for the connection to break here")

    return StreamingResponse(
        half(), 200, {"Date": _date(site.clock.now), "Content-Length": str(len(body))}, "application/json"
    )
