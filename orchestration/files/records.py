"""What readers find in a file, whatever its format: whom a row is about, and what it says.

Readers are pure: they know no database, and which pupil of the school is meant is found later (``matching``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from orchestration.files.faults import FileFault


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a row is about, as the file says. ``line`` is where it says so; what it does not say is None.

    ``candidate_number`` is a centre's number for a pupil in the examinations of ``exam_year`` (202425), ``uci`` the
    awarding organisations' own, for life.
    """

    line: int
    upn: str | None = None
    former_upn: str | None = None
    uln: str | None = None
    surname: str | None = None
    forename: str | None = None
    date_of_birth: date | None = None
    uci: str | None = None
    candidate_number: str | None = None
    exam_year: int | None = None

    def __str__(self) -> str:
        """What identifies the pupil in a report: a number where there is one, for a report is passed on."""
        named = " ".join(part for part in (self.forename, self.surname) if part)
        return self.upn or self.uln or self.uci or self.candidate_number or named or f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Occasion:
    """When something was assessed: a name that does not change when a result is corrected, and its last day."""

    name: str
    end_date: date


@dataclass(frozen=True, slots=True)
class Result:
    """A result: an aspect by a name that the seed ``attainment_aspect`` knows, and the value as it came."""

    aspect: str
    occasion: Occasion
    value: str
    result_date: date


@dataclass(frozen=True, slots=True)
class StatusPeriod:
    """A dated period; ``kind`` is fsm, sen or in_care, ``code`` the SEN provision."""

    kind: str
    code: str | None
    start_date: date
    end_date: date | None


@dataclass(frozen=True, slots=True)
class SenNeed:
    """A special educational need; rank 1 is the primary one."""

    need_type: str
    rank: int | None
    start_date: date | None
    end_date: date | None


@dataclass(frozen=True, slots=True)
class YearAttendance:
    """Sessions of a pupil at a school in an academic year (202425)."""

    academic_year: int
    la_code: str
    establishment_number: str
    possible: int | None
    attended: int | None
    authorised: int | None
    unauthorised: int | None


Item = Result | StatusPeriod | SenNeed | YearAttendance


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a file, which is loaded whole or not at all: a line of a template, a record, an item of a CTF pupil.

    ``cells`` is what it held, for the quarantine, and ``table`` the raw table it is meant for. With a fault it is bad.
    """

    line: int
    identity: Identity
    items: tuple[Item, ...]
    cells: Mapping[str, str]
    faults: tuple[FileFault, ...] = ()
    table: str = "result"


@dataclass(frozen=True, slots=True)
class Contents:
    """A file that has been read. ``left_out`` counts rows that are right but of no use: a raw mark, an empty line."""

    entries: tuple[Entry, ...]
    warnings: tuple[FileFault, ...] = ()
    left_out: int = 0


def academic_year(day: date) -> int:
    """The academic year of a day, from 1 August on: 202425."""
    start = day.year if day.month >= 8 else day.year - 1
    return start * 100 + (start + 1) % 100


def year_name(year: int) -> str:
    """202425 as 2024/25."""
    return f"{year // 100}/{year % 100:02}"


#: When statutory results are out, for those without a date of their own: after the tests, before the summer ends.
_RESULTS_OUT = (7, 1)


def statutory(stage: str, year: int) -> Occasion:
    """The occasion of a key stage's results in an academic year (202425): one name, whichever file they come in."""
    return Occasion(f"{stage} {year_name(year)}", date(year // 100 + 1, *_RESULTS_OUT))
