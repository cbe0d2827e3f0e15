"""A long list, some of its rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from reports.addresses import query_without
from reports.database import Row

_SIZE = 50


@dataclass(frozen=True, slots=True)
class Paged:
    """The rows of one page of a list: which of how many pages it is, how many rows there are on all of them, and the
    query of the address without the number of the page.
    """

    rows: Sequence[Row]
    found: int
    number: int
    last: int
    query: str


def paged(rows: Sequence[Row], query: QueryParams) -> Paged:
    """Return the page that ``page`` in the query asks for: the nearest there is, and the first without a number."""
    last = max(1, -(-len(rows) // _SIZE))
    wanted = query.get("page", "1")
    number = min(max(int(wanted) if wanted.isdecimal() and len(wanted) < 6 else 1, 1), last)
    shown = rows[(number - 1) * _SIZE : number * _SIZE]
    return Paged(shown, len(rows), number, last, query_without(query, "page"))
