"""UPN check letters and partner ids."""

from __future__ import annotations

import pytest

from sandbox.identity import UPN_LETTERS, Kind, make_upn, partner_id, person_hash, upn_check_letter


@pytest.mark.parametrize(
    "upn",
    [
        "L823999921001",
        "A823999921002",
        "B801200005001",
        "P207000016049",
        "Z330123419007",
        "Z873214524012",
        "X82399992100A",
    ],
)
def test_check_letter_of_published_vectors(upn: str) -> None:
    assert upn_check_letter(upn[1:]) == upn[0]


@pytest.mark.parametrize("body", ["", "82399992100", "82399992100I", "A23999921001", "8239999210012"])
def test_a_body_that_is_none_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="eleven digits"):
        upn_check_letter(body)


def test_temporary_upn_ends_in_a_letter_of_the_table() -> None:
    temporary = make_upn("823", "4999", 2021, 7, temporary=True)
    assert temporary[-1] in UPN_LETTERS
    assert upn_check_letter(temporary[1:]) == temporary[0]


def test_ids_are_a_letter_and_digits_and_tell_kinds_apart() -> None:
    assert partner_id(Kind.STUDENT, 40) == "A2000000040"
    assert partner_id(Kind.STUDENT, 40) != partner_id(Kind.CLASS, 40)


def test_person_hash_depends_on_school_and_mis_id() -> None:
    assert person_hash("A1", "7010") == person_hash("A1", "7010")
    assert len({person_hash("A1", "7010"), person_hash("A2", "7010"), person_hash("A1", "7011")}) == 3
