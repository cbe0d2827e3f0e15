"""A page's outside: ``{"data": [...], "meta": {"pagination": {"next": ...}}}`` (source_apis.md 1.2)."""

from __future__ import annotations

import json
import re
from typing import Any, Generic, TypeVar

import msgspec

from orchestration.connectors.errors import MalformedPage

T = TypeVar("T")


class PageOf(msgspec.Struct, Generic[T]):
    """A page whose rows are all of one type."""

    data: list[T]


class ObjectOf(msgspec.Struct, Generic[T]):
    """The answer for a single object."""

    data: T


class _Pagination(msgspec.Struct):
    next: str | None = None


class _Meta(msgspec.Struct):
    pagination: _Pagination | None = None


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_LENIENT = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,:]*")


def next_url(body: bytes) -> str | None:
    """The address of the page after this one; None on the last page, and where everything fitted on one.

    Reads the body to its end, so it is also the check that the body is whole. Raises ``MalformedPage``.
    """
    try:
        meta = _ENVELOPE.decode(body).meta
    except (msgspec.DecodeError, UnicodeDecodeError):
        meta = _read_leniently(body)[0]
    return (meta.pagination.next or None) if meta and meta.pagination else None


def split_rows(body: bytes) -> list[bytes]:
    """The rows of a page as received, undecoded. Raises ``MalformedPage`` when the body is no page."""
    try:
        return [bytes(row) for row in _ENVELOPE.decode(body).data]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(body)[1]


def _read_leniently(body: bytes) -> tuple[_Meta | None, list[bytes]]:
    """The slow way, for a page in which some row holds half a surrogate pair, a control character or bytes that are
    not UTF-8: msgspec then refuses the whole page, and the other rows would be lost with that one.
    """
    text = body.decode("utf-8", "surrogateescape")
    try:
        page: Any = _LENIENT.decode(text)
    except ValueError:
        raise MalformedPage("The answer is not JSON, or was cut off.") from None
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise MalformedPage("The answer is no page: it has no list under 'data'.")
    try:
        meta = msgspec.convert(page.get("meta") or None, _Meta | None)
    except msgspec.ValidationError as error:
        raise MalformedPage(f"The answer's pagination cannot be read: {error}") from None
    return meta, _slices(text)


def _slices(text: str) -> list[bytes]:
    """The elements of the list under ``data`` of a text that is known to be a page, byte for byte."""

    def skip(position: int) -> int:
        match = _BETWEEN.match(text, position)
        return match.end() if match else position

    position = skip(text.index("{") + 1)
    while True:
        key, position = _LENIENT.raw_decode(text, position)
        position = skip(position)
        if key == "data":
            break
        _, position = _LENIENT.raw_decode(text, position)
        position = skip(position)
    rows = []
    position = skip(position + 1)
    while text[position] != "]":
        _, end = _LENIENT.raw_decode(text, position)
        rows.append(text[position:end].encode("utf-8", "surrogateescape"))
        position = skip(end)
    return rows
