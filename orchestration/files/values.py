"""Cells of a file as values: dates, whole numbers, numbers of pupils. What they are not is said, not guessed."""

from __future__ import annotations

import re
from datetime import date

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_YEAR = re.compile(r"(\d{4})(?:/(\d{2}|\d{4})|(\d{2}))")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SERIES = re.compile(r"([a-z]{3})[a-z]* +(\d{4})|(\d{4})-(\d{2})(?:-\d{2})?", re.IGNORECASE)


def day(text: str) -> date | None:
    """A date, written 2025-07-08 or, as in British spreadsheets, 08/07/2025; None for anything else."""
    if found := _ISO.fullmatch(text):
        year, month, number = found.groups()
    elif found := _BRITISH.fullmatch(text):
        number, month, year = found.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        return None


def school_year(text: str) -> int | None:
    """An academic year, written 2024/25, 2024/2025 or 202425, as 202425; None when it is none."""
    found = _YEAR.fullmatch(text)
    if found is None:
        return None
    start, end = int(found[1]), found[2] or found[3]
    return start * 100 + int(end[-2:]) if str(start + 1).endswith(end) else None


def series(text: str) -> tuple[int, int] | None:
    """Year and month of an examination series, written June 2025 or 2025-06; None when it is none."""
    found = _SERIES.fullmatch(text.strip())
    if found is None:
        return None
    if found[1] is None:
        year, month = int(found[3]), int(found[4])
    elif found[1].casefold() in _MONTHS:
        year, month = int(found[2]), _MONTHS.index(found[1].casefold()) + 1
    else:
        return None
    return (year, month) if 1 <= month <= 12 else None


def whole(text: str) -> int | None:
    """A whole number that is not negative and has no more than 9 digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
