"""Pieces of the wire format: envelopes, date objects, errors, includes, query parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import msgspec

#: Nested names of relations: ``{"classes": {"subject": {}}}``.
Tree = dict[str, "Tree"]
Row = dict[str, Any]

encode = msgspec.json.Encoder().encode


class ApiError(Exception):
    """An answer other than 200. The bodies of 400, 403 and 404 are as recorded, that of 401 is inferred."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.status, self.error, self.description = status, error, description


@lru_cache(maxsize=1 << 14)
def local_date(day: date | None) -> Row | None:
    """Date object of a school-local day: midnight, Europe/London. Shared between rows: not to be changed."""
    return (
        None
        if day is None
        else {"date": f"{day.isoformat()} 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
    )


def local_time(day: date, clock: str) -> Row:
    """Date object of a school-local time, ``clock`` as HH:MM:SS."""
    return {"date": f"{day.isoformat()} {clock}.000000", "timezone_type": 3, "timezone": "Europe/London"}


@lru_cache(maxsize=1 << 16)
def utc_time(seconds: int) -> Row:
    """Date object of an instant, UTC. Shared between rows: not to be changed."""
    return {
        "date": f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.000000",
        "timezone_type": 3,
        "timezone": "UTC",
    }


def nested(value: Any) -> Row:
    """A related object or list in its own envelope."""
    return {"data": value}


def parse_moment(name: str, text: str) -> int:
    """Seconds UTC of ``YYYY-MM-DD`` or ``YYYY-MM-DD HH:MM:SS``.

    Raises ApiError 400 if it is neither.
    """
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ApiError(
            400, "invalid_parameter", f"{name} must be YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, not {text!r}"
        ) from None


def parse_local(name: str, text: str) -> datetime:
    """A school-local date or time, without zone.

    Raises ApiError 400 if it is neither.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ApiError(400, "invalid_parameter", f"{name} must be a date or a time, not {text!r}") from None


def parse_includes(text: str, allowed: Tree, without: Iterable[str]) -> Tree:
    """The ``include`` parameter as a tree.

    Raises ApiError 400 ``invalid_include`` naming the first include that does not exist or that this MIS cannot supply.
    """
    missing = set(without)
    wanted: Tree = {}
    for path in filter(None, (part.strip() for part in text.split(","))):
        branch, options = wanted, allowed
        for name in path.split("."):
            if name not in options or name in missing:
                raise ApiError(400, "invalid_include", path)
            branch, options = branch.setdefault(name, {}), options[name]
    return wanted


def envelope(rows: Iterable[bytes], meta: Mapping[str, Any]) -> bytes:
    """A list answer from rows that are already JSON."""
    return b'{"data":[' + b",".join(rows) + b'],"meta":' + encode(meta) + b"}"
