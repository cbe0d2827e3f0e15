"""Faults on demand: wrong status codes, broken connections, damaged, missing and repeated rows."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Literal

import msgspec


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One fault, as POSTed to ``/_sandbox/faults``.

    Connection faults hit the next ``times`` requests whose path below ``/v1.0/`` begins with ``path``: ``status``
    (with ``status`` and, if wished, ``retry_after`` as sent in the header), ``hang`` (answer nothing for
    ``seconds``), ``hang_up`` (close in the middle of the body) and ``truncate`` (a body cut short under a correct
    length).

    Row faults last until cleared and hit the rows of one ``endpoint`` of one ``school`` whatever the filters:
    ``corrupt`` puts ``value`` in ``field`` (dots for nesting) of the ``rows`` named by place in the unfiltered list
    (all rows if none is named); ``drop`` leaves out ``share`` of all rows, always the same ones; ``duplicate`` sends
    the ``rows`` twice.
    """

    kind: Literal["status", "hang", "hang_up", "truncate", "corrupt", "drop", "duplicate"]
    path: str = ""
    times: int = 1
    status: int = 503
    retry_after: str | None = None
    seconds: float = 3600.0
    school: str = ""
    endpoint: str = ""
    rows: list[int] = []
    field: str = ""
    value: Any = None
    share: float = 0.5


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    faults: list[Fault] = []


_CONNECTION = frozenset({"status", "hang", "hang_up", "truncate"})


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

    def connection(self, path: str) -> Fault | None:
        """The connection fault that a request runs into, used up by one."""
        for fault in self._active:
            if fault.kind in _CONNECTION and fault.times > 0 and path.startswith(fault.path):
                fault.times -= 1
                return fault
        return None

    def rows(self, school: str, endpoint: str) -> list[Fault]:
        """Row faults of an endpoint."""
        return [
            fault
            for fault in self._active
            if fault.kind not in _CONNECTION and (fault.school, fault.endpoint) == (school, endpoint)
        ]


def apply(faults: Sequence[Fault], rows: Sequence[bytes], named: dict[int, str], identifier: str = "id") -> list[bytes]:
    """Rows as they leave the server. ``named`` gives the id of the row in each place that the faults mention,
    ``identifier`` the key that ids are under."""
    found: list[bytes] = []
    for raw in rows:
        row: dict[str, Any] = msgspec.json.decode(raw)
        copies = 1
        for fault in faults:
            hit = not fault.rows or row[identifier] in {named.get(place) for place in fault.rows}
            if fault.kind == "drop" and _fraction(row[identifier]) < fault.share:
                copies = 0
            elif fault.kind == "duplicate" and hit:
                copies *= 2
            elif fault.kind == "corrupt" and hit:
                _put(row, fault.field.split("."), fault.value)
        found += [msgspec.json.encode(row)] * copies
    return found


def _put(row: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = row.get(name)
        if not isinstance(inner, dict):
            return
        row = inner
    row[path[-1]] = value


def _fraction(name: str) -> float:
    """A number from 0 to 1 that belongs to an id."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) / 2**32
