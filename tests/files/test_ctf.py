"""The Common Transfer File: what is read from it, and each thing that can be wrong with one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ctf_files import (
    HEADER,
    HISTORIES,
    SCHOOL,
    UPN,
    assessment,
    document,
    pupil,
    read_text,
    stages,
    year_data,
)

from orchestration.files import xml
from orchestration.files.ctf import Addressee
from orchestration.files.faults import FileError, Rule
from orchestration.files.records import Contents, Identity, Occasion, Result, SenNeed, StatusPeriod, YearAttendance

DESTINATION = "<DestSchool><LEA>823</LEA><Estab>4999</Estab></DestSchool>"
JULY = Occasion("KS2 2024/25", date(2025, 7, 1))


def items(contents: Contents) -> list[object]:
    return [item for entry in contents.entries for item in entry.items]


def rules(contents: Contents) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, fault.rule) for entry in contents.entries for fault in entry.faults]


def test_a_pupil_is_read_with_results_attendance_and_histories(tmp_path: Path) -> None:
    body = stages(assessment()) + HISTORIES + f"<Attendance>{year_data()}</Attendance>"
    found = read_text(tmp_path, document(pupil(body)))
    assert rules(found) == []
    assert items(found) == [
        Result("Multiplication tables check mark", JULY, "22", date(2025, 7, 1)),
        YearAttendance(202425, "823", "2998", 380, 361, 12, 7),
        StatusPeriod("fsm", None, date(2022, 9, 5), date(2024, 7, 19)),
        StatusPeriod("sen", "K", date(2023, 1, 9), None),
        SenNeed("SLCN", 1, None, None),
        StatusPeriod("in_care", None, date(2025, 9, 2), date(2025, 9, 2)),  # the day on which the file says so
    ]
    assert {entry.identity for entry in found.entries} == {
        Identity(11, UPN, surname="BECK", forename="ANA", date_of_birth=date(2013, 11, 5))
    }


@pytest.mark.parametrize(
    ("xml_text", "aspect"),
    [
        (assessment(subject="REA", component="", qualifier="SS", result="104"), "KS2 Reading scaled score"),
        (assessment(subject="ENG", component="REA", qualifier="SS", result="N"), "KS2 Reading scaled score"),
        (assessment(subject="GPS", component="SUB", qualifier="SS", result="110"), "KS2 Grammar, punctuation"),
        (assessment("KS1", subject="MAT", component="", qualifier="SS", result="115"), "KS1 Mathematics scaled score"),
        (assessment(subject="WRI", method="TA", component="", qualifier="", result="GDS"), "KS2 Writing TA"),
        (assessment("KS1", subject="SCI", method="TA", component="SUB", result="HNM"), "KS1 Science TA"),
        (assessment("KS1", subject="ENG", component="PHO", result="34"), "Phonics screening check mark"),
        (assessment("KS1", subject="ENG", component="PHO", result="Wa"), "Phonics screening check outcome"),
        (assessment("FSP", subject="COM", method="TA", component="E02", result="2"), "EYFS E02"),
        (assessment("EYF", subject="LIT", method="TA", component="E10", result="A"), "EYFS E10"),
        (assessment(result="Q"), "Multiplication tables check mark"),
    ],
)
def test_assessments_are_called_as_the_mapping_knows_them(tmp_path: Path, xml_text: str, aspect: str) -> None:
    found = read_text(tmp_path, document(pupil(stages(xml_text))))
    assert rules(found) == []
    (result,) = items(found)
    assert isinstance(result, Result)
    assert result.aspect.startswith(aspect)


def test_names_of_elements_older_words_and_a_prefix_are_understood(tmp_path: Path) -> None:
    text = document(pupil(stages(assessment()), sex="<Gender>F</Gender>"), header=HEADER.replace("version", "Version"))
    assert len(items(read_text(tmp_path, text))) == 1
    named = text.replace("<CTfile>", '<c:CTfile xmlns:c="urn:ctf">').replace("</CTfile>", "</c:CTfile>")
    assert len(items(read_text(tmp_path, named))) == 1


def test_a_raw_mark_and_another_country_are_left_out_and_a_real_result_goes_before_a_provisional(
    tmp_path: Path,
) -> None:
    text = stages(
        assessment(subject="REA", component="P1", qualifier="NM", result="37"),
        assessment(locale="WLS"),
        assessment(status="P", result="20"),
        assessment(),
    )
    found = read_text(tmp_path, document(pupil(text)))
    assert (found.left_out, [warning.rule for warning in found.warnings]) == (3, [Rule.OTHER_COUNTRY])
    assert [result.value for result in items(found)] == ["22"]  # type: ignore[attr-defined]
    alone = read_text(tmp_path, document(pupil(stages(assessment(status="P", result="20")))))
    assert [result.value for result in items(alone)] == ["20"]  # type: ignore[attr-defined]


def test_an_attendance_start_date_says_which_year_is_meant(tmp_path: Path) -> None:
    years = year_data(Year="2025", AttendanceStartDate="2024-09-03")
    found = read_text(tmp_path, document(pupil(f"<Attendance>{years}</Attendance>")))
    assert items(found) == [YearAttendance(202425, "823", "2998", 380, 361, 12, 7)]


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("no XML at all", 1, Rule.FILE_XML),
        (document()[:-40], 11, Rule.FILE_XML),
        ("<Results/>", 1, Rule.FILE_ROOT),
        ("<CTfile><CTFpupilData/></CTfile>", 1, Rule.FILE_HEADER),
        (f"<CTfile><CTFpupilData>{pupil()}</CTFpupilData>\n{HEADER}</CTfile>", 1, Rule.FILE_HEADER),
        (f"<CTfile>{HEADER}\n{HEADER}</CTfile>", 9, Rule.FILE_HEADER),
        (f"<CTfile>{HEADER}</CTfile>", 1, Rule.FILE_HEADER),
        (document(header=HEADER.replace("Common Transfer", "Other")), 3, Rule.FILE_HEADER),
        (document(header=HEADER.replace("<Estab>2998</Estab>", "")), 6, Rule.FILE_HEADER),
        (document(header=HEADER.replace(DESTINATION, "")), 2, Rule.FILE_HEADER),
        (document(header=HEADER.replace("4999", "4998")), 8, Rule.FILE_SCHOOL),
        (document(header=HEADER.replace("25.0", "26.0")), 3, Rule.FILE_VERSION),
        (document(header=HEADER.replace("25.0", "new")), 3, Rule.FILE_VERSION),
        (f"<!DOCTYPE CTfile [\n<!ENTITY a 'aaaa'>\n<!ENTITY b '&a;&a;'>]>{document()}", 1, Rule.FILE_DTD),
        (f"<!DOCTYPE CTfile SYSTEM 'file:///etc/hostname'>\n{document()}", 1, Rule.FILE_DTD),
        (document(pupil("<a>" * 30 + "</a>" * 30)), 11, Rule.FILE_SIZE),
        (document(pupil("<a>" + "x" * (xml.LONGEST_TEXT + 1) + "</a>")), 11, Rule.FILE_SIZE),
        (document(pupil("<a/>" * (xml.MOST_ELEMENTS + 1))), 11, Rule.FILE_SIZE),
        (document(pupil("<a " + " ".join(f"b{n}=''" for n in range(21)) + "/>")), 11, Rule.FILE_SIZE),
        (document(pupil("&undeclared;")), 11, Rule.FILE_XML),
    ],
    ids=lambda value: value if isinstance(value, Rule) else "",
)
def test_a_file_that_cannot_be_trusted_is_refused_whole(tmp_path: Path, text: str, line: int, rule: Rule) -> None:
    with pytest.raises(FileError) as refused:
        read_text(tmp_path, text)
    (fault,) = refused.value.faults
    assert (fault.rule, fault.line) == (rule, line)
    assert fault.what_to_do


def test_a_file_beyond_the_limit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "LARGEST_FILE", 100)
    with pytest.raises(FileError, match="FILE-SIZE"):
        read_text(tmp_path, document())


def test_whose_file_it_is(tmp_path: Path) -> None:
    other = HEADER.replace("2998", "1111")
    unknown = other.replace("<DestSchool><LEA>823</LEA><Estab>4999", "<DestSchool><LEA>XXX</LEA><Estab>XXXX")
    assert read_text(tmp_path, document(header=unknown)).entries
    sent = HEADER.replace("4999", "1111").replace("2998", "4999")
    assert read_text(tmp_path, document(header=sent)).entries
    with pytest.raises(FileError, match="does not know the school's LAESTAB"):
        read_text(tmp_path, document(), Addressee(None, SCHOOL.today))


@pytest.mark.parametrize(
    ("version", "today", "warned"),
    [
        ("25.0", date(2025, 8, 1), False),
        ("24.0", date(2026, 7, 31), False),
        ("23.0", date(2026, 7, 31), True),
        ("26.0", date(2026, 8, 1), True),  # may be read, but nobody has compared its elements with what we know
    ],
)
def test_two_versions_are_read_and_others_with_a_warning(
    tmp_path: Path, version: str, today: date, *, warned: bool
) -> None:
    text = document(header=HEADER.replace("25.0", version))
    found = read_text(tmp_path, text, Addressee(SCHOOL.laestab, today))
    assert [warning.rule for warning in found.warnings] == ([Rule.OLD_VERSION] if warned else [])


@pytest.mark.parametrize(
    ("body", "column", "rule"),
    [
        (stages(assessment(result="26")), "Result", Rule.ROW_CODE),
        (stages(assessment(result="")), "Result", Rule.ROW_EMPTY),
        (stages(assessment(year="25")), "Year", Rule.ROW_DATE),
        (stages(assessment(more="<ResultDate>08.07.2025</ResultDate>")), "ResultDate", Rule.ROW_DATE),
        (stages(assessment(subject="ALC")), "Subject", Rule.ROW_ASSESSMENT),
        (stages(assessment("KS9")), "Subject", Rule.ROW_ASSESSMENT),
        (f"<Attendance>{year_data(SessionsAttended='many')}</Attendance>", "SessionsAttended", Rule.ROW_NUMBER),
        (f"<Attendance>{year_data(Year='24')}</Attendance>", "Year", Rule.ROW_DATE),
        (
            f"<Attendance>{year_data(AttendanceStartDate='2019-09-03')}</Attendance>",
            "Year",
            Rule.ROW_DATE,
        ),
        (f"<Attendance>{year_data(Estab='')}</Attendance>", "Estab", Rule.ROW_EMPTY),
        (HISTORIES.replace("2022-09-05", "2022-13-05"), "FSMstartDate", Rule.ROW_DATE),
        (HISTORIES.replace("<StartDate>2023-01-09</StartDate>", ""), "StartDate", Rule.ROW_EMPTY),
        (HISTORIES.replace(">K<", ">Z<"), "SENprovision", Rule.ROW_CODE),
        (HISTORIES.replace("<SENtype>SLCN</SENtype>", ""), "SENtype", Rule.ROW_EMPTY),
    ],
)
def test_a_row_that_is_wrong_is_reported_where_it_stands_and_the_others_are_not(
    tmp_path: Path, body: str, column: str, rule: Rule
) -> None:
    good = pupil(stages(assessment()), upn="A823999921002", forename="BEN")
    found = read_text(tmp_path, document(good, pupil(body)))
    (wrong,) = [(fault.line >= 12, fault.column, fault.rule) for e in found.entries for fault in e.faults]
    assert wrong == (True, column, rule)


@pytest.mark.parametrize(
    ("wrong", "column", "rule"),
    [
        ({"upn": "B823999921001"}, "UPN", Rule.ROW_UPN),
        ({"upn": "L82399992100"}, "UPN", Rule.ROW_UPN),
        ({"born": "2013-02-30"}, "DOB", Rule.ROW_DATE),
    ],
)
def test_nothing_of_a_pupil_whose_particulars_are_wrong_is_good(
    tmp_path: Path, wrong: dict[str, str], column: str, rule: Rule
) -> None:
    found = read_text(tmp_path, document(pupil(stages(assessment(), assessment(year="2024")), **wrong)))
    assert rules(found) == [(11, column, rule)] * 2
    empty = read_text(tmp_path, document(pupil(**wrong)))
    assert rules(empty) == [(11, column, rule)]


def test_a_pupil_without_a_upn_is_named_by_what_there_is(tmp_path: Path) -> None:
    (entry,) = read_text(tmp_path, document(pupil(stages(assessment()), upn=None))).entries
    assert (entry.identity.upn, str(entry.identity)) == (None, "ANA BECK")
