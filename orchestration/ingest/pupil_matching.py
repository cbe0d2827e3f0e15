"""Who is who when a school's ids have changed: pupils of the source before, found again among those of the later one.

Two records are one pupil when what both have agrees: the UPN (or the former UPN) and the date of birth, else both names
and the date of birth. Only what is unambiguous on both sides is matched, and never against two different permanent
UPNs: a pupil who is not found again is a line in a report, two people made one are a mistake that nobody sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Candidate:
    """One enrolment as a source has it."""

    pupil_id: str
    person_id: str | None
    upn: str | None
    former_upn: str | None
    forename: str | None
    surname: str | None
    date_of_birth: date | None
    admission_date: date | None
    is_leaver: bool


@dataclass(frozen=True, slots=True)
class Match:
    """``before`` and ``after`` are one enrolment of one pupil; ``matched_on`` says what they agree in."""

    before: Candidate
    after: Candidate
    matched_on: str


_Key = Callable[[Candidate], Iterable[Hashable]]


def _upns(pupil: Candidate) -> set[str]:
    return {upn.upper() for upn in (pupil.upn, pupil.former_upn) if upn}


def _by_upn(pupil: Candidate) -> Iterable[Hashable]:
    return [(upn, pupil.date_of_birth) for upn in sorted(_upns(pupil)) if pupil.date_of_birth]


def _by_name(pupil: Candidate) -> Iterable[Hashable]:
    if not (pupil.forename and pupil.surname and pupil.date_of_birth):
        return []
    return [(pupil.forename.casefold().strip(), pupil.surname.casefold().strip(), pupil.date_of_birth)]


def _of_enrolment(key: _Key) -> _Key:
    """A key of the enrolment and not just of the person, for who came back and has two."""
    return lambda pupil: [(part, pupil.admission_date) for part in key(pupil)] if pupil.admission_date else []


#: In order: what agrees in more is matched first, and is out of the way for the rest.
_RULES: tuple[tuple[str, _Key], ...] = (
    ("UPN, date of birth and admission", _of_enrolment(_by_upn)),
    ("UPN and date of birth", _by_upn),
    ("names, date of birth and admission", _of_enrolment(_by_name)),
    ("names and date of birth", _by_name),
)


def match(before: Sequence[Candidate], after: Sequence[Candidate]) -> list[Match]:
    """The pupils that can be told again, each at most once."""
    matches: list[Match] = []
    left_before = {pupil.pupil_id: pupil for pupil in before}
    left_after = {pupil.pupil_id: pupil for pupil in after}
    for name, key in _RULES:
        known, arriving = _index(left_before.values(), key), _index(left_after.values(), key)
        for pupil in list(left_after.values()):
            found = {other for part in key(pupil) for other in known[part]}
            if len(found) != 1:
                continue
            other = left_before[found.pop()]
            back = {again for part in key(other) for again in arriving[part]}
            if back == {pupil.pupil_id} and not _are_two_people(other, pupil):
                matches.append(Match(other, pupil, name))
                del left_before[other.pupil_id], left_after[pupil.pupil_id]
    return matches


def _index(pupils: Iterable[Candidate], key: _Key) -> dict[Hashable, set[str]]:
    index: dict[Hashable, set[str]] = defaultdict(set)
    for pupil in pupils:
        for part in key(pupil):
            index[part].add(pupil.pupil_id)
    return index


def _are_two_people(one: Candidate, other: Candidate) -> bool:
    """Whether their UPNs say that they are two: both permanent, and none in common (a temporary one is replaced)."""
    permanent = [{upn for upn in _upns(pupil) if upn[-1].isdigit()} for pupil in (one, other)]
    return all(permanent) and not permanent[0] & permanent[1]
