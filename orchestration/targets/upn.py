"""Unique pupil numbers: a check letter, eleven digits, and a digit (or a letter in a temporary one)."""

from __future__ import annotations

#: Worth 0 to 22; I, O and S are left out.
_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_DIGITS = "0123456789"


def upn_fault(upn: str) -> str | None:
    """Return what is wrong with a UPN, in a sentence; None for a good one.

    The check letter is DfE's: the characters after it weigh 2 to 13, their sum modulo 23 is its place in the alphabet.
    """
    if len(upn) != 13:
        return f"A UPN has 13 characters, this one {len(upn)}."
    letter, digits, last = upn[0], upn[1:12], upn[12]
    if letter not in _LETTERS or not set(digits) <= set(_DIGITS) or last not in _DIGITS + _LETTERS:
        return "A UPN is a letter, 11 digits, and a digit (or a letter if it is temporary)."
    values = [int(digit) for digit in digits] + [int(last) if last in _DIGITS else _LETTERS.index(last)]
    expected = _LETTERS[sum(weight * value for weight, value in enumerate(values, 2)) % 23]
    return None if letter == expected else "The first letter does not agree with the other characters: it is mistyped."
