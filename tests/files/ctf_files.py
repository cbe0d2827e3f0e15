"""Common Transfer Files for the tests, written by hand; all people in them are invented."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestration.files.ctf import Addressee, read
from orchestration.files.records import Contents
from orchestration.files.vocabulary import read_vocabulary

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "attainment"
TODAY = date(2025, 9, 15)  # the current version is 25
SCHOOL = Addressee("8234999", TODAY)
UPN = "L823999921001"

HEADER = """<Header>
    <DocumentName>Common Transfer File</DocumentName><CTFversion>25.0</CTFversion>
    <DateTime>2025-09-02T08:00:00</DateTime><DocumentQualifier>partial</DocumentQualifier>
    <SupplierID>Stand-in MIS</SupplierID>
    <SourceSchool><LEA>823</LEA><Estab>2998</Estab><SchoolName>Mill Primary</SchoolName>
      <AcademicYear>2025</AcademicYear></SourceSchool>
    <DestSchool><LEA>823</LEA><Estab>4999</Estab></DestSchool>
  </Header>"""


def assessment(
    stage: str = "KS2",
    *,
    subject: str = "MAT",
    method: str = "TT",
    component: str = "MTC",
    result: str = "22",
    year: str = "2025",
    qualifier: str = "MT",
    status: str = "R",
    locale: str = "ENG",
    more: str = "",
) -> str:
    return (
        f"<KeyStage><Stage>{stage}</Stage><StageAssessment><Locale>{locale}</Locale><Year>{year}</Year>"
        f"<Subject>{subject}</Subject><Method>{method}</Method><Component>{component}</Component>"
        f"<ResultStatus>{status}</ResultStatus><ResultQualifier>{qualifier}</ResultQualifier>"
        f"<Result>{result}</Result>{more}</StageAssessment></KeyStage>"
    )


def stages(*assessments: str) -> str:
    return f"<StageAssessments>{''.join(assessments)}</StageAssessments>"


def year_data(**changes: str) -> str:
    cells = {
        "Year": "2024",
        "LEA": "823",
        "Estab": "2998",
        "SessionsPossible": "380",
        "SessionsAttended": "361",
        "SessionsAuthorised": "12",
        "SessionsUnauthorised": "7",
    } | changes
    return "<YearData>" + "".join(f"<{name}>{value}</{name}>" for name, value in cells.items() if value) + "</YearData>"


HISTORIES = """<LookedAfter><InCare>true</InCare><CareAuthority>823</CareAuthority></LookedAfter>
<FSMhistory><FSMreviewDate>2025-09-01</FSMreviewDate>
  <FSMinstance><FSMstartDate>2022-09-05</FSMstartDate><FSMendDate>2024-07-19</FSMendDate><UKcountry>ENG</UKcountry>
  </FSMinstance></FSMhistory>
<SENhistory><SEN><StartDate>2023-01-09</StartDate><SENprovision>K</SENprovision></SEN>
  <SENneeds><SENneed><SENtypeRank>1</SENtypeRank><SENtype>SLCN</SENtype></SENneed></SENneeds></SENhistory>"""


def pupil(
    body: str = "",
    *,
    upn: str | None = UPN,
    surname: str = "BECK",
    forename: str = "ANA",
    born: str = "2013-11-05",
    sex: str = "<Sex>F</Sex>",
) -> str:
    number = f"<UPN>{upn}</UPN>" if upn else ""
    named = f"<Surname>{surname}</Surname><Forename>{forename}</Forename><DOB>{born}</DOB>"
    return f"<Pupil>{number}{named}{sex}{body}</Pupil>"


def document(*pupils: str, header: str = HEADER) -> str:
    listed = "\n".join(pupils or [pupil(stages(assessment()))])
    return f"<CTfile>\n  {header}\n  <CTFpupilData>\n{listed}\n  </CTFpupilData>\n</CTfile>\n"


def put(folder: Path, text: str | bytes, name: str = "8232998_CTF_8234999_001.xml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read_text(folder: Path, text: str | bytes, addressee: Addressee = SCHOOL) -> Contents:
    return read(put(folder, text), addressee, read_vocabulary(SEEDS, addressee.laestab))
