"""Templates filled in by the tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
from ctf_files import SEEDS

from orchestration.files.codes import read_codes
from orchestration.files.filled_in import read
from orchestration.files.records import Contents
from orchestration.files.templates import TEMPLATES
from orchestration.files.vocabulary import read_vocabulary

UPNS = ("L823999921001", "A823999921002", "P207000016049")
VOCABULARY = read_vocabulary(SEEDS)


def row(name: str, **cells: str) -> dict[str, str]:
    """The example of a template, with other cells; a pupil who is somebody."""
    template = TEMPLATES[name]
    example = {column.name: column.example for column in template.columns}
    return example | {"upn": UPNS[0], "surname": "", "forename": "", "date_of_birth": ""} | cells


def text(rows: Sequence[Mapping[str, str]], delimiter: str = ",") -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def put_csv(folder: Path, rows: Sequence[Mapping[str, str]], name: str = "results.csv", delimiter: str = ",") -> Path:
    path = folder / name
    path.write_bytes(text(rows, delimiter).encode())
    return path


def put_xlsx(folder: Path, lines: Sequence[Sequence[object]], *, sheet: str = "Sheet1") -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = sheet
    for line in lines:
        book.active.append(list(line))
    path = folder / "results.xlsx"
    book.save(path)
    return path


def read_table(path: Path, name: str) -> Contents:
    return read(path, TEMPLATES[name], VOCABULARY, read_codes())
