"""Figures as people read them. Rounding is here and nowhere before: half away from zero, one place."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

#: What stands where there is no figure, as in DfE's tables.
NOT_AVAILABLE = "–"
SUPPRESSED = "c"

_LONDON = ZoneInfo("Europe/London")

Number = Decimal | float | int


def rounded(value: Number, places: int = 1) -> Decimal:
    """Round half away from zero, as DfE's tools do; Python's ``round`` goes to the even neighbour."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def percent(value: Number | None, places: int = 1) -> str:
    """``94.5%``, from per cent."""
    return NOT_AVAILABLE if value is None else f"{rounded(value, places)}%"


def count(value: Number | None) -> str:
    """``12,345``."""
    return NOT_AVAILABLE if value is None else f"{rounded(value, 0):,}"


def one_place(value: Number | None) -> str:
    """``7.5``."""
    return NOT_AVAILABLE if value is None else str(rounded(value))


def points(value: Number | None) -> str:
    """A difference of two percentages: ``+0.4 pp``."""
    if value is None:
        return NOT_AVAILABLE
    difference = rounded(value)
    return f"{'+' if difference > 0 else '−' if difference < 0 else '±'}{abs(difference)} pp"


def day(value: date | None) -> str:
    """``18 July 2025``."""
    return NOT_AVAILABLE if value is None else f"{value.day} {value:%B %Y}"


def short_day(value: date | None) -> str:
    """``18 Jul``."""
    return NOT_AVAILABLE if value is None else f"{value.day} {value:%b}"


def moment(value: datetime | None) -> str:
    """``18 July 2025, 09:30``, by the clock of London."""
    if value is None:
        return NOT_AVAILABLE
    local = value.astimezone(_LONDON)
    return f"{day(local)}, {local:%H:%M}"


def year_name(academic_year: int) -> str:
    """``2024/25``, from 202425."""
    text = str(academic_year)
    return f"{text[:4]}/{text[4:]}"


def previous_year(academic_year: int) -> int:
    """202324, from 202425."""
    first = academic_year // 100 - 1
    return first * 100 + (first + 1) % 100


def sentence(text: str) -> str:
    """The text with its first letter large, and England and E as they are."""
    return text[:1].upper() + text[1:]


#: By the name that templates use.
FILTERS = {
    "percent": percent,
    "count": count,
    "points": points,
    "one_place": one_place,
    "day": day,
    "short_day": short_day,
    "moment": moment,
    "sentence": sentence,
    "year_name": year_name,
}
