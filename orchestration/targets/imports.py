"""Loading a file of targets: what its rows say, which pupils they are about, and a report of what cannot be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.access.people import Person
from orchestration.files.faults import FileError, FileProblem
from orchestration.targets import service
from orchestration.targets.faults import Fault
from orchestration.targets.files import FileRow, read
from orchestration.targets.groups import Connection
from orchestration.targets.rules import Key, Proposal, Source
from orchestration.targets.upn import upn_fault

#: The column in which a person finds what a refusal is about.
_COLUMN_OF = {
    Fault.NOT_ON_ROLL: "upn",
    Fault.NOT_TAUGHT: "subject",
    Fault.NOT_INCLUDED: "subject",
    Fault.NOT_ALLOWED: "subject",
    Fault.STALE_VERSION: "version",
    Fault.TOO_LONG: "rationale",
    Fault.REASON_NEEDED: "status",
    Fault.WRONG_STATUS: "status",
}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: rows in it, targets loaded, rows without another target, and what cannot be loaded."""

    rows: int
    loaded: int
    unchanged: int
    problems: tuple[FileProblem, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    line: int
    proposal: Proposal


def import_file(
    connection: Connection, person: Person, path: Path, *, good_rows: bool = False, comment: str | None = None
) -> ImportReport:
    """Propose what a file wants, all of it, or with ``good_rows`` what can be; rows with an empty target are left out.

    Raises FileError for a file that is not the template's, and TargetError for a person who may not use files. What is
    wrong with single rows is in the report.
    """
    rows = read(path)
    wanting = [row for row in rows if row.cells["target"] not in ("", row.cells["present_target"])]
    if not wanting:
        return ImportReport(len(rows), 0, len(rows), ())
    school_id, academic_year = _of_one_school(path, rows)
    wanted, problems = _wanted(wanting, school_id, academic_year, service.pupils_by_upn(connection, person, school_id))
    drafts, refused = service.draft(connection, person, [one.proposal for one in wanted], comment)
    problems += [
        FileProblem(wanted[one.index].line, _COLUMN_OF.get(one.error.fault, "target"), str(one.error))
        for one in refused
    ]
    loaded = drafts if good_rows or not problems else []
    service.write(connection, loaded)
    return ImportReport(len(rows), len(loaded), len(rows) - len(wanting), tuple(sorted(problems)))


def _of_one_school(path: Path, rows: Sequence[FileRow]) -> tuple[int, int]:
    """School and year of a file. Raises FileError when they are no numbers, or not the same in every row."""
    first = rows[0].cells
    problems = [
        FileProblem(row.line, column, f"It must be a number, the same in every row; it is {row.cells[column]!r}.")
        for row in rows
        for column in ("school", "academic_year")
        if not row.cells[column].isdecimal() or row.cells[column] != first[column]
    ]
    if problems:
        raise FileError(path.name, problems)
    return int(first["school"]), int(first["academic_year"])


def _wanted(
    rows: Sequence[FileRow], school_id: int, academic_year: int, pupils: dict[str, int]
) -> tuple[list[_Wanted], list[FileProblem]]:
    wanted: list[_Wanted] = []
    problems: list[FileProblem] = []
    for row in rows:
        cells = row.cells
        fault = upn_fault(cells["upn"])
        if fault is None and cells["upn"] not in pupils:
            fault = f"School {school_id} has no pupil with this UPN on roll."
        if fault is not None:
            problems.append(FileProblem(row.line, "upn", f"{fault} Correct the UPN, or remove the row."))
        elif not cells["version"].isdecimal():
            problems.append(FileProblem(row.line, "version", "It must be the template's number: take a new template."))
        else:
            key = Key(school_id, pupils[cells["upn"]], academic_year, cells["qualification"], cells["subject"])
            rationale = cells["rationale"] or None
            proposal = Proposal(key, int(cells["version"]), cells["target"], rationale, Source.IMPORT)
            wanted.append(_Wanted(row.line, proposal))
    return wanted, problems
