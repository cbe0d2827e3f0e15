"""The words that results are understood by: the seeds which dbt maps them with, read from the same files.

So what a file may say and what the warehouse can place are one list, and an operator who extends a seed extends both.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

_EVERY_SCHOOL = "*"
_WHOLE_NUMBER = re.compile(r"^([0-9]+)[.]0+$")


@dataclass(frozen=True, slots=True)
class Measure:
    """What an aspect is of, as the seed ``attainment_aspect`` has it; no attainment has no scale."""

    stage: str
    kind: str
    qualification: str
    subject: str
    scale: str


@dataclass(frozen=True, slots=True)
class _Grade:
    grade: str
    valid_from: str
    valid_to: str


class Vocabulary:
    """Aspects, scales and spellings, for one school: its own rows go before those of all schools.

    Follows models/core/attainment.sql in how a name is looked up and how a value is read.
    """

    def __init__(
        self,
        aspects: Iterable[Mapping[str, str]],
        scales: Iterable[Mapping[str, str]],
        spellings: Iterable[Mapping[str, str]],
        laestab: str | None = None,
    ) -> None:
        mine = (_EVERY_SCHOOL, laestab)
        rows = sorted((row for row in aspects if row["laestab"] in mine), key=_precedence)
        self._names = tuple(row["aspect"] for row in rows)
        self._ranked: list[tuple[re.Pattern[str] | str, Measure]] = []
        for row in rows:
            measure = Measure(row["stage"], row["kind"], row["qualification"], row["subject"], row["scale"])
            name = row["aspect"]
            self._ranked.append((_pattern(name) if "%" in name or "_" in name else name.casefold(), measure))
        self._grades: dict[str, list[_Grade]] = defaultdict(list)
        for row in scales:
            self._grades[row["scale"]].append(_Grade(row["grade"], row["valid_from"], row["valid_to"]))
        self._spellings = {
            (row["scale"], row["received"].upper()): row["grade"]
            for row in sorted(spellings, key=lambda row: row["laestab"] != _EVERY_SCHOOL)
            if row["laestab"] in mine
        }
        self._found: dict[str, Measure | None] = {}

    def measure(self, aspect: str) -> Measure | None:
        """What an aspect of this name is of; None when no seed knows it."""
        if aspect not in self._found:
            self._found[aspect] = next((measure for name, measure in self._ranked if _fits(name, aspect)), None)
        return self._found[aspect]

    def subjects(self, pattern: str) -> tuple[str, ...]:
        """What may stand for ``{subject}`` in an aspect, whose other words are as the seed writes them."""
        before, _, after = pattern.partition("{subject}")
        inside = (
            name[len(before) : len(name) - len(after)]
            for name in self._names
            if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
        )
        return tuple(sorted({name for name in inside if "(9-1)" not in name and "%" not in name}))

    def takes(self, scale: str, value: str, on: date) -> bool:
        """Whether a value, as it came, is a grade of the scale on a day."""
        read = self._spellings.get((scale, value.strip().upper())) or _WHOLE_NUMBER.sub(r"\1", value.strip())
        return any(
            grade.grade.upper() == read.upper() and grade.valid_from <= on.isoformat() <= grade.valid_to
            for grade in self._grades[scale]
        )

    def grades(self, scale: str) -> tuple[str, ...]:
        """The grades of a scale, in the seed's order, each once."""
        return tuple(dict.fromkeys(grade.grade for grade in self._grades[scale]))

    def is_numeric(self, scale: str) -> bool:
        """Whether a scale is of marks or scores: twenty whole numbers or more, which no scale of grades has."""
        return sum(grade.isdecimal() for grade in self.grades(scale)) >= 20


def read_vocabulary(folder: Path, laestab: str | None = None) -> Vocabulary:
    """The vocabulary of a school, from the folder of the attainment seeds."""
    names = ("attainment_aspect", "grade_scale", "grade_spelling")
    aspects, scales, spellings = (_rows(folder / f"{name}.csv") for name in names)
    return Vocabulary(aspects, scales, spellings, laestab)


def listed(grades: Sequence[str]) -> str:
    """Grades for people: runs of whole numbers as a range."""
    numbers = [int(grade) for grade in grades if grade.isdecimal()]
    if len(numbers) < 4 or sorted(numbers) != list(range(min(numbers), max(numbers) + 1)):
        return ", ".join(grades)
    others = [grade for grade in grades if not grade.isdecimal()]
    return ", ".join([f"{min(numbers)} to {max(numbers)}", *others])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _precedence(row: Mapping[str, str]) -> tuple[bool, bool, int, str]:
    name = row["aspect"]
    return row["laestab"] == _EVERY_SCHOOL, "%" in name, -len(name), name


def _pattern(name: str) -> re.Pattern[str]:
    parts = (".*" if part == "%" else "." if part == "_" else re.escape(part) for part in re.split(r"([%_])", name))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _fits(name: re.Pattern[str] | str, aspect: str) -> bool:
    return name == aspect.casefold() if isinstance(name, str) else name.fullmatch(aspect) is not None
