"""Addresses that keep the query of the page they stand on."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import QueryParams


def query_without(query: QueryParams, *names: str, **added: object) -> str:
    """Return a query without these parameters, and with others at its end."""
    kept = [(name, value) for name, value in query.multi_items() if name not in names]
    return urlencode([*kept, *added.items()])
