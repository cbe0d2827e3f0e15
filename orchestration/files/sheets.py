"""Tables of strangers, as CSV or XLSX, and tables for people: read within limits, executed never, written guarded.

A file is read whole or not at all. What is written is guarded, so that a spreadsheet takes no name for a formula; what
is read is unguarded again.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import Any

from orchestration.files.faults import FileError, FileFault, Rule

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DELIMITERS = (",", ";", "\t")
_LARGEST_FILE = 10_000_000
_LARGEST_UNPACKED = 100_000_000
_MOST_PARTS = 1_000
_MOST_ROWS = 100_000
_LISTS = "Lists"
_FEWER = "Send a year group or subject at a time."

#: Number of a line of the file, and its cells without spaces around them.
Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What cells of a column may hold, for a spreadsheet to offer."""

    column: str
    values: tuple[str, ...]


def read_lines(path: Path, *, sheet: str, columns: Sequence[str]) -> list[Line]:
    """The heading and the lines below it that are not empty.

    ``columns`` are the names that a heading may have: they tell by what a CSV separates its cells (comma, semicolon or
    tab), and how wide a sheet is read. A date in a workbook is written 2025-07-08, a number as by hand.

    Raises FileError when the file is too large, no CSV in UTF-8 or XLSX, has formulas, or no sheet of that name beside
    others.
    """
    kind = path.suffix.casefold()
    if kind not in (".csv", ".xlsx"):
        raise _refused(
            path, Rule.FILE_TYPE, "It is neither .csv nor .xlsx.", "Such files are .csv or .xlsx: save it so."
        )
    if path.stat().st_size > _LARGEST_FILE:
        raise _refused(path, Rule.FILE_SIZE, f"It has more than {_LARGEST_FILE // 1_000_000} MB.", _FEWER)
    lines = _csv_lines(path, columns) if kind == ".csv" else _xlsx_lines(path, sheet, columns)
    found = [*lines[:1], *((number, cells) for number, cells in lines[1:] if any(cells))]
    if len(found) > _MOST_ROWS + 1:
        raise _refused(path, Rule.FILE_SIZE, f"It has more than {_MOST_ROWS} rows.", _FEWER)
    return found


def check_widths(path: Path, lines: Sequence[Line]) -> None:
    """Raise FileError when a line has more or fewer cells than the heading."""
    width = len(lines[0][1]) if lines else 0
    wrong = [
        FileFault(
            number,
            "row",
            f"It has {len(cells)} cells, the heading {width}.",
            Rule.FILE_CELLS,
            "Look for a separator too many or too few; a text with one in it needs quotes.",
        )
        for number, cells in lines[1:]
        if len(cells) != width
    ]
    if wrong:
        raise FileError(path.name, wrong)


def write_csv(path: Path, lines: Sequence[Sequence[str]]) -> None:
    """Write a table as CSV, with the mark by which Excel knows UTF-8."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([_guarded(text) for text in cells] for cells in lines)


def write_xlsx(
    path: Path,
    sheet: str,
    lines: Sequence[Sequence[str]],
    *,
    notes: Sequence[Sequence[str]] = (),
    choices: Sequence[Choice] = (),
) -> None:
    """Write a table, its heading first, as a workbook; with a sheet of notes, and lists of what cells may hold.

    All cells are text: a spreadsheet would make a date of 5-4 and a number of 05.
    """
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    table = book.create_sheet(sheet)
    table.freeze_panes = "A2"
    if choices:
        _offer(table, lines[0], choices)
    _fill(table, lines)
    if notes:
        _fill(book.create_sheet("Notes"), notes)
    if choices:
        _fill(book.create_sheet(_LISTS), _columns([(choice.column, *choice.values) for choice in choices]))
    book.save(path)


def _fill(sheet: Any, lines: Sequence[Sequence[str]]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    for number, cells in enumerate(lines):
        row = []
        for text in cells:
            cell = WriteOnlyCell(sheet, value=_guarded(text))
            cell.number_format = "@"
            if number == 0:
                cell.font = Font(bold=True)
            row.append(cell)
        sheet.append(row)


def _offer(table: Any, heading: Sequence[str], choices: Sequence[Choice]) -> None:
    """Offer lists that stand on a sheet of their own, for one in the rule may have no more than 255 characters."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for place, choice in enumerate(choices, 1):
        letter = get_column_letter(place)
        values = f"{_LISTS}!${letter}$2:${letter}${len(choice.values) + 1}"
        rule = DataValidation(type="list", formula1=values, allow_blank=True)
        at = get_column_letter(heading.index(choice.column) + 1)
        rule.add(f"{at}2:{at}{_MOST_ROWS + 1}")
        table.data_validations.append(rule)


def _columns(lists: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Lists side by side, as lines."""
    return list(zip_longest(*lists, fillvalue=""))


def _csv_lines(path: Path, columns: Sequence[str]) -> list[Line]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(
            path,
            Rule.FILE_ENCODING,
            "It is not UTF-8, probably Windows-1252.",
            "Save it as 'CSV UTF-8', or as XLSX: names with accents would be spoilt.",
            line,
        ) from None
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text, columns), strict=True)
    lines = []
    try:
        for cells in reader:
            lines.append((reader.line_num, [_cell(cell) for cell in cells]))
    except csv.Error as error:
        raise _refused(
            path, Rule.FILE_TYPE, f"It is no CSV: {error}.", "Save it as CSV anew.", reader.line_num
        ) from None
    return lines


def _delimiter(text: str, columns: Sequence[str]) -> str:
    """What separates the heading into most of the names it may have; a comma when nothing does."""
    heading = text.partition("\n")[0].strip().casefold()
    known = {column.casefold() for column in columns}
    return max(_DELIMITERS, key=lambda mark: sum(name.strip(' "') in known for name in heading.split(mark)))


def _xlsx_lines(path: Path, sheet: str, columns: Sequence[str]) -> list[Line]:
    import openpyxl

    _check_package(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, keep_links=False)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise _refused(
            path, Rule.FILE_TYPE, f"It is no workbook that can be read ({error}).", "Save it as XLSX anew."
        ) from None
    try:
        names = book.sheetnames
        if sheet not in names and len(names) != 1:
            raise _refused(path, Rule.FILE_TYPE, f"It has no sheet {sheet!r}.", "Name the sheet so.")
        return list(_sheet_lines(path, book[sheet] if sheet in names else book[names[0]], len(columns)))
    finally:
        book.close()


def _sheet_lines(path: Path, sheet: Any, width: int) -> Iterator[Line]:
    formulas: list[FileFault] = []
    heading: list[str] = []
    # A sheet may claim a million rows; those beyond what is taken are not read. One column more shows an added one.
    for line, row in enumerate(sheet.iter_rows(max_row=_MOST_ROWS + 2, max_col=width + 1), 1):
        cells = [_cell(cell.value) for cell in row]
        if not heading:
            while cells and not cells[-1]:
                cells.pop()
            heading = cells or [""]
        formulas += [
            FileFault(
                line,
                heading[place] if line > 1 and place < len(heading) else "heading",
                "It holds a formula.",
                Rule.FILE_FORMULA,
                "Replace it by its value.",
            )
            for place, cell in enumerate(row)
            if cell.data_type == "f"
        ]
        extra = [cell for cell in cells[len(heading) :] if cell]
        yield line, cells[: len(heading)] + extra
    if formulas:
        raise FileError(path.name, formulas)


def _check_package(path: Path) -> None:
    """Refuse a workbook that unpacks to more than it should, or that declares entities of its own."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
                raise _refused(
                    path, Rule.FILE_SIZE, "It unpacks to more than such a file can have.", "Save the sheet alone."
                )
            for part in parts:
                # No more is unpacked than was declared: zipfile stops there and finds the checksum wrong.
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in package.read(part):
                    raise _refused(
                        path, Rule.FILE_DTD, "It declares a document type, which no workbook needs.", "Save it anew."
                    )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _refused(path, Rule.FILE_TYPE, f"It is no workbook ({error}).", "Save it as XLSX.") from None


def _cell(value: object) -> str:
    """Text of a cell; numbers as they are written by hand, days as 2025-07-08."""
    match value:
        case None:
            return ""
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
    text = str(value).strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _refused(path: Path, rule: Rule, message: str, what_to_do: str, line: int = 1) -> FileError:
    return FileError(path.name, [FileFault(line, "file", message, rule, what_to_do)])
