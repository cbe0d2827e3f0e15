"""What is common to checking files of references: every fault of a file is named by line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from orchestration.estimates.errors import EstimateError

FIRST_YEAR = 2017  # of grades 9 to 1
_SHOWN = 20

#: For each column what a cell must keep to, and what to say when it does not.
Cells = Mapping[str, tuple[Callable[[str], bool], str]]


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong with one row: its line in the file (the heading is line 1), the column, what to do."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


class ReferenceError(EstimateError):
    """A reference that cannot be used. ``problems`` has every row's fault, in the order of the file."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        lines = "\n".join(str(problem) for problem in self.problems[:_SHOWN])
        super().__init__(f"{name} cannot be used as a reference; nothing was loaded.\n{lines}{more}")


def as_text(frame: pd.DataFrame, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    """The cells as text, when the columns are those of the format and there are rows.

    Raises:
        ReferenceError: a column is missing or unknown, or there are no rows.
    """
    missing = [column for column in columns if column not in frame.columns]
    unknown = [str(column) for column in frame.columns if column not in columns]
    heading = [Problem(1, column, "The column is missing; add it.") for column in missing]
    heading += [Problem(1, column, "This is no column of a reference; remove it.") for column in unknown]
    if not heading and frame.empty:
        heading = [Problem(1, "pupils", "The file has no rows.")]
    refuse(name, heading)
    return frame.loc[:, list(columns)].reset_index(drop=True).map(_text)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip()


def faults(text: pd.DataFrame, cells: Cells) -> list[Problem]:
    """Faults of single cells."""
    return [
        problem
        for column, (holds, message) in cells.items()
        for problem in _wrong(text[column], ~text[column].map(holds), message)
    ]


def _wrong(cells: pd.Series[str], wrong: pd.Series[bool], message: str) -> Iterator[Problem]:
    for line in cells.index[wrong]:
        yield Problem(int(line) + 2, str(cells.name), f"{message} Found {cells.at[line]!r}.")


def number(value: str) -> float | None:
    """The number that a cell holds; None when it holds none, or no finite one."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if found - found == 0 else None


def whole(value: str) -> bool:
    """Whether a cell holds a whole number, 0 or more."""
    found = number(value)
    return found is not None and found >= 0 and found == int(found)


def not_negative(value: str) -> bool:
    """Whether a cell holds a number, 0 or more."""
    found = number(value)
    return found is not None and found >= 0


def refuse(name: str, problems: list[Problem]) -> None:
    """Refuse the file when there are problems.

    Raises:
        ReferenceError: there are.
    """
    if problems:
        raise ReferenceError(name, problems)


def at(rows: pd.DataFrame, wrong: pd.Series[bool], column: str, message: str) -> list[Problem]:
    """The same fault of several rows."""
    return [Problem(int(line) + 2, column, message) for line in rows.index[wrong]]


def one_release(rows: pd.DataFrame) -> list[Problem]:
    """Rows of another stage, year, release or source than the first's."""
    return [
        problem
        for column in ("stage", "reference_year", "release", "source")
        for problem in at(
            rows,
            rows[column] != rows[column].iloc[0],
            column,
            f"Differs from the first row ({rows[column].iloc[0]}): one file holds one release of one year.",
        )
    ]
