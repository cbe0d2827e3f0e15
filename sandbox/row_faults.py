"""What row faults make of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from sandbox.faults import (
    AbsurdDates,
    ControlCharacters,
    Corrupt,
    Drop,
    Duplicate,
    DuplicateIds,
    Huge,
    Nulls,
    RowFault,
)

ABSURD_DATES = ("0001-01-01", "9999-12-31", "2013-02-30")
CONTROL_CHARACTERS = "\x00\x07\x1b\b\r\n\t"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def places_named(faults: Sequence[RowFault]) -> set[int]:
    """Places that faults mention; ``apply`` wants to know the ids there."""
    return {place for fault in faults for place in fault.rows}


def apply(
    faults: Sequence[RowFault], rows: Sequence[bytes], named: Mapping[int, str], identifier: str = "id"
) -> list[bytes]:
    """Rows as they leave the server. ``named`` gives the id of the row in each place that the faults mention,
    ``identifier`` the key that ids are under."""
    found: list[bytes] = []
    for raw in rows:
        row: dict[str, Any] = msgspec.json.decode(raw)
        own, copies = str(row.get(identifier)), 1
        for fault in faults:
            if isinstance(fault, Drop):
                copies = 0 if _fraction(own) < fault.share else copies
            elif not fault.rows or own in {named.get(place) for place in fault.rows}:
                if isinstance(fault, Duplicate):
                    copies *= 2
                else:
                    _damage(row, fault, named, identifier)
        found += [msgspec.json.encode(row)] * copies
    return found


def _damage(row: dict[str, Any], fault: RowFault, named: Mapping[int, str], identifier: str) -> None:
    own = str(row.get(identifier))
    match fault:
        case Corrupt():
            _change(row, fault.field, lambda value: fault.value)
        case Nulls(field=""):
            row.update({name: None for name in row if name != identifier})
        case Nulls():
            _change(row, fault.field, lambda value: None)
        case AbsurdDates():
            absurd = ABSURD_DATES[int(_fraction(own) * len(ABSURD_DATES))]
            if fault.field:
                _change(row, fault.field, lambda value: _dated(value, absurd))
            else:
                row.update(_dated(row, absurd))
        case Huge():
            _change(row, fault.field, lambda value: "x" * fault.bytes)
        case ControlCharacters():
            _change(row, fault.field, lambda value: f"{str(value)[:2]}{CONTROL_CHARACTERS}{str(value)[2:]}")
        case DuplicateIds(rows=[first, *_]) if first in named:
            row[identifier] = named[first]


def _change(row: dict[str, Any], field: str, change: Callable[[Any], Any]) -> None:
    *path, last = field.split(".")
    for name in path:
        inner = row.get(name)
        if not isinstance(inner, dict):
            return
        row = inner
    row[last] = change(row.get(last))


def _dated(value: Any, absurd: str) -> Any:
    """The same value with another day in every date, whether it is a text or a date object."""
    if isinstance(value, dict):
        return {name: _dated(inner, absurd) for name, inner in value.items()}
    if isinstance(value, list):
        return [_dated(inner, absurd) for inner in value]
    return absurd + value[10:] if isinstance(value, str) and _DATE.match(value) else value


def _fraction(name: str) -> float:
    """A number from 0 to 1 that belongs to an id."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest()) / 2**32
