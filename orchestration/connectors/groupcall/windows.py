"""Which days of marks are asked for: Monday to Friday or whole calendar months, which the partner answers from its
cache (source_apis.md 2.2), and the single days of these.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from orchestration.connectors.years import year_start

#: Both days included.
DateRange = tuple[date, date]

_ONE_DAY = timedelta(days=1)


def months(today: date) -> list[DateRange]:
    """The calendar months of the academic year up to the one of ``today``, each whole."""
    found = []
    first = year_start(today)
    while first <= today:
        last = first.replace(day=monthrange(first.year, first.month)[1])
        found.append((first, last))
        first = last + _ONE_DAY
    return found


def weeks(today: date, weekdays: int, since: date | None) -> list[DateRange]:
    """The weeks, Monday to Friday, that hold the last ``weekdays`` days from Monday to Friday, ``today`` included.

    They begin earlier where ``since`` is earlier, but not before the academic year, of which alone marks are kept.
    """
    first = today
    counted = 0
    while True:
        counted += first.weekday() < 5
        if counted == weekdays:
            break
        first -= _ONE_DAY
    first = max(min(first, since or first), year_start(today))
    monday = first - timedelta(days=first.weekday())
    found = []
    while monday <= today:
        found.append((monday, monday + timedelta(days=4)))
        monday += timedelta(days=7)
    return found


def since(ranges: list[DateRange], day: date | None) -> list[DateRange]:
    """What of the ranges lies on or after a day; None leaves them as they are."""
    return ranges if day is None else [(max(first, day), last) for first, last in ranges if last >= day]


def school_days(ranges: list[DateRange], today: date) -> list[date]:
    """The days from Monday to Friday of the ranges, up to ``today``."""
    return [
        day
        for first, last in ranges
        for day in (first + timedelta(days=number) for number in range((min(last, today) - first).days + 1))
        if day.weekday() < 5
    ]
