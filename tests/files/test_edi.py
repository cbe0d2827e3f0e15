"""Results day files: what a record says, what makes a file unfit, and a layout that is another."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from edi_files import CENTRE, HEADER, LAYOUT, document, put_edi, record, result, trailer
from tables import VOCABULARY

from orchestration.files import edi
from orchestration.files.codes import read_codes
from orchestration.files.faults import FileError, Rule
from orchestration.files.records import Contents, Identity, Occasion, Result


def read(path: Path, layout: edi.Layout = LAYOUT) -> Contents:
    return edi.read(path, layout, CENTRE, VOCABULARY, read_codes())


def test_candidates_and_their_grades(tmp_path: Path) -> None:
    found = read(put_edi(tmp_path, document(result(), result(entry_code="8464F", grade="54", surname="O'Néill"))))
    june = Occasion("Examinations June 2025", date(2025, 8, 1))
    assert [(entry.line, entry.items, entry.faults) for entry in found.entries] == [
        (2, (Result("GCSE Mathematics", june, "7", date(2025, 8, 1)),), ()),
        (3, (Result("GCSE Combined Science: Trilogy", june, "54", date(2025, 8, 1)),), ()),
    ]
    assert found.entries[0].identity == Identity(
        2,
        surname="BECK",
        forename="ANA",
        date_of_birth=date(2008, 11, 5),
        uci="234567000001A",
        candidate_number="1001",
        exam_year=202425,
    )
    assert found.entries[1].identity.surname == "O'Néill"


def test_lines_may_end_in_one_way_or_the_other(tmp_path: Path) -> None:
    assert len(read(put_edi(tmp_path, document(), ending="\n")).entries) == 1


@pytest.mark.parametrize(
    ("records", "line", "rule"),
    [
        ([HEADER, result()[:-1], trailer(1)], 2, Rule.FILE_LENGTH),
        ([HEADER, result() + " ", trailer(1)], 2, Rule.FILE_LENGTH),
        ([HEADER, "XX" + result()[2:], trailer(1)], 2, Rule.FILE_RECORD),
        ([result(), trailer(1)], 1, Rule.FILE_HEADER),
        ([result(), HEADER, trailer(1)], 2, Rule.FILE_HEADER),
        ([HEADER, result(), HEADER, trailer(1)], 3, Rule.FILE_HEADER),
        ([HEADER, result()], 2, Rule.FILE_TRAILER),
        ([HEADER, trailer(1), result()], 3, Rule.FILE_TRAILER),
        ([HEADER, result(), trailer(2)], 3, Rule.FILE_COUNT),
        ([HEADER, result(), record("trailer", centre=CENTRE, count="one")], 3, Rule.FILE_COUNT),
        ([HEADER, result(), result(centre="99999"), trailer(2)], 3, Rule.FILE_SCHOOL),
        ([record("header", centre="99999", year="25", series="6"), result(), trailer(1)], 1, Rule.FILE_SCHOOL),
        ([record("header", centre=CENTRE, year="25", series="Z"), result(), trailer(1)], 1, Rule.FILE_HEADER),
    ],
    ids=lambda value: value if isinstance(value, Rule) else "",
)
def test_a_file_that_is_not_whole_is_refused_with_the_line(
    tmp_path: Path, records: list[str], line: int, rule: Rule
) -> None:
    with pytest.raises(FileError) as refused:
        read(put_edi(tmp_path, records))
    assert [(fault.line, fault.rule) for fault in refused.value.faults] == [(line, rule)]
    assert refused.value.faults[0].what_to_do


def test_a_file_beyond_the_limit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edi, "_LARGEST_FILE", 100)
    with pytest.raises(FileError, match="FILE-SIZE"):
        read(put_edi(tmp_path, document()))


@pytest.mark.parametrize(
    ("changes", "column", "rule"),
    [
        ({"entry_code": "9999"}, "entry_code", Rule.ROW_ASSESSMENT),
        ({"grade": ""}, "grade", Rule.ROW_EMPTY),
        ({"grade": "A*"}, "grade", Rule.ROW_CODE),
        ({"date_of_birth": "20081345"}, "date_of_birth", Rule.ROW_DATE),
    ],
)
def test_a_record_that_is_wrong_is_reported_and_the_others_are_good(
    tmp_path: Path, changes: dict[str, str], column: str, rule: Rule
) -> None:
    found = read(put_edi(tmp_path, document(result(), result(**changes))))
    assert [(f.line, f.column, f.rule) for entry in found.entries for f in entry.faults] == [(3, column, rule)]


def test_another_layout_is_a_file_and_no_program(tmp_path: Path) -> None:
    shipped = Path(edi.__file__).with_name("edi_layout.toml").read_text(encoding="utf-8")
    changed = shipped.replace("date_of_birth = {", "born = {").replace('counts = "result"', 'counts = "all"')
    path = tmp_path / "layout.toml"
    path.write_text(changed, encoding="utf-8")
    found = read(put_edi(tmp_path, [HEADER, result(), trailer(3)]), edi.read_layout(path))
    assert found.entries[0].identity.date_of_birth is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[trailer]", "[nothing]", "'trailer'"),
        ("grade = { start = 94", "grade = { start = 119", "grade ends beyond"),
        ("entry_code = {", "code = {", "it has no result.entry_code"),
        ("[file]", "[file", "no layout"),
    ],
)
def test_a_layout_that_is_none_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    shipped = Path(edi.__file__).with_name("edi_layout.toml").read_text(encoding="utf-8")
    path = tmp_path / "layout.toml"
    path.write_text(shipped.replace(old, new), encoding="utf-8")
    with pytest.raises(FileError, match=told):
        edi.read_layout(path)
