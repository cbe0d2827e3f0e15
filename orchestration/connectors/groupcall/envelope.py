"""An answer's outside: named result sets beside ``meta``, ``__pagination__`` and ``__changedRows__``, or an exception
(source_apis.md 2.2). Names are read in any case, because the partner's own spelling is not consistent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from orchestration.connectors import json_text
from orchestration.connectors.errors import MalformedPage
from orchestration.connectors.http import Answer
from orchestration.connectors.values import LOCAL_ZONE, BadValue, Moments, Number

T = TypeVar("T")

_NULL = msgspec.Raw(b"null")

# A key and not a value: a colon follows. Inside a JSON string a quote is escaped, so nothing in a value can match.
_KEY = re.compile(rb'"([A-Za-z_][A-Za-z0-9_]*)"(?=\s*:)')


class _Meta(msgspec.Struct):
    MIS: str | None = None
    DateTime: msgspec.Raw = _NULL


class _Pagination(msgspec.Struct):
    PageSize: Number = None
    PageNumber: Number = None
    PageCount: Number = None
    RowCount: Number = None


class _ChangedRows(msgspec.Struct):
    NextChangedRows: str | int | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """What surrounds the rows. ``fields``: everything at the top by its name in lower case, as received; null left out.

    ``as_at`` is ``meta[0].DateTime``, school-local time (London, I), aware; None where ``meta`` is empty, as on later
    pages. ``page`` and ``pages`` are None where the answer is not paged, ``total`` (rows on all pages) also where what
    is said cannot be that. ``next_changed_rows`` is what to ask with for the changes after this answer. ``exception``:
    the partner's words for what went wrong; all the rest is then absent.
    """

    fields: Mapping[str, bytes] = field(repr=False)
    mis: str | None
    as_at: datetime | None
    page: int | None
    pages: int | None
    total: int | None
    next_changed_rows: str | None
    exception: str | None = field(repr=False)  # a partner may echo what it was sent

    def rows(self, name: str) -> bytes | None:
        """The result set ``name`` as received; None where the answer has none."""
        return self.fields.get(name.lower())

    def value(self, name: str, kind: Callable[[bytes], T]) -> T | None:
        """The single value ``name``. Raises ``MalformedPage`` when it is of another kind."""
        raw = self.fields.get(name.lower())
        try:
            return None if raw is None else kind(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MalformedPage(f"{name} does not have the documented form.") from None


class Spelling:
    """Turns the keys of rows into the spelling that a record has, whatever case they come in."""

    def __init__(self, record: type[msgspec.Struct]) -> None:
        self._known = {known.encode() for known in record.__struct_encode_fields__}
        self._by_lower = {known.lower(): b'"' + known + b'"' for known in self._known}

    def __call__(self, rows: bytes) -> bytes:
        """The rows with known keys respelt; nearly always they are as documented, and returned as they are."""
        others = set(_KEY.findall(rows)) - self._known
        if not any(key.lower() in self._by_lower for key in others):
            return rows
        return _KEY.sub(lambda match: self._by_lower.get(match[1].lower(), match[0]), rows)


class Records:
    """Reads lists of one kind of record."""

    def __init__(self, record: Any) -> None:
        self._spelt = Spelling(record)
        self._list = msgspec.json.Decoder(list[record])
        self._one = msgspec.json.Decoder(record)

    def all(self, rows: bytes) -> list[Any]:
        """Every record of a list. Raises what msgspec raises."""
        return self._list.decode(self._spelt(rows))

    def one(self, row: bytes) -> Any:
        """One record. Raises what msgspec raises."""
        return self._one.decode(self._spelt(row))


_META, _PAGINATION, _CHANGED_ROWS = Records(_Meta), Records(_Pagination), Records(_ChangedRows)
_TEXT = msgspec.json.Decoder(str | None)
_AS_AT = Moments("meta.DateTime", LOCAL_ZONE)


def read(body: bytes) -> Outside:
    """Look at an answer from outside; reads it to its end, so it is also the check that it is whole.

    Raises ``MalformedPage``.
    """
    try:
        fields = {name.lower(): value for name, value in json_text.members(body).items() if value != b"null"}
    except ValueError:
        raise MalformedPage("The answer is not JSON, or was cut off.") from None
    try:
        meta: _Meta = _first(_META, fields.get("meta")) or _Meta()
        pagination: _Pagination = _first(_PAGINATION, fields.get("__pagination__")) or _Pagination()
        changed: _ChangedRows = _first(_CHANGED_ROWS, fields.get("__changedrows__")) or _ChangedRows()
        exception = _TEXT.decode(fields.get("exceptionmessage", b"null"))
        return Outside(
            fields=fields,
            mis=meta.MIS or None,
            as_at=_AS_AT[bytes(meta.DateTime)],
            page=_whole(pagination.PageNumber),
            pages=_whole(pagination.PageCount),
            total=_total(pagination),
            next_changed_rows=str(changed.NextChangedRows or "") or None,
            exception=exception or None,
        )
    except (msgspec.DecodeError, UnicodeDecodeError, BadValue, ValueError) as error:
        raise MalformedPage(f"The answer's outside does not have the documented form: {error}") from None


def of(answer: Answer) -> Outside:
    """``read`` for an answer just received; the error's traceback has no frame that holds the body."""
    try:
        return read(answer.body)
    except MalformedPage as error:
        raise error.with_traceback(None) from None


def split(rows: bytes) -> list[bytes]:
    """The rows of a result set as received. Raises ``MalformedPage`` when it is no list."""
    try:
        return json_text.elements(rows)
    except ValueError:
        raise MalformedPage("A result set of the answer is not a list.") from None


def _first(records: Records, rows: bytes | None) -> Any:
    return next(iter(records.all(rows)), None) if rows else None


def _total(pagination: _Pagination) -> int | None:
    """``RowCount`` was recorded on a single page alone, where it could as well be the rows of the page (R)."""
    size, pages, total = map(_whole, (pagination.PageSize, pagination.PageCount, pagination.RowCount))
    return total if size and pages and total is not None and (pages - 1) * size < total <= pages * size else None


def _whole(value: Number) -> int | None:
    return None if value is None else int(value)
