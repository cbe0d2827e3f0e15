"""Files of targets: what goes out, what comes back, and each thing that can be wrong with one."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from published_school import UPNS, YEAR, Staff, key, proposal

from orchestration.files.faults import FileError
from orchestration.targets import service
from orchestration.targets.faults import Fault, TargetError
from orchestration.targets.files import COLUMNS, file_row, read, write
from orchestration.targets.groups import Group
from orchestration.targets.imports import ImportReport, import_file
from sandbox.identity import upn_check_letter

Connection = psycopg.Connection[Any]
MATHEMATICS = Group(1, YEAR, subject="Mathematics")
KINDS = pytest.mark.parametrize("kind", ["csv", "xlsx"])


def template(connection: Connection, staff: Staff, path: Path) -> Path:
    rows = service.sheet(connection, staff.teacher, MATHEMATICS)
    assert write(path, [file_row(1, YEAR, row) for row in rows]) == 4
    return path


def cells(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    sheet = openpyxl.load_workbook(path)["Targets"]
    return [[cell.value or "" for cell in row] for row in sheet.iter_rows()]


def fill_in(path: Path, changes: dict[tuple[int, str], object]) -> Path:
    """Write into cells, by line and column, as a person with a spreadsheet does."""
    if path.suffix == ".csv":
        lines = cells(path)
        for (line, column), value in changes.items():
            lines[line - 1][COLUMNS.index(column)] = str(value)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(lines)
    else:
        book = openpyxl.load_workbook(path)
        for (line, column), value in changes.items():
            book["Targets"].cell(line, COLUMNS.index(column) + 1).value = value  # type: ignore[assignment]
        book.save(path)
    return path


def problems(report: ImportReport) -> list[tuple[int, str]]:
    return [(problem.line, problem.column) for problem in report.problems]


@KINDS
def test_a_template_shows_pupils_estimates_and_targets_and_comes_back_as_proposals(
    connection: Connection, staff: Staff, tmp_path: Path, kind: str
) -> None:
    service.propose_targets(connection, staff.leader, [proposal("5", rationale="Effort")])
    path = template(connection, staff, tmp_path / f"targets.{kind}")
    heading, first, *_ = cells(path)
    assert heading == list(COLUMNS)
    shown = dict(zip(heading, first, strict=True))
    assert (shown["upn"], shown["surname"], shown["prior_attainment"]) == (UPNS[1], "Surname 1", "101")
    assert [shown[f"estimate_{level}"] for level in (50, 20, 5)] == ["4", "5", "5"]
    assert [shown[f"chance_{level}"] for level in (50, 20, 5)] == ["45 %", "57 %", "69 %"]
    assert (shown["present_target"], shown["status"], shown["version"], shown["target"]) == ("5", "proposed", "1", "")
    # a number, as a spreadsheet makes one; the present target once more; a grade and a remark
    fill_in(path, {(2, "target"): 6, (3, "target"): "7", (3, "rationale"): "Mocks", (4, "target"): ""})
    report = import_file(connection, staff.teacher, path)
    assert (report.rows, report.loaded, report.unchanged, report.problems) == (4, 2, 2, ())
    first_target, second = (service.history(connection, staff.looker, key(pupil))[-1] for pupil in (1, 2))
    assert (first_target.version, first_target.grade, first_target.source) == (2, "6", "import")
    assert (second.grade, second.rationale, second.set_by) == ("7", "Mocks", staff.teacher.email)
    again = import_file(connection, staff.teacher, path)
    assert problems(again) == [(2, "version"), (3, "version")]


@KINDS
def test_rows_that_cannot_be_loaded_are_told_and_hold_back_the_others_unless_chosen(
    connection: Connection, staff: Staff, tmp_path: Path, kind: str
) -> None:
    path = fill_in(
        template(connection, staff, tmp_path / f"targets.{kind}"),
        {
            (2, "target"): "10",
            (3, "target"): "7",
            (3, "upn"): "B" + str(UPNS[2])[1:],
            (4, "target"): "7",
            (4, "subject"): "Latin",
            (5, "target"): "7",
        },
    )
    report = import_file(connection, staff.teacher, path)
    assert problems(report) == [(2, "target"), (3, "upn"), (4, "subject")]
    assert "mistyped" in report.problems[1].message
    assert report.loaded == 0
    assert service.progress(connection, staff.looker, MATHEMATICS)[0]["set_targets"] == 0
    report = import_file(connection, staff.teacher, path, good_rows=True)
    assert (len(report.problems), report.loaded) == (3, 1)
    assert service.history(connection, staff.looker, key(4))[-1].grade == "7"


@pytest.mark.parametrize(
    ("changes", "expected", "told"),
    [
        ({"upn": "A820200000000"}, "upn", "mistyped"),
        ({"upn": "A82020000000"}, "upn", "13 characters, this one 12"),
        ({"upn": upn_check_letter("820200000099") + "820200000099"}, "upn", "no pupil with this UPN on roll"),
        ({"version": "?"}, "version", "take a new template"),
        ({"version": "3"}, "version", "has changed since version 3"),
        ({"target": "=1+1"}, "target", "'=1+1' is no grade"),
        ({"qualification": "A level"}, "subject", "does not study"),
        ({"rationale": "x" * 501}, "rationale", "500 characters"),
    ],
)
def test_each_fault_of_a_row_is_told_where_it_is(
    connection: Connection, staff: Staff, tmp_path: Path, *, changes: dict[str, str], expected: str, told: str
) -> None:
    path = template(connection, staff, tmp_path / "targets.csv")
    fill_in(path, {(2, column): value for column, value in ({"target": "5"} | changes).items()})
    report = import_file(connection, staff.teacher, path)
    assert problems(report) == [(2, expected)]
    assert told in report.problems[0].message


def test_a_pupil_given_twice_is_told_twice(connection: Connection, staff: Staff, tmp_path: Path) -> None:
    path = template(connection, staff, tmp_path / "targets.csv")
    fill_in(path, {(2, "target"): "5", (3, "target"): "6", (3, "upn"): UPNS[1]})
    assert problems(import_file(connection, staff.teacher, path)) == [(2, "target"), (3, "target")]


def test_a_locked_target_needs_the_reason_by_file_too(connection: Connection, staff: Staff, tmp_path: Path) -> None:
    service.prepopulate(connection, staff.head, MATHEMATICS)
    for person, act in ((staff.leader, "review"), (staff.head, "approve"), (staff.head, "lock")):
        service.move_group(connection, person, service.Act(act), MATHEMATICS)
    path = fill_in(template(connection, staff, tmp_path / "targets.csv"), {(2, "target"): "9"})
    assert problems(import_file(connection, staff.teacher, path)) == [(2, "status")]
    assert import_file(connection, staff.teacher, path, comment="After the mocks").loaded == 1


def without(column: str) -> Callable[[list[list[str]]], list[list[str]]]:
    place = COLUMNS.index(column)
    return lambda lines: [line[:place] + line[place + 1 :] for line in lines]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without("version"), "line 1, version: The column is missing: put it back."),
        (lambda lines: [[*line, "x"] for line in lines], "line 1, x: This is no column of the template: remove it."),
        (lambda lines: [[*lines[0][:-1], "remark"], *lines[1:]], "line 1, remark: This is no column"),
        (lambda lines: [line[::-1] for line in lines], "line 1, heading: The columns are in another order"),
        (lambda lines: [*lines[:2], lines[2][:-1]], "line 3, row: It has 20 cells, the heading 21"),
        (lambda lines: [], "line 1, school: The column is missing"),
        (lambda lines: [lines[0], ["2", *lines[1][1:]], *lines[2:]], "line 3, school: It must be a number, the same"),
        (lambda lines: [lines[0], ["one", *lines[1][1:]]], "line 2, school: It must be a number"),
    ],
)
@KINDS
def test_a_file_of_another_shape_is_refused_whole(
    connection: Connection, staff: Staff, tmp_path: Path, *, kind: str, spoil: Any, told: str
) -> None:
    path = fill_in(template(connection, staff, tmp_path / "targets.csv"), {(2, "target"): "5", (3, "target"): "5"})
    lines = spoil(cells(path))
    path = tmp_path / f"spoilt.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
    else:
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)  # type: ignore[union-attr]
        book.save(path)
        if "20 cells" in told:  # a sheet has no rows of other lengths
            told = ""
    if not told:
        assert import_file(connection, staff.teacher, path).loaded == 2
        return
    with pytest.raises(FileError) as refused:
        import_file(connection, staff.teacher, path)
    assert told in str(refused.value)
    assert "nothing was loaded" in str(refused.value)


def test_a_formula_is_not_read_as_its_last_value(connection: Connection, staff: Staff, tmp_path: Path) -> None:
    path = fill_in(template(connection, staff, tmp_path / "targets.xlsx"), {(2, "target"): "=2+3"})
    with pytest.raises(FileError, match=r"line 2, target: It holds a formula\. Replace it by its value"):
        read(path)


@KINDS
@pytest.mark.parametrize("text", ["=HYPERLINK(0)", "+1", "-1", "@SUM(A1)", "\tx"])
def test_text_is_never_written_as_a_formula_and_comes_back_as_it_was(tmp_path: Path, kind: str, text: str) -> None:
    path = tmp_path / f"guarded.{kind}"
    write(path, [dict.fromkeys(COLUMNS, "") | {"surname": text, "rationale": "O'Brien's"}])
    written = cells(path)[1]
    assert written[COLUMNS.index("surname")] == f"'{text}"
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(path)["Targets"]
        assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}
    assert read(path)[0].cells["surname"] == text.strip() or text.startswith("\t")
    assert read(path)[0].cells["rationale"] == "O'Brien's"


def _zip(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: _zip(path, {"xl/worksheets/sheet1.xml": bytes(100_000_001)}), "unpacks to more"),
        (lambda path: _zip(path, {f"part{n}": b"" for n in range(1001)}), "unpacks to more"),
        (lambda path: _zip(path, {"xl/workbook.xml": b"<?xml version='1.0'?><!DOCTYPE a []><a/>"}), "document type"),
        (lambda path: _zip(path, {"other.txt": b"x"}), "no workbook that can be read"),
        (lambda path: path.write_bytes(b"PK\x03\x04 not really") and path, "It is no workbook"),
        (lambda path: path.write_bytes(bytes(10_000_001)) and path, "more than 10 MB"),
    ],
)
def test_a_workbook_that_is_none_or_a_bomb_is_refused_before_it_is_read(tmp_path: Path, make: Any, told: str) -> None:
    path = tmp_path / "targets.xlsx"
    make(path)
    with pytest.raises(FileError, match=told):
        read(path)


def test_a_part_that_declares_less_than_it_unpacks_to_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "targets.xlsx", {"xl/workbook.xml": bytes(1_000_000)})
    packed = path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(packed)
    with pytest.raises(FileError, match="no workbook"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("targets.csv", "é".encode("latin-1"), "not UTF-8"),
        ("targets.csv", b'a,"b\n', "no CSV"),
        ("targets.csv", b"a\n" + b"x" * 200_000, "field larger"),
        ("targets.ods", b"", r"\.csv or \.xlsx"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=told):
        read(path)


def test_a_sheet_of_more_rows_than_a_school_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *([["1"] * len(COLUMNS)] * 100_001)])
    with pytest.raises(FileError, match="more than 100000 rows"):
        read(path)


def test_files_are_for_people_who_may_see_names(connection: Connection, staff: Staff, tmp_path: Path) -> None:
    path = fill_in(template(connection, staff, tmp_path / "targets.csv"), {(2, "target"): "5"})
    with pytest.raises(TargetError) as refused:
        import_file(connection, staff.looker, path)
    assert refused.value.fault is Fault.NOT_ALLOWED
