"""From the source rows of a page to rows of our tables, whichever partner they come from.

A page is decoded whole and typed, which is the fast way. When anything in it is refused it is done again row by row, so
that only the bad rows are set aside, each with its own bytes and the name of the field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from orchestration.connectors.base import BadRow, Row
from orchestration.connectors.values import BadValue
from orchestration.ingest.categories import CATEGORIES, Category

T = TypeVar("T")

#: Rows per table, in the making.
Output = dict[str, list[Row]]

_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, BadValue)

# The only way a NUL can stand in JSON text. PostgreSQL's text cannot hold it.
_ESCAPED_NUL = b"\\u0000"


class RowsDecoder(Generic[T]):
    """One list of source rows: how it is read, and what makes our rows of them.

    ``page`` has the rows of a whole page, typed, and ``row`` one of them; both raise what msgspec raises. ``split``
    gives a page's rows as received. ``build`` appends to the lists of ``tables`` and raises ``BadValue``; it may be
    given the same row twice.
    """

    def __init__(
        self,
        category: Category,
        tables: tuple[str, ...],
        build: Callable[[Sequence[T], Output], None],
        *,
        page: Callable[[bytes], Sequence[T]],
        row: Callable[[bytes], T],
        split: Callable[[bytes], list[bytes]],
    ) -> None:
        declared = {table.name: table for table in CATEGORIES[category].tables}
        self._columns = {name: declared[name].columns for name in tables}
        self._keys = {name: [declared[name].columns.index(column) for column in declared[name].key] for name in tables}
        self._build = build
        self._page = page
        self._row = row
        self._split = split

    def decode(self, body: bytes) -> tuple[Output, list[BadRow]]:
        """The rows of each table, and the source rows that make none."""
        try:
            return self._rows(self._page(body), check_text=_ESCAPED_NUL in body), []
        except _REFUSED:
            return self._row_by_row(body)

    def _rows(self, source: Sequence[T], *, check_text: bool) -> Output:
        output: Output = {table: [] for table in self._columns}
        self._build(source, output)
        for table, rows in output.items():
            self._check_keys(table, rows)
            if check_text:
                self._check_text(table, rows)
        return output

    def _row_by_row(self, body: bytes) -> tuple[Output, list[BadRow]]:
        output: Output = {table: [] for table in self._columns}
        bad = []
        for payload in self._split(body):
            try:
                made = self._rows([self._row(payload)], check_text=_ESCAPED_NUL in payload)
            except _REFUSED as error:
                bad.append(BadRow(next(iter(self._columns)), payload, _reason(error)))
                continue
            for table, rows in made.items():
                output[table] += rows
        return output, bad

    def _check_keys(self, table: str, rows: list[Row]) -> None:
        for position in self._keys[table]:
            if None in [row[position] for row in rows]:
                raise BadValue(self._columns[table][position], "is missing, and it identifies the row")

    def _check_text(self, table: str, rows: list[Row]) -> None:
        for row in rows:
            for column, value in zip(self._columns[table], row, strict=True):
                if isinstance(value, str) and "\0" in value:
                    raise BadValue(column, "holds a NUL character, which the warehouse cannot store")


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "the row holds bytes that are not UTF-8"
    if isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError):
        return f"the row is not proper JSON text: {error}"
    return str(error)
