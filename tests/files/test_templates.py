"""Templates: what is written, what is read back, and each thing that can be wrong with one that was filled in."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from tables import UPNS, VOCABULARY, put_csv, put_xlsx, read_table, row, text

from orchestration.files import template_files
from orchestration.files.codes import read_codes
from orchestration.files.faults import FileError, Rule
from orchestration.files.records import Contents, Occasion, Result
from orchestration.files.templates import EXAMINATIONS, TEMPLATES, describe
from orchestration.files.values import day, school_year, series

KINDS = pytest.mark.parametrize("name", TEMPLATES)


def results(contents: Contents) -> list[Result]:
    found = [item for entry in contents.entries for item in entry.items]
    assert all(isinstance(item, Result) for item in found)
    return found  # type: ignore[return-value]


def rules(contents: Contents) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, fault.rule) for entry in contents.entries for fault in entry.faults]


@KINDS
def test_everything_that_a_template_offers_is_understood(name: str) -> None:
    template = TEMPLATES[name]
    for column in template.results:
        if column.aspect:
            measure = VOCABULARY.measure(column.aspect)
            assert measure is not None
            assert measure.scale == column.scale
        else:
            assert template.chooses
    for naming in template.names.values():
        if naming.has_subject:
            assert naming.subjects(VOCABULARY)
        else:
            assert naming.measure("", VOCABULARY)


def test_every_entry_code_is_of_a_subject_that_is_understood() -> None:
    for code, examined in read_codes().by_code.items():
        assert EXAMINATIONS[examined.qualification].measure(examined.subject, VOCABULARY), code
    assert read_codes().find("8300h") == read_codes().find("8300")
    assert read_codes().find("9999") is None


@KINDS
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_template_comes_back_as_it_was_written_and_its_example_is_left_out(
    tmp_path: Path, name: str, kind: str
) -> None:
    path = tmp_path / f"template.{kind}"
    assert template_files.write(path, TEMPLATES[name], VOCABULARY) == 0
    assert read_table(path, name) == Contents((), (), 1)
    filled = {column.name: column.example for column in TEMPLATES[name].columns} | {"upn": UPNS[0]}
    assert template_files.write(path, TEMPLATES[name], VOCABULARY, [filled]) == 1
    found = read_table(path, name)
    assert rules(found) == []
    assert results(found)


def test_a_workbook_has_notes_and_lists_to_choose_from(tmp_path: Path) -> None:
    template = TEMPLATES["ks4-results"]
    template_files.write(tmp_path / "template.xlsx", template, VOCABULARY)
    book = openpyxl.load_workbook(tmp_path / "template.xlsx")
    assert book.sheetnames == ["KS4 results", "Notes", "Lists"]
    offered = {str(rule.sqref).partition(":")[0] for rule in book["KS4 results"].data_validations.dataValidation}
    place = {cell.value: cell.column_letter for cell in book["KS4 results"][1]}
    assert offered == {f"{place[column]}2" for column in ("qualification", "subject")}
    lists = {column[0].value: [cell.value for cell in column[1:] if cell.value] for column in book["Lists"].columns}
    assert lists["qualification"] == ["GCSE", "Technical award"]
    assert "Mathematics" in lists["subject"]
    noted = [[cell.value or "" for cell in line[:5]] for line in book["Notes"].iter_rows()]
    assert [list(line) for line in describe(template, VOCABULARY)] == noted[-len(template.columns) - 1 :]


def test_what_the_rows_say(tmp_path: Path) -> None:
    cells = row("ks2-results", maths_score="N", gps_score="", reading_ta="", maths_ta="", science_ta="")
    july = Occasion("KS2 2024/25", date(2025, 7, 1))
    assert results(read_table(put_csv(tmp_path, [cells]), "ks2-results")) == [
        Result("KS2 Reading scaled score", july, "104", date(2025, 7, 1)),
        Result("KS2 Mathematics scaled score", july, "N", date(2025, 7, 1)),
        Result("KS2 Writing TA", july, "EXS", date(2025, 7, 1)),
    ]
    exam = [row("ks4-results"), row("ks4-results", qualification="", subject="", entry_code="8464", grade="6-5")]
    june = Occasion("Examinations June 2025", date(2025, 8, 1))
    found = read_table(put_csv(tmp_path, exam), "ks4-results")
    assert results(found) == [
        Result("GCSE Mathematics", june, "6", date(2025, 8, 1)),
        Result("GCSE Combined Science: Trilogy", june, "6-5", date(2025, 8, 1)),
    ]
    assert {entry.identity.exam_year for entry in found.entries} == {202425}
    tests = read_table(put_csv(tmp_path, [row("standardised-tests", test="NGRT")]), "standardised-tests")
    day_of_test = date(2025, 9, 16)
    assert results(tests) == [Result("NGRT SAS", Occasion("Tests of 2025-09-16", day_of_test), "108", day_of_test)]
    taught = read_table(
        put_csv(tmp_path, [row("teacher-assessment", stage="a level", grade="B")]), "teacher-assessment"
    )
    december = date(2025, 12, 5)
    assert results(taught) == [
        Result("A level Mathematics working at grade", Occasion("Autumn 2025/26", december), "B", december)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_csv_is_read_whatever_separates_its_cells(tmp_path: Path, delimiter: str, mark: str) -> None:
    path = tmp_path / "results.csv"
    cells = row("mtc", upn="", surname="Beck; the elder, or not", forename="Zoë", date_of_birth="05/11/2013")
    path.write_text(mark + text([cells], delimiter), encoding="utf-8")
    (entry,) = read_table(path, "mtc").entries
    assert (entry.identity.surname, entry.identity.forename) == ("Beck; the elder, or not", "Zoë")
    assert entry.identity.date_of_birth == date(2013, 11, 5)


def test_a_workbook_of_dates_and_numbers_is_read_as_it_looks(tmp_path: Path) -> None:
    heading = ["mark", "academic_year", "UPN", "date_of_birth"]  # another order, other columns left out
    path = put_xlsx(tmp_path, [heading, [21.0, "2024/25", UPNS[0], datetime(2016, 3, 1)]])  # noqa: DTZ001
    (entry,) = read_table(path, "mtc").entries
    assert entry.faults == ()
    assert entry.identity.date_of_birth == date(2016, 3, 1)
    assert [item.value for item in entry.items] == ["21"]  # type: ignore[union-attr]
    series_as_date = [["series", "qualification", "subject", "grade", "upn"]]
    series_as_date.append([datetime(2025, 6, 1), "GCSE", "History", 7, UPNS[0]])  # type: ignore[list-item]  # noqa: DTZ001
    (entry,) = read_table(put_xlsx(tmp_path, series_as_date), "ks4-results").entries
    assert entry.faults == ()


@pytest.mark.parametrize(
    ("change", "column", "rule", "told"),
    [
        (lambda t: t.replace("academic_year", "academic year"), "academic year", Rule.FILE_COLUMN, "'academic_year'"),
        (lambda t: t.replace("academic_year", "colour"), "colour", Rule.FILE_COLUMN, "Remove it"),
        (lambda t: t.replace("academic_year", "colour"), "academic_year", Rule.FILE_COLUMN, "missing"),
        (lambda t: t.replace("uln", "upn"), "upn", Rule.FILE_COLUMN, "twice"),
        (lambda t: t.replace("mark", "note"), "heading", Rule.FILE_COLUMN, "no column of results: mark"),
        (lambda t: "", "academic_year", Rule.FILE_COLUMN, "missing"),
        (lambda t: t.rstrip() + ",x\n", "row", Rule.FILE_CELLS, "cells, the heading"),
        (lambda t: t.replace("2024/25", '"2024/25'), "file", Rule.FILE_TYPE, "no CSV"),
        (
            lambda t: t.replace(",", "|"),
            "|".join(TEMPLATES["mtc"].headings),
            Rule.FILE_COLUMN,
            "",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused_whole(
    tmp_path: Path, change: object, column: str, rule: Rule, told: str
) -> None:
    path = tmp_path / "results.csv"
    path.write_text(change(text([row("mtc")])), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(FileError) as refused:
        read_table(path, "mtc")
    assert (column, rule) in [(fault.column, fault.rule) for fault in refused.value.faults]
    assert told in str(refused.value)
    assert all(fault.what_to_do for fault in refused.value.faults)


def test_an_old_encoding_is_refused_with_the_line_and_advice(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(text([row("mtc"), row("mtc", forename="Zoë")]).encode("cp1252"))
    with pytest.raises(
        FileError, match=r"line 3, file: It is not UTF-8, .*Save it as 'CSV UTF-8', or as XLSX"
    ) as refused:
        read_table(path, "mtc")
    assert refused.value.faults[0].rule == Rule.FILE_ENCODING


def test_a_formula_is_refused(tmp_path: Path) -> None:
    heading = ["upn", "academic_year", "mark"]
    with pytest.raises(FileError, match="line 2, mark: It holds a formula"):
        read_table(put_xlsx(tmp_path, [heading, [UPNS[0], "2024/25", "=20+1"]]), "mtc")


@pytest.mark.parametrize(
    ("name", "cells", "column", "rule"),
    [
        ("ks2-results", {"upn": "B823999921001"}, "upn", Rule.ROW_UPN),
        ("ks2-results", {"upn": ""}, "upn", Rule.ROW_EMPTY),
        ("ks2-results", {"upn": "", "surname": "Beck", "forename": "Ana"}, "upn", Rule.ROW_EMPTY),
        ("ks2-results", {"date_of_birth": "31/02/2014"}, "date_of_birth", Rule.ROW_DATE),
        ("ks2-results", {"academic_year": "2024/26"}, "academic_year", Rule.ROW_DATE),
        ("ks2-results", {"academic_year": ""}, "academic_year", Rule.ROW_EMPTY),
        ("ks2-results", {"reading_score": "121"}, "reading_score", Rule.ROW_CODE),
        ("ks2-results", {"surname": "x" * 51}, "surname", Rule.ROW_LENGTH),
        ("ks1-results", {"maths_score": "116"}, "maths_score", Rule.ROW_CODE),
        ("phonics", {"outcome": "passed"}, "outcome", Rule.ROW_CODE),
        ("eyfs", {"e05": "3"}, "e05", Rule.ROW_CODE),
        ("ks4-results", {"series": "summer"}, "series", Rule.ROW_DATE),
        ("ks4-results", {"subject": "Matematics"}, "subject", Rule.ROW_ASSESSMENT),
        ("ks4-results", {"subject": ""}, "subject", Rule.ROW_EMPTY),
        ("ks4-results", {"qualification": ""}, "qualification", Rule.ROW_EMPTY),
        ("ks4-results", {"qualification": "O level"}, "qualification", Rule.ROW_ASSESSMENT),
        ("ks4-results", {"subject": "", "entry_code": "9999"}, "entry_code", Rule.ROW_ASSESSMENT),
        ("ks4-results", {"grade": "A*"}, "grade", Rule.ROW_CODE),
        ("ks5-results", {"qualification": "BTEC Certificate", "subject": "Applied Law Extended", "grade": "P"},
         "subject", Rule.ROW_ASSESSMENT),
        ("standardised-tests", {"test": "CAT5"}, "test", Rule.ROW_ASSESSMENT),
        ("standardised-tests", {"score": "12"}, "score", Rule.ROW_CODE),
        ("standardised-tests", {"test_date": "tomorrow"}, "test_date", Rule.ROW_DATE),
        ("teacher-assessment", {"stage": "KS2", "subject": "KS2 Maths"}, "subject", Rule.ROW_ASSESSMENT),
        ("teacher-assessment", {"subject": ""}, "subject", Rule.ROW_EMPTY),
    ],
)  # fmt: skip
def test_a_row_that_is_wrong_says_where_and_the_others_are_good(
    tmp_path: Path, name: str, cells: dict[str, str], column: str, rule: Rule
) -> None:
    found = read_table(put_csv(tmp_path, [row(name, upn=UPNS[1]), row(name, **cells)]), name)
    assert rules(found) == [(3, column, rule)]
    assert len(results(found)) >= 1


def test_a_subject_that_is_misspelt_is_told_what_may_be_meant(tmp_path: Path) -> None:
    (entry,) = read_table(put_csv(tmp_path, [row("ks4-results", subject="Matematics")]), "ks4-results").entries
    assert "'Mathematics'" in entry.faults[0].what_to_do


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (day, "2025-07-08", date(2025, 7, 8)),
        (day, "8/7/2025", date(2025, 7, 8)),
        (day, "2025-07-08 00:00:00", date(2025, 7, 8)),
        (day, "08-07-25", None),
        (school_year, "2024/25", 202425),
        (school_year, "2024/2025", 202425),
        (school_year, "202425", 202425),
        (school_year, "1999/00", 199900),
        (school_year, "2024", None),
        (series, "June 2025", (2025, 6)),
        (series, "jun 2025", (2025, 6)),
        (series, "2024-11", (2024, 11)),
        (series, "2025-13", None),
        (series, "Summer 2025", None),
    ],
)
def test_how_values_are_written(read: object, written: str, value: object) -> None:
    assert read(written) == value  # type: ignore[operator]
