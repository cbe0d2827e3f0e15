"""A result of an examination, however it came: by a template, or in a results day file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from orchestration.files.faults import Rule
from orchestration.files.records import Occasion, Result, academic_year
from orchestration.files.templates import Naming
from orchestration.files.vocabulary import Vocabulary

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SUMMER = range(5, 8)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a result cannot be understood: the rule, what is wrong and what to do; where is the reader's business."""

    what: str  # subject or grade
    rule: Rule
    message: str
    what_to_do: str


def sitting(year: int, month: int) -> Occasion:
    """A series. Its results are dated two months later, on the first, those of summer in August, and so never before
    they are out: the day itself differs by qualification, and one to come would be taken for a mistake.
    """
    later = date(year, 8, 1) if month in _SUMMER else date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return Occasion(f"Examinations {_MONTHS[month - 1]} {year}", later)


def exam_year(occasion: Occasion) -> int:
    """The school year in which a series was sat."""
    return academic_year(occasion.end_date - timedelta(days=1))


def named_result(
    naming: Naming, subject: str, value: str, occasion: Occasion, vocabulary: Vocabulary, *, on: date | None = None
) -> tuple[Result, Wrong | None]:
    """A result of a choice and subject, and what is wrong with it, if something is."""
    day = on or occasion.end_date
    result = Result(naming.of(subject), occasion, value, day)
    measure = naming.measure(subject, vocabulary)
    if measure is None:
        near = get_close_matches(subject, naming.subjects(vocabulary), 3, 0.6)
        meant = f"Perhaps {', '.join(map(repr, near))} is meant. " if near else ""
        what_to_do = f"{meant}Correct it, or add it to the seed attainment_aspect."
        return result, Wrong("subject", Rule.ROW_ASSESSMENT, f"{result.aspect!r} is not known.", what_to_do)
    if not vocabulary.takes(measure.scale, value, day):
        return result, Wrong(
            "grade", Rule.ROW_CODE, f"{value[:20]!r} is no result of {result.aspect!r}.", "Correct the result."
        )
    return result, None


def choose(names: Mapping[str, Naming], written: str) -> Naming | None:
    """The choice that is written, without regard to case; None when it is none."""
    return next((naming for name, naming in names.items() if name.casefold() == written.casefold()), None)
