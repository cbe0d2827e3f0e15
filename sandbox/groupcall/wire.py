"""Pieces of the wire format: exception bodies, local times, row hashes, query parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from hashlib import sha1
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

Row = dict[str, Any]
#: Named result sets, the one that is paged first.
Sets = dict[str, list[Row]]

encode = msgspec.json.Encoder().encode
LONDON = ZoneInfo("Europe/London")


class XodError(Exception):
    """A failure: an exception body under HTTP 200 unless another status is given (source_apis.md 2.2)."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.message, self.status = message, status


#: The four fields that come with every answer about tokens and scopes.
NO_EXCEPTION: Row = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}


def exception_body(message: str) -> Row:
    """The body of a failure."""
    return NO_EXCEPTION | {"ExceptionMessage": message}


def local(seconds: float) -> str:
    """An instant in London's local time, without a zone."""
    return f"{datetime.fromtimestamp(seconds, LONDON):%Y-%m-%dT%H:%M:%S}"


def moment(seconds: int) -> float:
    """When the partner noticed a change made at ``seconds``: some milliseconds later, seconds UTC."""
    return seconds + seconds // 60 * 7919 % 1000 / 1000


def last_updated(seconds: int) -> str:
    """``LastUpdated``: local time with up to three decimals, none if they are zero."""
    decimals = f"{round((moment(seconds) - seconds) * 1000):03d}".rstrip("0")
    return local(seconds) + (f".{decimals}" if decimals else "")


def stamped(row: Row, updated: int | None = None) -> Row:
    """A row with ``LastUpdated`` (from seconds UTC) and ``RowHash``, 40 hex digits of all that stands before them."""
    digest = sha1(encode(row), usedforsecurity=False).hexdigest().upper()
    if updated is not None:
        row["LastUpdated"] = last_updated(updated)
    row["RowHash"] = digest
    return row


def day_text(day: date | None) -> str | None:
    """A plain date."""
    return day.isoformat() if day else None


@dataclass(frozen=True)
class Request:
    """What a request for data asks for. ``identifier`` is what follows the endpoint's name in the path.

    Names of parameters and options are taken whatever their case (inferred: the service is a .NET one).
    """

    identifier: str
    parameters: Mapping[str, str]

    @cached_property
    def options(self) -> frozenset[str]:
        """The switches, in lower case."""
        return frozenset(filter(None, (part.strip().lower() for part in self.text("options", "").split(","))))

    def option(self, name: str) -> bool:
        """Whether a switch is on."""
        return name.lower() in self.options

    def text(self, name: str, default: str = "") -> str:
        """A parameter, ``default`` when it is not there."""
        return self.parameters.get(name.lower(), default)

    def given(self, name: str) -> bool:
        """Whether a parameter is there and not empty."""
        return bool(self.text(name))

    def listed(self, name: str) -> list[str]:
        """A comma list."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def number(self, name: str, default: int) -> int:
        """A whole number from 1 on.

        Raises XodError if it is something else.
        """
        value = self.text(name, str(default))
        if not value.isdigit() or int(value) < 1:
            raise XodError(f"{name} must be a whole number from 1 on, not '{value}'")
        return int(value)

    def day(self, name: str) -> date | None:
        """A date, or the day of a time.

        Raises XodError if it is neither.
        """
        return self._parsed(name).date() if self.given(name) else None

    def required_day(self, name: str) -> date:
        """A date that has to be there.

        Raises XodError if it is not, or is no date.
        """
        day = self.day(name)
        if day is None:
            raise XodError(f"The parameter {name} is mandatory")
        return day

    @cached_property
    def since(self) -> float | None:
        """``updatedSince``, a local time, as seconds UTC.

        Raises XodError if it is no time.
        """
        return self._parsed("updatedSince").replace(tzinfo=LONDON).timestamp() if self.given("updatedSince") else None

    def is_news(self, seconds: int) -> bool:
        """Whether something changed at ``seconds`` is later than ``updatedSince``."""
        return self.since is None or moment(seconds) > self.since

    def _parsed(self, name: str) -> datetime:
        try:
            return datetime.fromisoformat(self.text(name)).replace(tzinfo=None)
        except ValueError:
            raise XodError(f"{name} must be a date or a time, not '{self.text(name)}'") from None
