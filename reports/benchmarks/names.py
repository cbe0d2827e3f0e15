"""How levels, states and measures of estimates and targets are called on the pages."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.formats import NOT_AVAILABLE, Number, count, percent, rounded, sentence

#: Challenge levels that everybody knows by these names; the number is the per cent of schools that do better.
_LEVELS = {"50": "Average", "20": "High", "5": "Very high"}
#: What the pages say of a subject: column to name; the first are of GCSEs, then of A levels, of Key Stage 2.
MEASURES = {
    "mean_points": "Mean points",
    "grade_4_percent": "Grade 4 or better",
    "grade_5_percent": "Grade 5 or better",
    "grade_7_percent": "Grade 7 or better",
    "grade_c_percent": "Grade C or better",
    "grade_b_percent": "Grade B or better",
    "grade_a_percent": "Grade A or better",
    "expected_standard_percent": "Expected standard",
}
#: The same of a pupil group.
GROUP_MEASURES = {
    "attainment8": "Attainment 8",
    "english_mathematics_4_percent": "Grade 4 or better in English and mathematics",
    "english_mathematics_5_percent": "Grade 5 or better in English and mathematics",
    "ks2_reading_percent": "Expected standard in reading",
    "ks2_mathematics_percent": "Expected standard in mathematics",
}
STATUSES = {
    "prepopulated": "Pre-populated",
    "proposed": "Proposed",
    "subject_reviewed": "Reviewed",
    "approved": "Approved",
    "locked": "Locked",
    "superseded": "Carried over",
    "rejected": "Sent back",
}
#: What a form did to targets, in the address of the page that is shown next: only these words are ever printed.
DONE = {
    "propose": "proposed",
    "submit": "submitted",
    "review": "reviewed",
    "approve": "approved",
    "reject": "sent back",
    "lock": "locked",
    "prepopulate": "pre-populated",
    "rollover": "carried over",
}
#: The same of policies.
STATED = {"policy": "Policy stated.", "withdraw": "Policy withdrawn."}
PRIOR_MEASURES = {
    "ks2_mean": "Key Stage 2 reading and maths",
    "ks4_mean": "GCSE points, mean",
    "ks1": "Key Stage 1",
    "ks1_mean": "Key Stage 1 points",
    "standardised_test": "Standardised test",
    "teacher_assessment": "Teacher assessment, Key Stage 2",
    "school": "School's Key Stage 2 mean",
    "national": "All entrants",
}


def level_name(challenge: Number | str) -> str:
    """``High (20)``, from 20."""
    number = level_number(challenge)
    name = _LEVELS.get(number)
    return f"{name} ({number})" if name else f"Level {number}"


def level_number(challenge: Number | str) -> str:
    """``20`` from 20.00, ``2.5`` from 2.50."""
    return f"{Decimal(str(challenge)).normalize():f}"


def figure(measure: str, value: Number | None) -> str:
    """A measure's value as people read it: points with two places, Attainment 8 with one, per cent with one."""
    if value is None:
        return NOT_AVAILABLE
    if measure.endswith("_percent"):
        return f"{rounded(value)}%"
    return f"{rounded(value, 1 if measure == 'attainment8' else 2)}"


def unit(measure: str) -> str:
    """What a measure's axis says."""
    if measure.endswith("_percent"):
        return "% of pupils"
    return "Points of 90" if measure == "attainment8" else "Points"


def prior_attainment(measure: str | None, value: Number | None) -> tuple[str, str]:
    """The value as people read it, and what it is: ``104.5`` and its measure; a dash where the nation stands for it."""
    name = PRIOR_MEASURES.get(measure or "", measure or "None known")
    return (NOT_AVAILABLE if value is None or measure == "national" else str(rounded(value)), name)


def outcome(done: str, number: str) -> str:
    """``3 targets proposed.``, from what the address says that a form did; nothing where it says nothing known."""
    if done not in DONE:
        return STATED.get(done, "")
    if not number.isdecimal():
        return f"{sentence(DONE[done])}."
    return f"{count(int(number[:9]))} {'target' if number == '1' else 'targets'} {DONE[done]}."


def chance(value: float | None) -> str:
    """``84%``, from 0.842."""
    return percent(None if value is None else 100 * value, 0)


def exact_chances(chances: Sequence[float]) -> list[float]:
    """Chance of exactly each grade, from those of each grade or better, the lowest grade first."""
    return [chance - better for chance, better in zip(chances, [*chances[1:], 0.0], strict=True)]


def subject_name(qualification: str, subject: str) -> str:
    """``Mathematics (GCSE)``."""
    return f"{subject} ({qualification})"
