"""What comes in files reaches core as what comes from a partner does: every template, and the transfer file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from raw_rows import pupil, put, school

from orchestration.files import template_files
from orchestration.files.loading import load_file
from orchestration.files.reading import Request
from orchestration.files.templates import TEMPLATES
from orchestration.files.vocabulary import read_vocabulary
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

UPN = "L823999921001"
CTF = f"""<CTfile><Header><DocumentName>Common Transfer File</DocumentName><CTFversion>24.0</CTFversion>
<SourceSchool><LEA>823</LEA><Estab>2998</Estab></SourceSchool><DestSchool><LEA>XXX</LEA><Estab>XXXX</Estab></DestSchool>
</Header><CTFpupilData><Pupil><UPN>{UPN}</UPN>
<SENhistory><SENneeds><SENneed><SENtypeRank>1</SENtypeRank><SENtype>SLCN</SENtype></SENneed>
<SENneed><SENtypeRank>2</SENtypeRank><SENtype>ASD</SENtype></SENneed></SENneeds></SENhistory>
<Attendance><YearData><Year>2022</Year><LEA>823</LEA><Estab>2998</Estab><SessionsPossible>380</SessionsPossible>
<SessionsAttended>361</SessionsAttended><SessionsAuthorised>12</SessionsAuthorised>
<SessionsUnauthorised>7</SessionsUnauthorised></YearData></Attendance>
<StageAssessments><KeyStage><Stage>KS2</Stage><StageAssessment><Locale>ENG</Locale><Year>2024</Year><Subject>REA</Subject>
<Method>TT</Method><Component></Component><ResultStatus>R</ResultStatus><ResultQualifier>SS</ResultQualifier>
<Result>110</Result></StageAssessment></KeyStage></StageAssessments></Pupil></CTFpupilData></CTfile>"""


@pytest.fixture(scope="module")
def connection(
    module_warehouse: Warehouse, dbt: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """A pupil for whom the example of every template and a transfer file have been loaded, built to core."""
    folder = tmp_path_factory.mktemp("files")
    settings = Settings(database_url=SecretStr(module_warehouse.url), home=folder / "home")
    vocabulary = read_vocabulary(settings.attainment_dir)
    with module_warehouse.connect(autocommit=True) as opened:
        elm = school(opened, "Elm", "ALL THROUGH")
        opened.execute("update ops.school set la_code = '823', establishment_number = '4999'")
        pupil(opened, elm, "A1", upn=UPN)
        need = {"need_id": "N1", "need_type": "SLCN", "rank": 2}
        put(opened, "pupil_sen_need", school_id=elm, pupil_id="A1", extract_id=1, **need)
        for name, template in TEMPLATES.items():
            example = {column.name: column.example for column in template.columns}
            cells = example | {"upn": UPN, "surname": "", "forename": "", "date_of_birth": ""}
            path = folder / f"{name}.csv"
            template_files.write(path, template, vocabulary, [cells])
            report = load_file(module_warehouse, settings, Request(path, name, elm, "ada"))
            assert (report.state, report.faults) == ("loaded", ())
        path = folder / "ctf.xml"
        path.write_text(CTF, encoding="utf-8")
        report = load_file(module_warehouse, settings, Request(path, "ctf", elm, "ada"))
        assert (report.state, report.faults) == ("loaded", ())
        dbt(
            "build",
            "--exclude-resource-type",
            "unit_test",
            "--indirect-selection",
            "cautious",  # tests that look at other models too have none here
            "--select",
            "+attainment",
            "+sen_need",
            "+stg_prior_attendance",
        )
        yield opened


def test_every_result_of_a_file_is_mapped(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute(
        "select aspect, mapping from core.attainment where mapping <> 'mapped' order by 1"
    ).fetchall()
    assert found == []
    assert connection.execute("select count(*) from core.attainment").fetchone() == (
        connection.execute("select count(*) from raw.result").fetchone()
    )


def test_results_have_grade_points_and_year(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute(
        """
        select kind, qualification, subject, grade, points::float8, academic_year, result_date
        from core.attainment
        where aspect in (
            'KS2 Reading scaled score', 'GCSE Mathematics', 'A level Mathematics', 'CAT4 Verbal',
            'Mathematics working at grade', 'Multiplication tables check mark', 'EYFS E01'
        )
        order by qualification, subject, academic_year
        """
    ).fetchall()
    assert found == [
        ("statutory", "EYFS profile", "Listening, attention and understanding", "2", 2, 202425, date(2025, 7, 1)),
        ("statutory", "GCE A level", "Mathematics", "B", 40, 202425, date(2025, 8, 1)),
        ("statutory", "GCSE", "Mathematics", "6", 6, 202425, date(2025, 8, 1)),
        ("current", "GCSE", "Mathematics", "5", 5, 202526, date(2025, 12, 5)),
        ("statutory", "KS2 test", "Reading", "110", 110, 202324, date(2024, 7, 1)),
        ("statutory", "KS2 test", "Reading", "104", 104, 202425, date(2025, 7, 1)),
        ("statutory", "Multiplication tables check", "Multiplication tables", "21", 21, 202425, date(2025, 7, 1)),
        ("standardised", "Standardised test", "CAT4 verbal", "108", 108, 202526, date(2025, 9, 16)),
    ]


def test_a_need_that_the_mis_knows_is_not_there_twice(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute("select need_id, need_type, rank from core.sen_need order by 1").fetchall()
    assert found == [("N1", "SLCN", 2), ("file:ASD", "ASD", 2)]


def test_attendance_of_former_years_is_staged(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute(
        "select academic_year, laestab, possible_sessions, attended_sessions, authorised_sessions,"
        " unauthorised_sessions from staging.stg_prior_attendance"
    ).fetchall()
    assert found == [(202223, "8232998", 380, 361, 12, 7)]
