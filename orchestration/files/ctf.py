"""The Common Transfer File: a pupil's record as schools hand it on, in XML (source_apis.md 3).

Element names and codes were taken from programs that write CTF, for the specification is not public as far as we could
see; the confidence of each is in the reference, and what the assessments are called stands in ``ctf_assessments.toml``.
G (to be checked against real files) are the elements of SEN needs, the end dates in histories, and that ``YearData``
names a year by the calendar year in which it begins, as the header does.

Read are assessments, attendance of former years, and the histories of free school meals, SEN and care. Names, addresses
and contacts are not: whoever is on roll comes from the MIS.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.files.faults import FileError, FileFault, Rule
from orchestration.files.records import (
    Contents,
    Entry,
    Identity,
    Item,
    Result,
    SenNeed,
    StatusPeriod,
    YearAttendance,
    academic_year,
    statutory,
)
from orchestration.files.values import day, whole
from orchestration.files.vocabulary import Vocabulary
from orchestration.files.xml import Node, records
from orchestration.targets.upn import upn_fault

#: The newest version whose elements we have seen described.
NEWEST_KNOWN = 25
_DOCUMENT = "Common Transfer File"
_VERSION = re.compile(r"(\d{2})(?:\.\d+)?")
_UNKNOWN_SCHOOL = re.compile(r"X{3}X{4}", re.IGNORECASE)
#: SEN provision (source_apis.md 4.4); the letters after E are retired and stay in histories.
_PROVISIONS = frozenset("NKEAPQS")
_TRUE = frozenset({"true", "1", "y", "yes"})


@dataclass(frozen=True, slots=True)
class Addressee:
    """The school a file is loaded for, and the day on which it is."""

    laestab: str | None
    today: date


@dataclass(slots=True)
class _Findings:
    """What is found of one pupil."""

    identity: Identity
    #: Faults of the pupil's own particulars: nothing of the pupil can be loaded.
    faults: list[FileFault] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    left_out: int = 0


def read(path: Path, addressee: Addressee, vocabulary: Vocabulary) -> Contents:
    """Read a file whole.

    The current version and the one before are read; older ones with a warning, because elements were renamed since; a
    newer one is refused, because nobody here knows what in it means something else.

    Raises ``FileError`` when it is no CTF, is cut off, is of another school or a newer version: nothing of it is used.
    """
    entries: list[Entry] = []
    warnings: list[FileFault] = []
    left_out = pupils = 0
    header: Node | None = None
    for node in records(path, "CTfile", [("Header",), ("CTFpupilData", "Pupil")]):
        if node.name == "header":
            if header is not None:
                raise _refused(path, (node.line, "Header"), Rule.FILE_HEADER, "It has a second header.", _SEND_AGAIN)
            header = node
            warnings += _check_header(path, header, addressee)
        elif header is None:
            raise _refused(
                path, (node.line, "Header"), Rule.FILE_HEADER, "A pupil comes before any header.", _SEND_AGAIN
            )
        else:
            pupils += 1
            found = _pupil(node, _written_on(header, addressee), vocabulary, warnings)
            entries += found.entries
            left_out += found.left_out
    if header is None:
        raise _refused(path, (1, "Header"), Rule.FILE_HEADER, "It has no header.", _SEND_AGAIN)
    if not pupils:
        raise _refused(path, (1, "CTFpupilData"), Rule.FILE_HEADER, "It has no pupil.", "Export it with pupils chosen.")
    return Contents(tuple(entries), tuple(warnings), left_out)


_SEND_AGAIN = "Ask the school that sent it to export it again."


def _refused(path: Path, at: tuple[int, str], rule: Rule, message: str, what_to_do: str) -> FileError:
    return FileError(path.name, [FileFault(*at, message, rule, what_to_do)])


def _check_header(path: Path, header: Node, addressee: Addressee) -> list[FileFault]:
    """Warnings of the header. Raises ``FileError`` when the file must not be read."""
    named = header.first("DocumentName")
    if named is None or named.text.casefold() != _DOCUMENT.casefold():
        line = named.line if named else header.line
        message = f"DocumentName is {named.text[:50] if named else None!r}, not {_DOCUMENT!r}."
        raise _refused(path, (line, "DocumentName"), Rule.FILE_HEADER, message, "Choose a Common Transfer File.")
    _check_schools(path, header, addressee)
    return _check_version(path, header, addressee)


def _check_schools(path: Path, header: Node, addressee: Addressee) -> None:
    source, destination = header.first("SourceSchool"), header.first("DestSchool")
    for name, school in (("SourceSchool", source), ("DestSchool", destination)):
        if school is None or not school.value("LEA") or not school.value("Estab"):
            line = school.line if school else header.line
            raise _refused(path, (line, name), Rule.FILE_HEADER, f"{name} lacks its LEA or Estab.", _SEND_AGAIN)
    assert source is not None
    assert destination is not None
    if addressee.laestab is None:
        raise _refused(
            path,
            (destination.line, "DestSchool"),
            Rule.FILE_SCHOOL,
            "Whether the file is this school's cannot be told: the platform does not know the school's LAESTAB.",
            "Have the school's local authority and establishment number entered at its partner, then load again.",
        )
    to, by = _laestab(destination), _laestab(source)
    if addressee.laestab not in (to, by) and not _UNKNOWN_SCHOOL.fullmatch(to):
        raise _refused(
            path,
            (destination.line, "DestSchool"),
            Rule.FILE_SCHOOL,
            f"It goes from {by} to {to}, and the school is {addressee.laestab}.",
            "Load it for the school it is addressed to, or ask for one addressed to this school.",
        )


def _laestab(school: Node) -> str:
    return f"{(school.value('LEA') or '').rjust(3, '0')}{(school.value('Estab') or '').rjust(4, '0')}"


def _check_version(path: Path, header: Node, addressee: Addressee) -> list[FileFault]:
    node = header.first("CTFversion")
    found = _VERSION.fullmatch(node.text) if node else None
    line = node.line if node else header.line
    current = academic_year(addressee.today) // 100 % 100
    if found is None:
        message = f"CTFversion is {node.text[:20] if node else None!r}."
        raise _refused(path, (line, "CTFversion"), Rule.FILE_VERSION, message, f"It must be a version: {current}.0.")
    version = int(found[1])
    if version > current:
        raise _refused(
            path,
            (line, "CTFversion"),
            Rule.FILE_VERSION,
            f"It is of version {version}; the present one is {current}, and what a newer one means is not known.",
            f"Ask for a file of version {current}.0 or {current - 1}.0.",
        )
    if version < current - 1:
        message = f"It is of version {version}; read are {current} and {current - 1}: what was renamed since is missed."
        return [FileFault(line, "CTFversion", message, Rule.OLD_VERSION, "Compare a pupil with the file.")]
    if version > NEWEST_KNOWN:
        message = f"It is of version {version}; the elements are known of versions up to {NEWEST_KNOWN}."
        return [FileFault(line, "CTFversion", message, Rule.OLD_VERSION, "Compare a pupil with the file.")]
    return []


def _written_on(header: Node, addressee: Addressee) -> date:
    return day((header.value("DateTime") or "")[:10]) or addressee.today


#: Which raw table an element is meant for, where it is not that of results.
_TABLES = {
    "yeardata": "prior_attendance",
    "fsminstance": "pupil_status_period",
    "sen": "pupil_status_period",
    "lookedafter": "pupil_status_period",
    "senneed": "pupil_sen_need",
}


def _pupil(pupil: Node, written_on: date, vocabulary: Vocabulary, warnings: list[FileFault]) -> _Findings:
    found = _Findings(Identity(pupil.line))
    found.identity = _identity(pupil, found.faults)
    _assessments(pupil, found, vocabulary, warnings)
    for node in pupil.all("Attendance", "YearData"):
        _add(found, node, *_attendance(node))
    for node in pupil.all("FSMhistory", "FSMinstance"):
        _add(found, node, *_period("fsm", node, "FSMstartDate", "FSMendDate"))
    for node in pupil.all("SENhistory", "SEN"):
        _add(found, node, *_period("sen", node, "StartDate", "EndDate"))
    for node in pupil.all("SENhistory", "SENneeds", "SENneed"):
        _add(found, node, *_need(node))
    care = pupil.first("LookedAfter")
    if care is not None and (care.value("InCare") or "").casefold() in _TRUE:
        # The file says that the pupil was in care when it was written, and neither since when nor how long.
        _add(found, care, StatusPeriod("in_care", None, written_on, written_on), [])
    if found.faults and not found.entries:
        found.entries.append(Entry(pupil.line, found.identity, (), pupil.values(), tuple(found.faults)))
    return found


def _add(found: _Findings, node: Node, item: Item | None, faults: Sequence[FileFault]) -> None:
    found.entries.append(
        Entry(
            node.line,
            found.identity,
            (item,) if item else (),
            {"element": node.name, **node.values()},
            (*found.faults, *faults),
            _TABLES.get(node.name, "result"),
        )
    )


def _identity(pupil: Node, faults: list[FileFault]) -> Identity:
    upn, born = pupil.value("UPN"), pupil.value("DOB")
    former = pupil.value("BasicDetails", "FormerUPN")
    birth = day(born) if born else None
    if upn and (wrong := upn_fault(upn.upper())):
        faults.append(_fault(pupil, "UPN", Rule.ROW_UPN, f"{wrong} It is {upn[:20]!r}.", _MEND_UPN))
    if born and birth is None:
        faults.append(_fault(pupil, "DOB", Rule.ROW_DATE, f"{born[:20]!r} is no date.", _WRITE_DATE))
    return Identity(
        line=pupil.line,
        upn=upn.upper() if upn else None,
        former_upn=former.upper() if former and not upn_fault(former.upper()) else None,
        uln=pupil.value("UniqueLearnerNumber"),
        surname=pupil.value("Surname"),
        forename=pupil.value("Forename"),
        date_of_birth=birth,
        uci=pupil.value("UCI"),
    )


_MEND_UPN = "Correct the UPN in the file, or take it out: name and date of birth then say who is meant."
_WRITE_DATE = "Write it as 2025-07-08."


def _fault(node: Node, column: str, rule: Rule, message: str, what_to_do: str) -> FileFault:
    at = node.first(column)
    return FileFault(at.line if at else node.line, column, message, rule, what_to_do)


def _date(node: Node, column: str, faults: list[FileFault], *, needed: bool = False) -> date | None:
    text = node.value(column)
    if text is None:
        if needed:
            faults.append(_fault(node, column, Rule.ROW_EMPTY, "It is missing.", "Add the date, or take the row out."))
        return None
    read_as = day(text)
    if read_as is None:
        faults.append(_fault(node, column, Rule.ROW_DATE, f"{text[:20]!r} is no date.", _WRITE_DATE))
    return read_as


def _number(node: Node, column: str, faults: list[FileFault]) -> int | None:
    text = node.value(column)
    number = whole(text) if text else None
    if text and number is None:
        message = f"{text[:20]!r} is no whole number."
        faults.append(_fault(node, column, Rule.ROW_NUMBER, message, "Write digits alone."))
    return number


def _period(kind: str, node: Node, start: str, end: str) -> tuple[Item | None, list[FileFault]]:
    faults: list[FileFault] = []
    starts, ends = _date(node, start, faults, needed=True), _date(node, end, faults)
    code = (node.value("SENprovision") or "").upper() or None
    if kind == "sen" and code not in _PROVISIONS:
        message = f"{code!r} is no SEN provision."
        faults.append(_fault(node, "SENprovision", Rule.ROW_CODE, message, "Use N, K or E."))
    return (StatusPeriod(kind, code, starts, ends) if starts else None), faults


def _need(node: Node) -> tuple[Item | None, list[FileFault]]:
    faults: list[FileFault] = []
    need = (node.value("SENtype") or "").upper()
    if not need:
        faults.append(_fault(node, "SENtype", Rule.ROW_EMPTY, "It is missing.", "Add the type, or take the need out."))
    rank = _number(node, "SENtypeRank", faults)
    starts, ends = _date(node, "StartDate", faults), _date(node, "EndDate", faults)
    return (SenNeed(need, rank, starts, ends) if need else None), faults


def _attendance(node: Node) -> tuple[Item | None, list[FileFault]]:
    faults: list[FileFault] = []
    start = _number(node, "Year", faults)
    began = _date(node, "AttendanceStartDate", faults)
    year = academic_year(date(start, 8, 1)) if start and 1990 <= start <= 2100 else None
    if began is not None:
        # The day on which it began leaves no doubt what the number of the year means, if it is near it at all.
        dated = academic_year(began)
        year = dated if start in (None, dated // 100, dated // 100 + 1) else None
    if year is None and not faults:
        message = f"{node.value('Year')!r} is no school year that agrees with the start date."
        faults.append(_fault(node, "Year", Rule.ROW_DATE, message, "Write the calendar year in which it began."))
    for column in ("LEA", "Estab"):
        if node.value(column) is None:
            what_to_do = "Add the school's number, or take the year out."
            faults.append(_fault(node, column, Rule.ROW_EMPTY, "It is missing.", what_to_do))
    possible, attended, authorised, unauthorised = (
        _number(node, f"Sessions{what}", faults) for what in ("Possible", "Attended", "Authorised", "Unauthorised")
    )
    if year is None:
        return None, faults
    item = YearAttendance(
        year,
        (node.value("LEA") or "").rjust(3, "0"),
        (node.value("Estab") or "").rjust(4, "0"),
        possible,
        attended,
        authorised,
        unauthorised,
    )
    return item, faults


@cache
def _assessment_map() -> Sequence[Mapping[str, Any]]:
    declared = tomllib.loads(Path(__file__).with_name("ctf_assessments.toml").read_text(encoding="utf-8"))
    entries: Sequence[Mapping[str, Any]] = declared["assessment"]
    return entries


def _assessments(pupil: Node, found: _Findings, vocabulary: Vocabulary, warnings: list[FileFault]) -> None:
    """Results of all stages. Where a provisional and a real result stand side by side, the real one counts."""
    real = {_what(stage, node) for stage, node in _each_assessment(pupil) if node.value("ResultStatus") == "R"}
    for stage, node in _each_assessment(pupil):
        if (node.value("Locale") or "ENG").upper() != "ENG":
            found.left_out += 1
            message = f"An assessment of {node.value('Locale')!r} was left out."
            warning = _fault(node, "Locale", Rule.OTHER_COUNTRY, message, "Nothing: only England's are understood.")
            warnings.append(warning)
        elif node.value("ResultStatus") == "P" and _what(stage, node) in real:
            found.left_out += 1
        else:
            item, faults = _result(stage, node, vocabulary)
            if item is None and not faults:
                found.left_out += 1
            else:
                _add(found, node, item, faults)


def _each_assessment(pupil: Node) -> Iterator[tuple[str, Node]]:
    for key_stage in pupil.all("StageAssessments", "KeyStage"):
        stage = (key_stage.value("Stage") or "").upper()
        for node in key_stage.all("StageAssessment"):
            yield stage, node


def _what(stage: str, node: Node) -> tuple[str | None, ...]:
    return stage, *(node.value(part) for part in ("Year", "Subject", "Method", "Component", "ResultQualifier"))


def _result(stage: str, node: Node, vocabulary: Vocabulary) -> tuple[Item | None, list[FileFault]]:
    """The result; None without a fault for one that is known and left out."""
    faults: list[FileFault] = []
    year, value = _number(node, "Year", faults), node.value("Result")
    dated = _date(node, "ResultDate", faults)
    if value is None:
        faults.append(_fault(node, "Result", Rule.ROW_EMPTY, "It is missing.", "Add the result, or take it out."))
    if year is None or not 1990 <= year <= 2100:
        what_to_do = "Write the calendar year in which the school year ended."
        faults.append(_fault(node, "Year", Rule.ROW_DATE, f"{node.value('Year')!r} is no year.", what_to_do))
    parts = {
        "stage": stage,
        "subject": (node.value("Subject") or "").upper(),
        "method": (node.value("Method") or "").upper(),
        "component": (node.value("Component") or "").upper(),
        "qualifier": (node.value("ResultQualifier") or "").upper(),
    }
    fitting = [
        entry
        for entry in _assessment_map()
        if all(value in entry[part] for part, value in parts.items() if part in entry)
    ]
    if not fitting:
        message = f"No assessment is known of {', '.join(f'{part} {value!r}' for part, value in parts.items())}."
        faults.append(_fault(node, "Subject", Rule.ROW_ASSESSMENT, message, _EXTEND_MAP))
    if faults:
        return None, faults
    assert year is not None
    assert value is not None
    occasion = statutory(_STAGES.get(stage, stage), academic_year(date(year, 7, 1)))
    result: Result | None = None
    for entry in fitting:
        if "aspect" not in entry:
            return None, []
        aspect = str(entry["aspect"]).format(**parts)
        measure = vocabulary.measure(aspect)
        result = Result(aspect, occasion, value, dated or occasion.end_date)
        if measure is not None and vocabulary.takes(measure.scale, value, result.result_date):
            return result, []
    message = f"{value[:20]!r} is no result of {result.aspect if result else stage!r}."
    return result, [_fault(node, "Result", Rule.ROW_CODE, message, "Correct it, or take the assessment out.")]


_STAGES = {"FSP": "EYFS", "EYF": "EYFS"}
_EXTEND_MAP = "Take the assessment out, or have it added to orchestration/files/ctf_assessments.toml."
