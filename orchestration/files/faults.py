"""What can be wrong with a file: where, which rule, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 20


class Rule(StrEnum):
    """Ids of the rules that a file can break, as they stand in ``ops.file_fault`` and docs/files.md.

    Those of a file reject all of it; those of a row concern one row of it.
    """

    FILE_TYPE = "FILE-TYPE"
    FILE_SIZE = "FILE-SIZE"
    FILE_ENCODING = "FILE-ENCODING"
    FILE_XML = "FILE-XML"
    FILE_DTD = "FILE-DTD"
    FILE_ROOT = "FILE-ROOT"
    FILE_HEADER = "FILE-HEADER"
    FILE_TRAILER = "FILE-TRAILER"
    FILE_SCHOOL = "FILE-SCHOOL"
    FILE_VERSION = "FILE-VERSION"
    FILE_COLUMN = "FILE-COLUMN"
    FILE_CELLS = "FILE-CELLS"
    FILE_FORMULA = "FILE-FORMULA"
    FILE_LENGTH = "FILE-LENGTH"
    FILE_RECORD = "FILE-RECORD"
    FILE_COUNT = "FILE-COUNT"
    ROW_EMPTY = "ROW-EMPTY"
    ROW_DATE = "ROW-DATE"
    ROW_NUMBER = "ROW-NUMBER"
    ROW_LENGTH = "ROW-LENGTH"
    ROW_UPN = "ROW-UPN"
    ROW_ASSESSMENT = "ROW-ASSESSMENT"
    ROW_CODE = "ROW-CODE"
    ROW_TWICE = "ROW-TWICE"
    ROW_NO_PUPIL = "ROW-NO-PUPIL"
    ROW_TWO_PUPILS = "ROW-TWO-PUPILS"
    ROW_BIRTH = "ROW-BIRTH"
    OLD_VERSION = "OLD-VERSION"
    OTHER_COUNTRY = "OTHER-COUNTRY"


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """What is wrong at a line of a file (the first is 1) in a column, and what to change."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


@dataclass(frozen=True, slots=True, order=True)
class FileFault(FileProblem):
    """A problem with the rule that was broken, for programs, and what to do said apart."""

    rule: str
    what_to_do: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message} {self.what_to_do} [{self.rule}]"


class FileError(ValueError):
    """A file that cannot be read as what it should be; nothing of it was loaded.

    The text names the lines and columns, and what to change.
    """

    def __init__(self, name: str, problems: Sequence[FileProblem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listed = "\n".join(str(problem) for problem in self.problems[:_SHOWN])
        super().__init__(f"{name} was not read; nothing was loaded.\n{listed}{more}")

    @property
    def faults(self) -> tuple[FileFault, ...]:
        """The problems with rule and advice; those that have none of their own are of the file's type."""
        return tuple(
            problem
            if isinstance(problem, FileFault)
            else FileFault(problem.line, problem.column, problem.message, Rule.FILE_TYPE, "")
            for problem in self.problems
        )
