"""School years: terms, half terms, bank holidays, INSET days and the odd snow day.

An academic year is named by the calendar year it starts in: 2024 is 2024/25.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from random import Random

#: Days that schools are open to staff; five of them are INSET (190 days with pupils).
_STAFF_DAYS = 195
_ONE_DAY = timedelta(days=1)


class DayKind(IntEnum):
    """What happens on a day in term."""

    OPEN = 0
    INSET = 1
    SNOW = 2


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """A weekday in term.

    ``half_term`` counts 0 to 5 within the year; ``progress`` runs from 0 on its first day to 1 on its last.
    """

    day: date
    kind: DayKind
    half_term: int
    progress: float


def academic_year(day: date) -> int:
    """The academic year a day falls in; it turns on 1 September."""
    return day.year if day.month >= 9 else day.year - 1


def academic_year_name(year: int) -> str:
    """``2024/2025``, as the partner writes it."""
    return f"{year}/{year + 1}"


def school_leaving_date(year: int) -> date:
    """Last Friday of June of the academic year: the end of compulsory school age."""
    last = date(year + 1, 6, 30)
    return last - timedelta(days=(last.weekday() - 4) % 7)


def epoch(day: date, at: time = time(0)) -> int:
    """Seconds since 1970 of a time UTC."""
    return int(datetime.combine(day, at, UTC).timestamp())


def _monday_from(year: int, month: int, day: int) -> date:
    """First Monday on or after a date."""
    first = date(year, month, day)
    return first + timedelta(days=-first.weekday() % 7)


def _easter(year: int) -> date:
    """Easter Sunday (Gregorian, the anonymous algorithm)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def half_terms(year: int) -> list[list[date]]:
    """Weekdays of the six half terms of an academic year, bank holidays left out, INSET days still in.

    195 days in all; the dates follow what most English authorities publish and agree with 2023/24 and 2024/25.
    """
    spring = year + 1
    easter = _easter(spring)
    may_day = _monday_from(spring, 5, 1)
    bank_holidays = {easter - timedelta(days=2), easter + _ONE_DAY, may_day}
    autumn_break, spring_break = _monday_from(year, 10, 22), _monday_from(spring, 2, 11)
    christmas = date(year, 12, 22)
    easter_break = _monday_from(spring, 4, 1)
    may_break = _monday_from(spring, 5, 25)
    spans = [
        (_monday_from(year, 9, 1), autumn_break),
        (autumn_break + timedelta(days=7), christmas + _ONE_DAY),
        (_monday_from(spring, 1, 3), spring_break),
        (spring_break + timedelta(days=7), easter_break),
        (easter_break + timedelta(days=14), may_break),
        (may_break + timedelta(days=7), date(spring, 7, 31)),
    ]
    found = [
        [
            start + timedelta(days=offset)
            for offset in range((end - start).days)
            if (start + timedelta(days=offset)).weekday() < 5 and start + timedelta(days=offset) not in bank_holidays
        ]
        for start, end in spans
    ]
    excess = sum(len(days) for days in found) - _STAFF_DAYS
    found[-1] = found[-1][: len(found[-1]) - excess]
    return found


def school_year(year: int, rng: Random) -> list[SchoolDay]:
    """One school's own year: the common dates with its five INSET days and, some winters, a snow day."""
    terms = half_terms(year)
    inset = {terms[0][0], terms[2][0], terms[4][-1] if rng.random() < 0.5 else terms[1][-1]}
    inset.add(terms[0][1] if rng.random() < 0.5 else terms[3][0])
    while len(inset) < 5:
        inset.add(rng.choice([day for day in terms[5] if day.month == 6 and day.weekday() in (0, 4)]))
    winter = [day for day in terms[2] if day.month == 1 and day not in inset]
    snow = {rng.choice(winter)} if rng.random() < 0.6 else set()
    return [
        SchoolDay(
            day,
            DayKind.INSET if day in inset else DayKind.SNOW if day in snow else DayKind.OPEN,
            number,
            index / (len(days) - 1),
        )
        for number, days in enumerate(terms)
        for index, day in enumerate(days)
    ]


def school_days(years: list[int]) -> list[date]:
    """Days on which a typical school has pupils, in order: what ``advance`` steps through."""
    return [
        day
        for year in years
        for number, days in enumerate(half_terms(year))
        for day in days[1 if number in (0, 2) else 0 :]
    ]
