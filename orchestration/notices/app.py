"""The address that partners deliver to: ``POST /notices/{secret}/{partner}``.

The secret in the address is the only thing by which a delivery can be told from anybody's: what partners send is
neither signed nor dated. It keeps strangers from making us ask the partner; what a notice says is verified all the
same (``handling``). An answer other than 200 lets the partner try again, which Wonde does three times.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestration.connectors.errors import PartnerError
from orchestration.notices.notice import Notice, NoticeError

_LOG = logging.getLogger(__name__)

#: Longer than any notice; a body beyond it is not read to its end.
LONGEST_BODY = 64 * 1024

Handle = Callable[[Notice], str]
Parse = Callable[[bytes], Notice | None]


def create_app(secret: str, handle: Handle, parsers: Mapping[str, Parse]) -> Starlette:
    """The application. ``parsers`` are by partner; ``handle`` is called in a thread, for one notice or several."""

    async def deliver(request: Request) -> Response:
        parse = parsers.get(request.path_params["partner"])
        if parse is None or not hmac.compare_digest(request.path_params["secret"], secret):
            return _said(404, "There is nothing here.")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_BODY:
                return _said(413, "No notice is that long.")
        try:
            notice = parse(body)
            said = await run_in_threadpool(handle, notice) if notice else "Nothing of that concerns us."
        except NoticeError as error:
            return _said(400, str(error))
        except PartnerError as error:
            _LOG.warning("A notice waits, because the partner could not be asked: %s", error)
            return _said(503, "The partner cannot be asked just now; deliver again later.")
        _LOG.info("%s", said)
        return _said(200, said)

    return Starlette(routes=[Route("/notices/{secret}/{partner}", deliver, methods=["POST"])])


def _said(status: int, what: str) -> JSONResponse:
    return JSONResponse({"message": what}, status_code=status)
