"""Faults on demand: what can be asked for, and what is in force.

Only ``unicode`` changes the truth: names become others, for both partners and for every ``truth`` call. All the others
damage answers on their way out, and what ``truth`` tells stays as it was.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec


class _Kind(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind"):
    """One fault, as POSTed to ``/_sandbox/faults``; its tag is its ``kind``."""


# -- the connection: hits the next ``times`` requests whose path begins with ``path`` ----------------------------------


class Connection(_Kind):
    """A fault that is used up. ``path`` is what a request's path begins with: below ``/v1.0/`` for Wonde, below
    ``/api/v1/`` or, for tokens, below ``/`` for Groupcall."""

    path: str = ""
    times: int = 1


class Status(Connection, tag="status"):
    """Answers ``status``, with ``retry_after`` as its header if given."""

    status: int = 503
    retry_after: str | None = None


class Hang(Connection, tag="hang"):
    """Says nothing for ``seconds``, then answers."""

    seconds: float = 3600.0


class HangUp(Connection, tag="hang_up"):
    """Closes the connection in the middle of the body."""


class Truncate(Connection, tag="truncate"):
    """Sends half of the body under a length that fits the half."""


class Reset(Connection, tag="reset"):
    """Resets the connection (TCP RST): before anything is sent, or ``after`` so many bytes of the body."""

    after: int | None = None


class Drip(Connection, tag="drip"):
    """Sends the whole body ``bytes`` at a time with ``seconds`` between."""

    bytes: int = 64
    seconds: float = 0.1


class InvalidJson(Connection, tag="invalid_json"):
    """Sends a complete body that is no JSON: the last bracket is preceded by a comma."""


class ContentType(Connection, tag="content_type"):
    """Answers 200 with an HTML page, as a proxy or a maintenance page would."""


class Empty(Connection, tag="empty"):
    """Answers 200 with no body at all."""


class GroupcallException(Connection, tag="exception"):
    """Answers 200 with Groupcall's exception body and ``message``."""

    message: str = "Something went wrong"


# -- pages -------------------------------------------------------------------------------------------------------------


class RepeatPage(Connection, tag="repeat_page"):
    """Sends the whole answer of the page before again; hits requests for pages after the first only."""


class SkipPage(Connection, tag="skip_page"):
    """Sends the whole answer of the page after; hits requests for pages before the last only."""


class Shift(_Kind, tag="shift"):
    """Lets ``rows`` rows appear in front (negative: disappear) once the first page has been read, so that later page
    boundaries move; lasts until cleared. Cursors of marks do not move."""

    path: str = ""
    rows: int = 1


class ClockSkew(_Kind, tag="clock_skew"):
    """Puts the ``Date`` header and Groupcall's ``DateTime`` off by ``seconds``; lasts until cleared."""

    seconds: int


# -- rows: last until cleared ------------------------------------------------------------------------------------------


class RowFault(_Kind):
    """A fault of the ``rows`` of one ``endpoint`` of one ``school`` (Wonde's id), whatever the filters.

    Rows are named by place: in the unfiltered list for Wonde, in the first set that the request's options give for
    Groupcall. None named means all of them. Endpoints are written as in the partner's paths (``students``,
    ``Students``); fields of nested objects with dots.
    """

    school: str
    endpoint: str
    rows: list[int] = []


class Corrupt(RowFault, tag="corrupt"):
    """Puts ``value`` in ``field``."""

    field: str = ""
    value: Any = None


class Drop(RowFault, tag="drop"):
    """Leaves out ``share`` of all rows, always the same ones."""

    share: float = 0.5


class Duplicate(RowFault, tag="duplicate"):
    """Sends rows twice."""


class DuplicateIds(RowFault, tag="duplicate_ids"):
    """Gives the named rows, the first two if none is, the id of the first of them."""

    rows: list[int] = msgspec.field(default_factory=lambda: [0, 1])


class Nulls(RowFault, tag="nulls"):
    """Makes ``field`` null, or without one everything but the id."""

    field: str = ""


class AbsurdDates(RowFault, tag="absurd_dates"):
    """Puts the year 0001, the year 9999 or 30 February 2013 in the date ``field``, or without one in every date of the
    row."""

    field: str = ""


class Huge(RowFault, tag="huge"):
    """Makes the text ``field`` of the named rows, the first if none is, ``bytes`` long."""

    field: str = ""
    bytes: int = 10_000_000
    rows: list[int] = msgspec.field(default_factory=lambda: [0])


class ControlCharacters(RowFault, tag="control_characters"):
    """Puts NUL, bell, escape, backspace, a line break and a lone tab into the text ``field``."""

    field: str = ""


class Unicode(_Kind, tag="unicode"):
    """Gives pupils and staff of a ``school`` names that are hard to handle: right to left, combining, emoji, SQL. Part
    of the truth for as long as it is in force, as if it had always been so."""

    school: str


Fault = (
    Status
    | Hang
    | HangUp
    | Truncate
    | Reset
    | Drip
    | InvalidJson
    | ContentType
    | Empty
    | GroupcallException
    | RepeatPage
    | SkipPage
    | Shift
    | ClockSkew
    | Corrupt
    | Drop
    | Duplicate
    | DuplicateIds
    | Nulls
    | AbsurdDates
    | Huge
    | ControlCharacters
    | Unicode
)
_PAGES = (RepeatPage, SkipPage)
_F = TypeVar("_F")


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    faults: list[Fault] = []


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def replace(self, body: bytes) -> int:
        """Put the faults of a JSON body ``{"faults": [...]}`` in force instead of those before; returns their number.

        Raises msgspec.ValidationError for a body of another shape.
        """
        self._active = msgspec.json.decode(body or b"{}", type=_Body).faults
        return len(self._active)

    def in_force(self) -> list[Fault]:
        """The faults in force; of those that are used up, ``times`` is how many requests may still meet them."""
        return self._active

    def connection(self, path: str) -> Connection | None:
        """The connection fault that a request runs into, used up by one."""
        for fault in self._of(Connection):
            if not isinstance(fault, _PAGES) and fault.times > 0 and path.startswith(fault.path):
                fault.times -= 1
                return fault
        return None

    def turn(self, path: str, *, has_before: bool, has_after: bool) -> int:
        """How many pages further than the one asked for is served: -1, 0 or 1. A fault is used up by one."""
        for kind, possible, step in ((RepeatPage, has_before, -1), (SkipPage, has_after, 1)):
            for fault in self._of(kind):
                if possible and fault.times > 0 and path.startswith(fault.path):
                    fault.times -= 1
                    return step
        return 0

    def shift(self, path: str) -> int:
        """How many rows have appeared in front of a list since its first page."""
        return sum(fault.rows for fault in self._of(Shift) if path.startswith(fault.path))

    @property
    def skew(self) -> int:
        """By how many seconds the server's clock is off."""
        return sum(fault.seconds for fault in self._of(ClockSkew))

    def rows(self, school: str, endpoint: str) -> list[RowFault]:
        """Row faults of an endpoint."""
        return [fault for fault in self._of(RowFault) if (fault.school, fault.endpoint) == (school, endpoint)]

    @property
    def oddly_named(self) -> frozenset[str]:
        """Ids of the schools whose people have names that are hard to handle."""
        return frozenset(fault.school for fault in self._of(Unicode))

    def _of(self, kind: type[_F]) -> list[_F]:
        return [fault for fault in self._active if isinstance(fault, kind)]
