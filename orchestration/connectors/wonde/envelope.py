"""A page's outside: ``{"data": [...], "meta": {"pagination": {"next": ...}}}`` (source_apis.md 1.2)."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from orchestration.connectors import json_text
from orchestration.connectors.errors import MalformedPage
from orchestration.connectors.values import Code

T = TypeVar("T")


class PageOf(msgspec.Struct, Generic[T]):
    """A page whose rows are all of one type."""

    data: list[T]


class ObjectOf(msgspec.Struct, Generic[T]):
    """The answer for a single object."""

    data: T


class Pagination(msgspec.Struct):
    """What a page says of its place. ``next`` is the address of the page after this one; None on the last page, and
    where everything fitted on one. ``current_page`` means nothing in a list that is read by cursor."""

    next: str | None = None
    current_page: Code = None


class _Meta(msgspec.Struct):
    pagination: Pagination | None = None


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_META = msgspec.json.Decoder(_Meta | None)


def pagination(body: bytes) -> Pagination:
    """What a page says of its place among the others.

    Reads the body to its end, so it is also the check that the body is whole. Raises ``MalformedPage``.
    """
    try:
        meta = _ENVELOPE.decode(body).meta
    except (msgspec.DecodeError, UnicodeDecodeError):
        meta = _read_leniently(body)[0]
    return (meta and meta.pagination) or Pagination()


def split_rows(body: bytes) -> list[bytes]:
    """The rows of a page as received, undecoded. Raises ``MalformedPage`` when the body is no page."""
    try:
        return [bytes(row) for row in _ENVELOPE.decode(body).data]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(body)[1]


def _read_leniently(body: bytes) -> tuple[_Meta | None, list[bytes]]:
    """The slow way, for a page that msgspec refuses as a whole because of one row's text."""
    try:
        page = json_text.members(body)
    except ValueError:
        raise MalformedPage("The answer is not JSON, or was cut off.") from None
    try:
        rows = json_text.elements(page.get("data", b""))
    except ValueError:
        raise MalformedPage("The answer is no page: it has no list under 'data'.") from None
    try:
        return _META.decode(page.get("meta", b"null")), rows
    except msgspec.ValidationError as error:
        raise MalformedPage(f"The answer's pagination cannot be read: {error}") from None
