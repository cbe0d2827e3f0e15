"""Register codes as small integers, with the meaning that the sandbox publishes for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

#: First day of the codes of the 2024 regulations.
NEW_CODES_FROM = date(2024, 8, 19)


@dataclass(frozen=True, slots=True)
class Code:
    """A register code. ``kind`` is what the partner calls ``type``; ``since`` and ``until`` bound its use."""

    code: str
    description: str
    kind: str
    since: date = date.min
    until: date = date.max


_PRESENT, _AEA, _AUTHORISED, _UNAUTHORISED = (
    "PRESENT",
    "APPROVED_EDUCATIONAL_ACTIVITY",
    "AUTHORISED_ABSENCE",
    "UNAUTHORISED_ABSENCE",
)
_NOT_REQUIRED, _UNABLE, _CLOSED, _NO_MARK = "ATTENDANCE_NOT_REQUIRED", "UNABLE_TO_ATTEND", "SCHOOL_CLOSED", "NO_MARK"
_LAST_OLD = date(2024, 8, 18)

#: Place in this tuple is the number stored in a mark matrix. 0 is "no row".
CODES: tuple[Code, ...] = (
    Code("", "No row", _NO_MARK),
    Code("/", "Present (AM)", _PRESENT),
    Code("\\", "Present (PM)", _PRESENT),
    Code("L", "Late, before the register closed", _PRESENT),
    Code("K", "Education provision arranged by the local authority", _AEA, since=NEW_CODES_FROM),
    Code("V", "Educational visit or trip", _AEA),
    Code("P", "Approved sporting activity", _AEA),
    Code("W", "Work experience", _AEA),
    Code("B", "Educated off site", _AEA),
    Code("J", "Interview", _AEA, until=_LAST_OLD),
    Code("D", "Dual registered at another school", _NOT_REQUIRED),
    Code("C", "Leave of absence, exceptional circumstances", _AUTHORISED),
    Code("C1", "Leave for a regulated performance", _AUTHORISED, since=NEW_CODES_FROM),
    Code("C2", "Part-time timetable", _AUTHORISED, since=NEW_CODES_FROM),
    Code("E", "Suspended or permanently excluded", _AUTHORISED),
    Code("H", "Family holiday, agreed", _AUTHORISED, until=_LAST_OLD),
    Code("I", "Illness", _AUTHORISED),
    Code("J1", "Interview", _AUTHORISED, since=NEW_CODES_FROM),
    Code("M", "Medical or dental appointment", _AUTHORISED),
    Code("R", "Religious observance", _AUTHORISED),
    Code("S", "Study leave", _AUTHORISED),
    Code("T", "Parent travelling for work", _AUTHORISED),
    Code("G", "Holiday not granted", _UNAUTHORISED),
    Code("N", "Reason not yet known", _UNAUTHORISED),
    Code("O", "Other or unknown circumstances", _UNAUTHORISED),
    Code("U", "Late, after the register closed", _UNAUTHORISED),
    Code("Q", "Access arrangements not made", _UNABLE, since=NEW_CODES_FROM),
    Code("Y", "Unable to attend, exceptional circumstances", _UNABLE, until=_LAST_OLD),
    Code("Y1", "Transport normally provided not available", _UNABLE, since=NEW_CODES_FROM),
    Code("Y2", "Widespread disruption to travel", _UNABLE, since=NEW_CODES_FROM),
    Code("Y3", "Part of the premises closed", _UNABLE, since=NEW_CODES_FROM),
    Code("Y4", "Whole site unexpectedly closed", _UNABLE, since=NEW_CODES_FROM),
    Code("Y5", "In criminal justice detention", _UNABLE, since=NEW_CODES_FROM),
    Code("Y6", "Public health guidance or law", _UNABLE, since=NEW_CODES_FROM),
    Code("Y7", "Other unavoidable cause", _UNABLE, since=NEW_CODES_FROM),
    Code("X", "Not of compulsory age and not required to attend", _NOT_REQUIRED),
    Code("Z", "Not yet on the admission register", _CLOSED),
    Code("#", "Planned whole-school closure", _CLOSED),
    Code("-", "No mark entered", _NO_MARK),
)

NUMBER: dict[str, int] = {code.code: number for number, code in enumerate(CODES)}
AM, PM = NUMBER["/"], NUMBER["\\"]


def numbers_of(*kinds: str) -> list[int]:
    """Numbers of the codes of the named kinds."""
    return [number for number, code in enumerate(CODES) if number and code.kind in kinds]


ATTENDED = numbers_of(_PRESENT, _AEA)
AUTHORISED = numbers_of(_AUTHORISED)
UNAUTHORISED = numbers_of(_UNAUTHORISED)
POSSIBLE = ATTENDED + AUTHORISED + UNAUTHORISED
