"""The partner's words and keys as ours."""

from __future__ import annotations

import re

from orchestration.connectors.values import BadValue

# People (PL, PWT) and groups (GC, GY; of other kinds of group the second letter is not known).
_PREFIX = re.compile(r"\A(?:PL|PWT|G[A-Z])-(?=.)")

_YEARS = (
    (re.compile(r"(?:YEAR )?(\d{1,2})"), lambda found: str(int(found))),
    (re.compile(r"(?:YEAR )?(R)(?:ECEPTION)?"), str),
    (re.compile(r"(?:YEAR )?([NE][12])"), str),
    (re.compile(r"NURSERY ([12])"), "N{}".format),
)

#: Statuses in the one set that holds pupils on roll and leavers, as whether the pupil is a leaver.
_LEAVER = {"onroll": False, "leaver": True}
_CURRENT = {"current": True, "future": False, "previous": False}

#: Meanings that are put otherwise than in our word for them (I).
_CODE_TYPES = {
    "UNABLE_TO_ATTEND_DUE_TO_EXCEPTIONAL_CIRCUMSTANCES": "UNABLE_TO_ATTEND",
    "ADMINISTRATIVE": "SCHOOL_CLOSED",
    "MISSING": "NO_MARK",
    "MISSING_MARK": "NO_MARK",
    "NO_MARK_RECORDED": "NO_MARK",
}


def bare(key: str | int) -> str:
    """A key without the prefix under which the same row is also known: ``PL-7010`` is ``7010``.

    Memberships are documented with either (source_apis.md 2.5).
    """
    return _PREFIX.sub("", str(key))


class BareKeys(dict[str | int, str]):
    """``keys[key]`` is ``bare(key)``, worked out once."""

    def __missing__(self, key: str | int) -> str:
        self[key] = found = bare(key)
        return found


def nc_year(year_group: str | int | None) -> str | None:
    """``Year  7`` as ``7`` (R), ``Reception`` and ``Year  R`` as ``R``, ``Nursery 1`` and ``Year N1`` as ``N1`` (I).

    A year group of the school's own making stays as it is: a gate names it.
    """
    words = "" if year_group is None else " ".join(str(year_group).split())
    for pattern, as_year in _YEARS:
        if match := pattern.fullmatch(words.upper()):
            return as_year(match[1])
    return words or None


def is_leaver(status: str | None) -> bool | None:
    """Whether a pupil has left; None where the status was not granted. Another word is refused."""
    return _looked_up("StudentStatus", status, _LEAVER)


def is_current(status: str | None) -> bool | None:
    """Whether a member of staff is employed now; None where the status was not granted. Another word is refused."""
    return _looked_up("StaffStatus", status, _CURRENT)


def code_type(meaning: str | None) -> str | None:
    """The statistical meaning of a register code in the form that categories.py names: ``Authorised Absence`` as
    ``AUTHORISED_ABSENCE``.
    """
    word = re.sub(r"[^A-Z]+", "_", (meaning or "").upper()).strip("_")
    return _CODE_TYPES.get(word, word) or None


def _looked_up(field: str, word: str | None, known: dict[str, bool]) -> bool | None:
    if not word:
        return None
    try:
        return known[re.sub(r"[\s_-]", "", word).lower()]
    except KeyError:
        raise BadValue(field, f"{word[:40]!r} is not a known status") from None
