"""A partner over real HTTP that misbehaves on command: each path has a script of answers, the last one repeated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

#: The partner's clock, as its Date header says it.
NOW = "Fri, 18 Jul 2025 17:30:00 GMT"

#: reset: connection aborted; cut: closed in the middle of the body; silent: never answers; drip: a byte now and then.
Fault = Literal["reset", "cut", "silent", "drip"]


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Date": NOW})
    fault: Fault | None = None


def refusal(status: int, error: str, description: str = "") -> Reply:
    return Reply(json.dumps({"error": error, "error_description": description}).encode(), status)


def page(*rows: Any, next_url: str | None = None) -> Reply:
    return Reply(json.dumps({"data": rows, "meta": {"pagination": {"next": next_url, "per_page": "200"}}}).encode())


Script = Callable[[Request], Reply]


class FaultyPartner:
    """``async with FaultyPartner() as partner``: listens on a loopback port; ``partner.url`` is its base address.

    Paths are those below ``base``; what lies elsewhere has its whole path.
    """

    def __init__(self, base: str = "/v1.0/") -> None:
        self._base = base
        self.requests: list[Request] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._crowd = 0
        self._crowded = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._scripts: dict[str, Script] = {}

    def answer(self, path: str, *replies: Reply) -> None:
        """Answer requests for ``path`` (below the base) with the replies in turn, then with the last one for ever."""
        left = list(replies)
        self._scripts[path] = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def answer_by(self, path: str, script: Script) -> None:
        self._scripts[path] = script

    def hold_back(self, crowd: int) -> None:
        """Answer nothing before ``let_go``; ``crowd`` requests at once are what ``gathered`` waits for."""
        self._crowd = crowd
        self._open.clear()

    async def gathered(self) -> None:
        await self._crowded.wait()

    def let_go(self) -> None:
        self._open.set()

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{self._base}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._reply(await self._parse(head, reader), writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _parse(self, head: bytes, reader: asyncio.StreamReader) -> Request:
        first, *lines = head.decode().strip().split("\r\n")
        target = urlsplit(first.split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(target.path.removeprefix(self._base), dict(parse_qsl(target.query)), headers, body)
        self.requests.append(request)
        return request

    async def _reply(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self._crowd and self.in_flight >= self._crowd:
            self._crowded.set()
        await self._open.wait()
        self.in_flight -= 1
        script = self._scripts.get(request.path)
        reply = script(request) if script else refusal(404, "resource_not_found")
        if reply.fault == "silent":
            await asyncio.Event().wait()
        if reply.fault == "reset":
            writer.transport.abort()
            raise ConnectionError
        headers = {**reply.headers, "Content-Length": str(len(reply.body)), "Content-Type": "application/json"}
        lines = [f"HTTP/1.1 {reply.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if reply.fault == "drip":
            for position in range(len(reply.body)):
                writer.write(reply.body[position : position + 1])
                await writer.drain()
                await asyncio.sleep(0.02)
        elif reply.fault == "cut":
            writer.write(reply.body[: len(reply.body) // 2])
            raise ConnectionError
        else:
            writer.write(reply.body)
        await writer.drain()


@dataclass
class Patience:
    """The retry policy's time: it passes only by being slept through."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now
