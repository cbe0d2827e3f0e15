"""Pages: sizes, page numbers and the links to the pages beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.wonde.wire import ApiError

#: Rows on a page when nobody asks for a number.
DEFAULT_SIZE = 50


@dataclass(frozen=True)
class Request:
    """What a handler needs of an HTTP request. ``url`` is absolute and ends before the question mark."""

    url: str
    query_string: str
    query: Mapping[str, str]

    def link(self, **changes: object) -> str:
        """The same address with some parameters changed, the others kept in their order."""
        pairs = [
            (name, value) for name, value in parse_qsl(self.query_string, keep_blank_values=True) if name not in changes
        ]
        return f"{self.url}?{urlencode([*pairs, *((name, str(value)) for name, value in changes.items())])}"

    def flag(self, name: str) -> bool | None:
        """A parameter that is true or false; None when it is not there."""
        value = self.query.get(name)
        return None if value is None else value.lower() in ("1", "true", "yes")

    def number(self, name: str, default: int) -> int:
        """A parameter that is a whole number from 1 on.

        Raises ApiError 400 if it is something else.
        """
        text = self.query.get(name, str(default))
        if not text.isdigit() or int(text) < 1:
            raise ApiError(400, "invalid_parameter", f"{name} must be a whole number from 1 on, not {text!r}")
        return int(text)

    def page_size(self, maximum: int) -> int:
        """``per_page``; a larger wish than ``maximum`` gets ``maximum``."""
        return min(self.number("per_page", DEFAULT_SIZE), maximum)

    @property
    def filters(self) -> str:
        """The parameters that decide which rows there are, in a fixed order."""
        shape = ("include", "page", "per_page", "cursor")
        return urlencode(sorted((name, value) for name, value in self.query.items() if name not in shape))

    @property
    def includes(self) -> list[str]:
        """The includes as asked for."""
        return [name for name in self.query.get("include", "").split(",") if name]


def meta(request: Request, *, size: int, page: int, following: str | None, previous: str | None) -> dict[str, Any]:
    """The ``meta`` of a list. Without ``per_page`` a single page carries no pagination."""
    found: dict[str, Any] = {}
    if "per_page" in request.query or following or previous:
        found["pagination"] = {
            "next": following,
            "previous": previous,
            "more": following is not None,
            "per_page": size,
            "current_page": page,
        }
    if request.includes:
        found["includes"] = request.includes
    return found
