"""How refusals of target setting are answered over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from orchestration.targets.faults import Fault, TargetError

_STATUS_OF = {
    Fault.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    Fault.NO_SUCH_THING: HTTPStatus.NOT_FOUND,
    Fault.STALE_VERSION: HTTPStatus.CONFLICT,
    Fault.WRONG_STATUS: HTTPStatus.CONFLICT,
    Fault.OWN_CHANGE: HTTPStatus.CONFLICT,
    Fault.NOT_PUBLISHED: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: TargetError) -> HTTPStatus:
    """Return the status of an answer that something was refused."""
    return _STATUS_OF.get(error.fault, HTTPStatus.UNPROCESSABLE_ENTITY)
