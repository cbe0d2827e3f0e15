"""The API over HTTP: checks the session, the request's shape and origin, opens the transaction, words refusals."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestration.targets.faults import TargetError, TargetsRefused
from reports.api.description import describe
from reports.api.models import Failure, Refusal
from reports.api.operations import BASE, OPERATIONS, Call, Operation
from reports.readers import load_reader
from reports.refusals import status_of
from reports.security import is_ours
from reports.signin import session_of
from reports.site import site_of

_log = logging.getLogger(__name__)
_LARGEST_BODY = 1_000_000


class _Refused(Exception):
    """A request that is not carried out."""

    def __init__(self, status: HTTPStatus, *errors: Refusal) -> None:
        self.status = status
        self.errors = errors


def _endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            given = await _given(request, operation)
            return _json(await run_in_threadpool(_carry_out, request, operation, given))
        except _Refused as refused:
            return _json(Failure(errors=list(refused.errors)), refused.status)
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            failed = Refusal(code="failed", message="Something went wrong here.", what_to_do="Tell the operator.")
            return _json(Failure(errors=[failed]), HTTPStatus.INTERNAL_SERVER_ERROR)

    return endpoint


async def _given(request: Request, operation: Operation) -> object:
    """What the request holds, not yet checked: its query, or its body as JSON."""
    if operation.method == "GET":
        return dict(request.query_params)
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "The body is not JSON.", "Send application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise _refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too_large",
                "The body is too large.",
                "Send fewer targets at once.",
            )
    try:
        return json.loads(body)
    except ValueError:
        raise _refused(HTTPStatus.BAD_REQUEST, "not_json", "The body is no valid JSON.", "Mend it.") from None


def _carry_out(request: Request, operation: Operation, given: object) -> BaseModel:
    """Do what is asked with the rights that the person has now; one transaction, read-only for a GET."""
    site, session = site_of(request), session_of(request)
    if session is None:
        raise _sign_in()
    form_token = site.signer.form_token(session.session_id)
    acts = operation.method == "POST"
    if acts and not is_ours(request, {"form_token": request.headers.get("x-form-token", "")}, form_token):
        raise _refused(
            HTTPStatus.FORBIDDEN,
            "not_from_here",
            "The form token is missing or another session's.",
            f"Send the one of GET {BASE}/session in the header X-Form-Token.",
        )
    try:
        asked = operation.takes.model_validate(given)
    except ValidationError as error:
        raise _Refused(HTTPStatus.UNPROCESSABLE_ENTITY, *_shape_errors(error)) from None
    with site.pool.transaction(read_only=not acts) as connection:
        reader = load_reader(connection, session.person_id)
        if reader is None:
            raise _sign_in()
        school_id = request.path_params.get("school_id", 0)
        try:
            return operation.work(Call(connection, reader.person, form_token, school_id, asked))
        except TargetError as error:
            raise _Refused(status_of(error), _refusal(error)) from None
        except TargetsRefused as refused:
            raise _Refused(
                status_of(refused.problems[0].error), *(_refusal(one.error, one.index) for one in refused.problems)
            ) from None


def _shape_errors(error: ValidationError) -> list[Refusal]:
    return [
        Refusal(
            code="bad_request",
            message=f"{'.'.join(str(part) for part in wrong['loc']) or 'request'}: {wrong['msg']}.",
            what_to_do=f"See {BASE}/openapi.json.",
            index=next((part for part in wrong["loc"] if isinstance(part, int)), None),
        )
        for wrong in error.errors(include_url=False)
    ]


def _refusal(error: TargetError, index: int | None = None) -> Refusal:
    return Refusal(code=error.fault, message=error.message, what_to_do=error.what_to_do, index=index)


def _refused(status: HTTPStatus, code: str, message: str, what_to_do: str) -> _Refused:
    return _Refused(status, Refusal(code=code, message=message, what_to_do=what_to_do))


def _sign_in() -> _Refused:
    return _refused(
        HTTPStatus.UNAUTHORIZED, "sign_in_needed", "Nobody is signed in.", "Open a sign-in link: mis reports link."
    )


def _json(model: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(model.model_dump_json(), status, media_type="application/json")


def _description(request: Request) -> Response:
    return Response(json.dumps(describe()), media_type="application/json")


ROUTES = [
    Route(f"{BASE}/openapi.json", _description),
    *(
        Route(one.path.replace("{school_id}", "{school_id:int}"), _endpoint(one), methods=[one.method])
        for one in OPERATIONS
    ),
]
