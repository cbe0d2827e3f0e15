"""Files of targets, CSV or XLSX: one layout for the template, the export and the import.

A file is somebody else's: how it is read and written safely is ``orchestration.files.sheets``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.files.faults import FileError, FileProblem
from orchestration.files.sheets import check_widths, read_lines, write_csv, write_xlsx

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
    lines = [[row[column] for column in COLUMNS] for row in rows]
    if path.suffix == ".csv":
        write_csv(path, [COLUMNS, *lines])
    elif path.suffix == ".xlsx":
        write_xlsx(path, _SHEET, [COLUMNS, *lines])
    else:
        raise FileError(path.name, [FileProblem(1, "file", "Files of targets are .csv or .xlsx.")])
    return len(lines)


def read(path: Path) -> list[FileRow]:
    """Read a file that ``write`` made and somebody filled in.

    Raises:
        FileError: it is too large, no CSV or XLSX, or its columns are not those of the template, in order.
    """
    lines = read_lines(path, sheet=_SHEET, columns=COLUMNS)
    _check_heading(path, [cell.casefold() for cell in lines[0][1]] if lines else [])
    check_widths(path, lines)
    return [FileRow(line, dict(zip(COLUMNS, cells, strict=True))) for line, cells in lines[1:]]


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


def _chance(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None or estimate["target_chance"] is None:
        return ""
    return f"{100 * estimate['target_chance']:.0f} %"
