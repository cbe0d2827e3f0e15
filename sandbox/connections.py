"""Open TCP connections, so that one can be reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_open: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(HttpToolsProtocol):
    """Uvicorn's own, with a list of what is open by the client's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _open.pop(self.client, None)
        super().connection_lost(exc)


def reset(scope: Any) -> None:
    """Close the connection of a request (its ASGI scope) with a TCP RST."""
    transport = _open[tuple(scope["client"])]
    # Without time to linger, closing throws away what is unsent and resets.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
