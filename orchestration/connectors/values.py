"""Partners' values as ours: dates, flags, small numbers, text, sex.

One rule for all: a value is mapped exactly or refused with :class:`BadValue`; nothing is guessed, cut or repaired. An
empty string means "not recorded" and becomes None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, tzinfo
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

#: Dates of school life are dates in this zone (the platform serves England and Wales), whatever zone they are sent in.
LOCAL_ZONE = ZoneInfo("Europe/London")

#: Distinct values a cache keeps. A school year of marks has 190 dates; ``updated_at`` can be different on every row.
CACHE_SIZE = 50_000

#: A yes/no value as partners send it; see ``flag``.
Flag = bool | int | str | None
#: A number that some MISs send as text; see ``small``.
Number = int | float | str | None
#: A code or number kept as text; see ``text``.
Code = str | int | None

_SHOWN_LENGTH = 80

SMALLINT_MIN, SMALLINT_MAX = -32_768, 32_767

_T = TypeVar("_T", date, datetime)


class BadValue(ValueError):
    """A value that has no counterpart on our side; ``field`` is the partner's name of it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class PhpDate(msgspec.Struct, gc=False):
    """PHP's serialised DateTime, as Wonde sends it (source_apis.md 1.2): wall-clock time and the zone it is in."""

    date: str
    timezone: str = "UTC"


# [0-9] and not \d, which also takes the digits of other scripts.
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DIGITS = re.compile(r"-?[0-9]{1,9}")
_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}")
_DATE_VALUE = msgspec.json.Decoder(PhpDate | str | None)


def _shown(value: object) -> str:
    """A value as a reason quotes it: no longer than a line."""
    quoted = repr(value)
    return quoted if len(quoted) <= _SHOWN_LENGTH else f"{quoted[:_SHOWN_LENGTH]}..."


def _wall_clock(value: PhpDate | str) -> tuple[date | datetime, ZoneInfo | None]:
    """The value as a bare date or a datetime, and the named zone of a naive one. Raises ValueError."""
    text = value if isinstance(value, str) else value.date
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{_shown(text)} is not a date")
    day, hours, offset = match.groups()
    zone = None
    if isinstance(value, PhpDate) and offset is None:
        if value.timezone == "UTC":
            offset = "Z"  # nearly every moment: saves a search for the zone and a conversion
        elif _OFFSET.fullmatch(value.timezone):
            offset = value.timezone
        else:
            try:
                zone = ZoneInfo(value.timezone)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{_shown(value.timezone)} is not a time zone") from None
    try:
        if hours is None:
            return date.fromisoformat(day), zone
        return datetime.fromisoformat(f"{day} {hours}{offset or ''}"), zone
    except ValueError as error:
        raise ValueError(f"{_shown(text)} is not a date: {error}") from None


def _to_day(value: PhpDate | str) -> date:
    clock, zone = _wall_clock(value)
    if not isinstance(clock, datetime):
        return clock
    if clock.tzinfo is None:
        if zone is None or zone.key == LOCAL_ZONE.key:
            return clock.date()
        clock = clock.replace(tzinfo=zone)
    return clock.astimezone(LOCAL_ZONE).date()


def _to_moment(value: PhpDate | str, unsaid: tzinfo) -> datetime:
    clock, zone = _wall_clock(value)
    if not isinstance(clock, datetime):
        return datetime.combine(clock, time.min, tzinfo=zone or unsaid).astimezone(UTC)
    if clock.tzinfo is None:
        clock = clock.replace(tzinfo=zone or unsaid)
    return clock if clock.tzinfo is UTC else clock.astimezone(UTC)


class _DateCache(dict[bytes, _T | None]):
    """JSON bytes of one field's value -> the value. Pages repeat few distinct dates: most rows cost one look-up."""

    def __init__(self, field: str, convert: Callable[[PhpDate | str], _T]) -> None:
        super().__init__()
        self._field = field
        self._convert: Callable[[PhpDate | str], _T] = convert

    def __missing__(self, raw: bytes) -> _T | None:
        try:
            value = _DATE_VALUE.decode(raw)
            result = self._convert(value) if value else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadValue(self._field, "neither a date object nor a string") from None
        except (ValueError, OverflowError) as error:
            raise BadValue(self._field, str(error)) from None
        if len(self) >= CACHE_SIZE:
            self.clear()
        self[raw] = result
        return result


class Days(_DateCache[date]):
    """``days[bytes(raw)]`` is the date of school life in a field: the day in London, None for null and "".

    Takes a date object or a plain string. A string without a zone is local. Raises :class:`BadValue`.
    """

    def __init__(self, field: str) -> None:
        super().__init__(field, _to_day)


class Moments(_DateCache[datetime]):
    """``moments[bytes(raw)]`` is a field's point in time, aware, in UTC. ``unsaid`` is the zone of one without any.

    Raises :class:`BadValue`.
    """

    def __init__(self, field: str, unsaid: tzinfo = UTC) -> None:
        super().__init__(field, partial(_to_moment, unsaid=unsaid))


# CS006 has U (unknown) and R (refused) beside Y and N: recorded, but neither true nor false.
_FLAGS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "yes", "true", "t", "1"), True),
    **dict.fromkeys(("n", "no", "false", "f", "0"), False),
    **dict.fromkeys(("", "u", "unknown", "r", "refused"), None),
}


def flag(field: str, value: bool | int | float | str | None) -> bool | None:
    """A yes/no value sent as boolean, 0/1 or a word. Unknown and refused are None; another word is refused."""
    if value is None or isinstance(value, bool):
        return value
    try:
        return _FLAGS[str(value).strip().lower()]
    except KeyError:
        raise BadValue(field, f"{_shown(value)} is neither yes nor no") from None


_SEXES: dict[str, str | None] = {
    "male": "M",
    "m": "M",
    "female": "F",
    "f": "F",
    **dict.fromkeys(
        (
            "",
            "u",
            "x",
            "unknown",
            "other",
            "intersex",
            "indeterminate",
            "intersex or indeterminate",
            "not known",
            "not stated",
            "inadequately described",
            "not stated / inadequately described",
            "not stated/inadequately described",
            "redacted for privacy",
        ),
        None,
    ),
}


def sex(field: str, value: str | None) -> str | None:
    """M, F, or None for the partner's words that say neither (source_apis.md 1.5); another word is refused."""
    if value is None:
        return None
    try:
        return _SEXES[value.strip().lower()]
    except KeyError:
        raise BadValue(field, f"{_shown(value)} is not a known word for sex") from None


def small(field: str, value: int | float | str | None) -> int | None:
    """A whole number that fits a smallint, sent as number or digits."""
    if value is None or value == "":
        return None
    number: float | None = value if not isinstance(value, str) else None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        number = int(value)
    if number is None or not SMALLINT_MIN <= number <= SMALLINT_MAX or number != int(number):
        raise BadValue(field, f"{_shown(value)} is not a whole number from {SMALLINT_MIN} to {SMALLINT_MAX}")
    return int(number)


def text(value: str | int | float | None) -> str | None:
    """Text as received; a number sent in its place as its digits; None for an empty string."""
    return None if value is None or value == "" else str(value)
