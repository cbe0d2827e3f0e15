"""Files of targets, CSV or XLSX: one layout for the template, the export and the import.

A file is somebody else's: it is read whole or not at all, within limits, and nothing in it is executed. What is written
is guarded, so that a spreadsheet takes no name or remark for a formula.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

#: The levels that the file shows, as FFT names them; a policy may use others.
LEVELS = (50, 20, 5)
COLUMNS = (
    "school",
    "academic_year",
    "upn",
    "surname",
    "forename",
    "year_group",
    "qualification",
    "subject",
    "prior_measure",
    "prior_attainment",
    *(f"estimate_{level}" for level in LEVELS),
    "present_target",
    "status",
    *(f"chance_{level}" for level in LEVELS),
    "version",
    "target",
    "rationale",
)
_SHEET = "Targets"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_LARGEST_FILE = 10_000_000
_LARGEST_UNPACKED = 100_000_000
_MOST_PARTS = 1_000
_MOST_ROWS = 100_000
_SHOWN = 20


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """What is wrong at a line of a file (the heading is line 1) in a column, and what to change."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


class FileError(ValueError):
    """A file that is no file of targets; nothing was loaded. The text names line and column, and what to change."""

    def __init__(self, name: str, problems: Sequence[FileProblem]) -> None:
        self.problems = tuple(problems)
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listed = "\n".join(str(problem) for problem in self.problems[:_SHOWN])
        super().__init__(f"{name} was not read; nothing was loaded.\n{listed}{more}")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A line of a file: every column's text, without spaces around it."""

    line: int
    cells: Mapping[str, str]


def file_row(school_id: int, academic_year: int, row: Mapping[str, Any]) -> dict[str, str]:
    """Return a row of ``sheets.sheet``, read with names, as the file shows it."""
    by_level = {int(one["challenge"]): one for one in row["estimates"] if one["challenge"] in LEVELS}
    return {
        "school": str(school_id),
        "academic_year": str(academic_year),
        "upn": row["upn"] or "",
        "surname": row["surname"] or "",
        "forename": row["forename"] or "",
        "year_group": row["nc_year"],
        "qualification": row["qualification"],
        "subject": row["subject"],
        "prior_measure": row["prior_measure"] or "",
        "prior_attainment": "" if row["prior_value"] is None else f"{Decimal(row['prior_value']).normalize():f}",
        **{f"estimate_{level}": by_level[level]["grade"] if level in by_level else "" for level in LEVELS},
        "present_target": row["grade"] or "",
        "status": row["status"] or "",
        **{f"chance_{level}": _chance(by_level.get(level)) for level in LEVELS},
        "version": str(row["version"] or 0),
        "target": "",
        "rationale": "",
    }


def write(path: Path, rows: Iterable[Mapping[str, str]]) -> int:
    """Write rows as CSV or XLSX, by the file's name, and return how many. Raises FileError for another kind of file."""
    lines = [[_guarded(row[column]) for column in COLUMNS] for row in rows]
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # with the mark by which Excel knows UTF-8
            csv.writer(file).writerows([COLUMNS, *lines])
    elif path.suffix == ".xlsx":
        _write_xlsx(path, lines)
    else:
        raise _kind(path)
    return len(lines)


def read(path: Path) -> list[FileRow]:
    """Read a file that ``write`` made and somebody filled in.

    Raises:
        FileError: it is too large, no CSV or XLSX, or its columns are not those of the template, in order.
    """
    if path.suffix not in (".csv", ".xlsx"):
        raise _kind(path)
    if path.stat().st_size > _LARGEST_FILE:
        raise _fault(
            path, "file", f"It has more than {_LARGEST_FILE // 1_000_000} MB: send a year group or subject at a time."
        )
    lines = _csv_lines(path) if path.suffix == ".csv" else _xlsx_lines(path)
    heading = [cell.casefold() for cell in lines[0][1]] if lines else []
    _check_heading(path, heading)
    body = [(line, cells) for line, cells in lines[1:] if any(cells)]
    if len(body) > _MOST_ROWS:
        raise _fault(path, "file", f"It has more than {_MOST_ROWS} rows: send a year group or subject at a time.")
    wrong = [
        FileProblem(line, "row", f"It has {len(cells)} cells, the heading {len(COLUMNS)}: a comma too many or too few?")
        for line, cells in body
        if len(cells) != len(COLUMNS)
    ]
    if wrong:
        raise FileError(path.name, wrong)
    return [FileRow(line, dict(zip(COLUMNS, cells, strict=True))) for line, cells in body]


def _check_heading(path: Path, heading: list[str]) -> None:
    if heading == list(COLUMNS):
        return
    missing = [
        FileProblem(1, column, "The column is missing: put it back.") for column in COLUMNS if column not in heading
    ]
    unknown = [
        FileProblem(1, column or "(empty)", "This is no column of the template: remove it.")
        for column in heading
        if column not in COLUMNS
    ]
    moved = [FileProblem(1, "heading", "The columns are in another order, or twice: put them as in the template.")]
    raise FileError(path.name, [*missing, *unknown] or moved)


def _csv_lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _fault(path, "file", "It is not UTF-8: save it as CSV UTF-8, or as XLSX.") from None
    reader = csv.reader(io.StringIO(text), strict=True)
    lines = []
    try:
        for cells in reader:
            lines.append((reader.line_num, [_cell(cell) for cell in cells]))
    except csv.Error as error:
        raise FileError(path.name, [FileProblem(reader.line_num, "row", f"It is no CSV: {error}.")]) from None
    return lines


def _xlsx_lines(path: Path) -> list[tuple[int, list[str]]]:
    import openpyxl

    _check_package(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, keep_links=False)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise _fault(path, "file", f"It is no workbook that can be read ({error}): save it as XLSX anew.") from None
    try:
        names = book.sheetnames
        if _SHEET not in names and len(names) != 1:
            raise _fault(path, "file", f"It has no sheet {_SHEET!r}: name the sheet so.")
        sheet = book[_SHEET] if _SHEET in names else book[names[0]]
        return list(_sheet_lines(path, sheet))
    finally:
        book.close()


def _sheet_lines(path: Path, sheet: Any) -> Iterator[tuple[int, list[str]]]:
    formulas = []
    # A sheet may claim a million rows; those beyond what is taken are not read. One column more shows an added one.
    for line, row in enumerate(sheet.iter_rows(max_row=_MOST_ROWS + 2, max_col=len(COLUMNS) + 1), 1):
        cells = [_cell(cell.value) for cell in row]
        formulas += [
            FileProblem(line, COLUMNS[place], "It holds a formula: replace it by its value.")
            for place, cell in enumerate(row[: len(COLUMNS)])
            if cell.data_type == "f"
        ]
        extra = cells[len(COLUMNS) :]
        yield line, cells[: len(COLUMNS)] + [cell for cell in extra if cell]
    if formulas:
        raise FileError(path.name, formulas)


def _check_package(path: Path) -> None:
    """Refuse a workbook that unpacks to more than it should, or that declares entities of its own."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
                raise _fault(path, "file", "It unpacks to more than a file of targets can have: save the sheet alone.")
            for part in parts:
                # No more is unpacked than was declared: zipfile stops there and finds the checksum wrong.
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in package.read(part):
                    raise _fault(path, "file", "It declares a document type, which no workbook needs: save it anew.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _fault(path, "file", f"It is no workbook ({error}): save it as XLSX.") from None


def _write_xlsx(path: Path, lines: Sequence[Sequence[str]]) -> None:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET)
    sheet.freeze_panes = "A2"
    for number, cells in enumerate([COLUMNS, *lines]):
        row = []
        for text in cells:
            cell = WriteOnlyCell(sheet, value=text)
            cell.number_format = "@"  # as text: a spreadsheet would make a date of 5-4 and a number of 05
            if number == 0:
                cell.font = Font(bold=True)
            row.append(cell)
        sheet.append(row)
    book.save(path)


def _cell(value: object) -> str:
    """Text of a cell; numbers as they are written by hand."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _chance(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None or estimate["target_chance"] is None:
        return ""
    return f"{100 * estimate['target_chance']:.0f} %"


def _kind(path: Path) -> FileError:
    return _fault(path, "file", "Files of targets are .csv or .xlsx.")


def _fault(path: Path, column: str, message: str) -> FileError:
    return FileError(path.name, [FileProblem(1, column, message)])
