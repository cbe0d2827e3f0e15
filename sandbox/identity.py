"""Identifiers: the partner's ids, the stable person hash, unique pupil numbers."""

from __future__ import annotations

import hashlib
from enum import IntEnum

#: Letters of the UPN check, worth 0 to 22: I, O and S are left out (source_apis.md 4.8).
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


class Kind(IntEnum):
    """First two digits of a partner id: ids are unique within a school and a kind, and repeat between schools."""

    SCHOOL = 10
    ASPECT = 11
    RESULT_SET = 12
    RESULT = 13
    TEMPLATE = 14
    MARKSHEET = 15
    MARK = 16
    CODE = 17
    SUMMARY = 18
    EXCLUSION = 19
    STUDENT = 20
    ABSENCE = 21
    CONTRACT = 22
    ROLE = 23
    SEN_NEED = 24
    PERIOD_OF_STATUS = 25
    GROUP = 30
    YEAR = 31
    HOUSE = 32
    CLASS = 40
    SUBJECT = 50
    EMPLOYEE = 60
    LESSON = 70
    ROOM = 80
    PERIOD = 90


def partner_id(kind: Kind, number: int) -> str:
    """``A`` and ten or more digits, as the partner writes ids."""
    return f"A{kind:02d}{number:08d}"


def person_hash(school_id: str, mis_id: str) -> str:
    """The ``upi``: same human in the same MIS of the same school gives the same value."""
    return hashlib.md5(f"{school_id}/{mis_id}".encode(), usedforsecurity=False).hexdigest()


def upn_check_letter(body: str) -> str:
    """Check letter for the twelve characters that follow it.

    A digit counts as itself and a final letter (temporary number) as its place in the table; weights 2 to 13; the
    remainder modulo 23 picks the letter.

    Raises ValueError if ``body`` is not eleven digits and a digit or a letter of the table.
    """
    if len(body) != 12 or not body[:11].isdigit() or not (body[11].isdigit() or body[11] in UPN_LETTERS):
        raise ValueError(
            f"{body!r} is not the body of a UPN: give eleven digits and then a digit or one of {UPN_LETTERS}"
        )
    values = [int(char) if char.isdigit() else UPN_LETTERS.index(char) for char in body]
    return UPN_LETTERS[sum(weight * value for weight, value in zip(range(2, 14), values, strict=True)) % 23]


def make_upn(la_code: str, establishment: str, year: int, serial: int, *, temporary: bool = False) -> str:
    """UPN allocated by a school in a calendar year; a temporary one ends in a letter."""
    tail = f"{serial % 100:02d}{UPN_LETTERS[serial // 100 % 23]}" if temporary else f"{serial % 1000:03d}"
    body = f"{la_code}{establishment}{year % 100:02d}{tail}"
    return upn_check_letter(body) + body
