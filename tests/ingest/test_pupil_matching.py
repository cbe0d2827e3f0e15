"""Who is found again after a move, and who must not be taken for somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from orchestration.ingest.pupil_matching import Candidate, match

ADA = Candidate("1", "p1", "A823999921001", None, "Ada", "Reed", date(2012, 3, 4), date(2023, 9, 1), False)
OTHER_UPN = "B823999921002"
TEMPORARY_UPN = "X82399992100A"


@pytest.mark.parametrize(
    ("after", "matched_on"),
    [
        (replace(ADA, pupil_id="9"), "UPN, date of birth and admission"),
        (replace(ADA, pupil_id="9", surname="Smith", admission_date=None), "UPN and date of birth"),
        (replace(ADA, pupil_id="9", upn=OTHER_UPN, former_upn=ADA.upn), "UPN, date of birth and admission"),
        (replace(ADA, pupil_id="9", upn=None, surname=" REED"), "names, date of birth and admission"),
        (replace(ADA, pupil_id="9", upn=TEMPORARY_UPN, admission_date=None), "names and date of birth"),
    ],
    ids=["same", "married", "new UPN", "UPN not shared", "temporary UPN"],
)
def test_found_again(after: Candidate, matched_on: str) -> None:
    (found,) = match([ADA], [after])
    assert (found.before.pupil_id, found.after.pupil_id, found.matched_on) == ("1", "9", matched_on)


@pytest.mark.parametrize(
    "after",
    [
        replace(ADA, pupil_id="9", upn=OTHER_UPN),
        replace(ADA, pupil_id="9", date_of_birth=date(2012, 3, 5)),
        replace(ADA, pupil_id="9", upn=None, forename="Eve"),
        replace(ADA, pupil_id="9", upn=None, date_of_birth=None),
    ],
    ids=["another permanent UPN", "another date of birth", "twin without UPN", "nothing to go by"],
)
def test_taken_for_nobody(after: Candidate) -> None:
    assert match([ADA], [after]) == []


def test_two_who_could_be_one_are_left_to_people() -> None:
    nameless = replace(ADA, upn=None, admission_date=None)
    assert match([nameless, replace(nameless, pupil_id="2")], [replace(nameless, pupil_id="9")]) == []
    assert match([nameless], [replace(nameless, pupil_id="9"), replace(nameless, pupil_id="10")]) == []


def test_both_enrolments_of_a_pupil_who_came_back_are_told_apart() -> None:
    earlier = replace(ADA, pupil_id="0", admission_date=date(2021, 9, 1), is_leaver=True)
    after = [replace(ADA, pupil_id="9"), replace(earlier, pupil_id="8")]
    assert {(found.before.pupil_id, found.after.pupil_id) for found in match([earlier, ADA], after)} == {
        ("1", "9"),
        ("0", "8"),
    }
