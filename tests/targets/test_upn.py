from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.targets.upn import upn_fault
from sandbox.identity import UPN_LETTERS, upn_check_letter


@given(st.text("0123456789", min_size=11, max_size=11), st.sampled_from([*"0123456789", *UPN_LETTERS]))
def test_a_number_with_the_sandboxes_check_letter_is_good_and_with_any_other_is_not(digits: str, last: str) -> None:
    letter = upn_check_letter(digits + last)
    assert upn_fault(letter + digits + last) is None
    for other in set(UPN_LETTERS) - {letter}:
        assert "mistyped" in (upn_fault(other + digits + last) or "")


@pytest.mark.parametrize(
    ("upn", "told"),
    [
        ("", "13 characters, this one 0"),
        ("A82020000000", "13 characters, this one 12"),
        ("I820200000001", "a letter, 11 digits"),
        ("A8202000000٣1", "a letter, 11 digits"),
        ("A82020000000O", "a letter, 11 digits"),
    ],
)
def test_what_is_no_unique_pupil_number_is_told_why(upn: str, told: str) -> None:
    assert told in (upn_fault(upn) or "")
