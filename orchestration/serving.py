"""Serving an application of ours: until somebody stops it, or beside other work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from orchestration.interruptible import sigterm_interrupts


class PortTaken(RuntimeError):
    """Another program listens there, or nobody may."""


def serve_until_stopped(app: ASGIApp, host: str, port: int) -> None:
    """Serve in this thread, which is the main one, until Ctrl-C or SIGTERM."""
    # uvicorn stops in good order at either signal, and then raises it again for whoever was there before it.
    with sigterm_interrupts(), suppress(KeyboardInterrupt):
        uvicorn.Server(_configured(app, host=host, port=port)).run()


@contextmanager
def served(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve in a thread of its own during the block, which is given the port; 0 takes a free one. Raises PortTaken."""
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise PortTaken(f"Nothing can be served at {host}:{port}: {error.strerror}.") from error
    with listener:
        server = uvicorn.Server(_configured(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _configured(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    # The log of requests would hold what is secret in an address: a notice's, a sign-in link's.
    return uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)
