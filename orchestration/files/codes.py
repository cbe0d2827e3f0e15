"""Entry codes of examinations: which qualification and subject an awarding organisation means by 8300.

The list that comes with the platform has a few well-known ones from general knowledge (confidence G): the awarding
organisations publish theirs each series. An installation names a list of its own with ``MIS_ENTRY_CODES``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.files.faults import FileError, FileFault, Rule
from orchestration.files.templates import EXAMINATIONS

_SHIPPED = Path(__file__).with_name("entry_codes.csv")
_COLUMNS = ["entry_code", "qualification", "subject"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What is examined under a code."""

    qualification: str
    subject: str


@dataclass(frozen=True, slots=True)
class EntryCodes:
    """Examinations by code."""

    by_code: Mapping[str, Examined]

    def find(self, code: str) -> Examined | None:
        """What a code is of. A letter behind it, such as the tier in 8300H, may be missing from the list."""
        written = code.strip().upper()
        return self.by_code.get(written) or self.by_code.get(written[:-1] if written[-1:].isalpha() else written)


def read_codes(path: Path | None = None) -> EntryCodes:
    """The list at ``path``, or the one that comes with the platform.

    Raises FileError when it has other columns, or names a qualification that no template has.
    """
    chosen = path or _SHIPPED
    with chosen.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != _COLUMNS:
            message, what_to_do = f"Its columns are {reader.fieldnames}.", f"They must be {', '.join(_COLUMNS)}."
            raise FileError(chosen.name, [FileFault(1, "heading", message, Rule.FILE_COLUMN, what_to_do)])
        rows = list(enumerate(reader, 2))
    wrong = [
        FileFault(
            line,
            "qualification",
            f"{row['qualification']!r} is no qualification of ours.",
            Rule.FILE_COLUMN,
            f"Use one of {', '.join(EXAMINATIONS)}.",
        )
        for line, row in rows
        if row["qualification"] not in EXAMINATIONS
    ]
    if wrong:
        raise FileError(chosen.name, wrong)
    return EntryCodes({row["entry_code"].upper(): Examined(row["qualification"], row["subject"]) for _, row in rows})
