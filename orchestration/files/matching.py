"""Which pupil of the school a row of a file is about.

Numbers go before names: the UPN, present or former, then the ULN, then an awarding organisation's number that an
earlier file has told us, then surname, forename and date of birth together. Whatever finds the pupil, nothing else that
the row says may contradict it, and what fits two people fits nobody: two people are never made one.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import psycopg

from orchestration.files.faults import FileFault, Rule
from orchestration.files.records import Identity

#: kind (uci or candidate_number), number, academic year (0 for a UCI)
Number = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Pupil:
    """A person of the school; ``pupil_id`` is the enrolment that speaks for them: on roll before leavers, the latest.

    The sets have what any enrolment says, in comparable form.
    """

    person_id: str
    pupil_id: str
    dates_of_birth: frozenset[date] = frozenset()
    upns: frozenset[str] = frozenset()
    former_upns: frozenset[str] = frozenset()
    ulns: frozenset[str] = frozenset()
    names: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)


class Enrolment(NamedTuple):
    """A live row of ``raw.pupil``."""

    person_id: str
    pupil_id: str
    date_of_birth: date | None
    upn: str | None
    former_upn: str | None
    uln: str | None
    surname: str | None
    legal_surname: str | None
    forename: str | None
    legal_forename: str | None


class Roll:
    """The pupils of one school, present and former, by all that tells them apart."""

    def __init__(self, enrolments: Iterable[Enrolment], numbers: Mapping[Number, str] | None = None) -> None:
        """``enrolments`` has the one that speaks for a person first; ``numbers`` the person of each number."""
        by_person: dict[str, list[Enrolment]] = defaultdict(list)
        for enrolment in enrolments:
            by_person[enrolment.person_id].append(enrolment)
        self._pupils = {person_id: _pupil(rows) for person_id, rows in by_person.items()}
        self._by: dict[tuple[str, object], set[str]] = defaultdict(set)
        for person_id, pupil in self._pupils.items():
            for kind, values in (
                ("upn", pupil.upns),
                ("former", pupil.former_upns),
                ("uln", pupil.ulns),
                ("name", {(*name, born) for name in pupil.names for born in pupil.dates_of_birth}),
            ):
                for value in values:
                    self._by[kind, value].add(person_id)
        for number, person_id in (numbers or {}).items():
            if person_id in self._pupils:
                self._by["number", number].add(person_id)

    def find(self, identity: Identity) -> Pupil | FileFault:
        """The pupil who is meant, or why nobody can be told."""
        for column, found in self._ways(identity):
            if len(found) > 1:
                return FileFault(
                    identity.line,
                    column,
                    f"{len(found)} pupils of the school fit {identity}.",
                    Rule.ROW_TWO_PUPILS,
                    "Enter the UPN of the one who is meant; if one pupil is in the MIS twice, have the records merged.",
                )
            if found:
                pupil = self._pupils[next(iter(found))]
                return self._contradiction(identity, pupil, column) or pupil
        return FileFault(
            identity.line,
            "upn" if identity.upn else "surname",
            f"The school has no pupil, present or former, who fits {identity}.",
            Rule.ROW_NO_PUPIL,
            "Correct UPN, name or date of birth as they are in the MIS; if the pupil is new there, extract the school"
            " first (mis extract); else take the row out.",
        )

    def _ways(self, identity: Identity) -> Iterable[tuple[str, set[str]]]:
        """Who is found, in order of how well it tells people apart; with the column it is found by."""
        for column, upn in (("upn", identity.upn), ("former_upn", identity.former_upn)):
            if upn:
                yield column, self._by.get(("upn", upn)) or self._by.get(("former", upn), set())
        if identity.uln:
            yield "uln", self._by.get(("uln", identity.uln), set())
        for number in numbers_of(identity):
            yield number[0], self._by.get(("number", number), set())
        if identity.surname and identity.forename and identity.date_of_birth:
            name = _name(identity.surname), _name(identity.forename), identity.date_of_birth
            yield "surname", self._by.get(("name", name), set())

    def _contradiction(self, identity: Identity, pupil: Pupil, column: str) -> FileFault | None:
        born = identity.date_of_birth
        if born and pupil.dates_of_birth and born not in pupil.dates_of_birth:
            return FileFault(
                identity.line,
                "date_of_birth",
                f"The pupil whose {column} this is was born on another day than {born}.",
                Rule.ROW_BIRTH,
                "Find out which of the two is mistyped, and correct it in the file or in the MIS.",
            )
        others = self._others(identity, pupil, column)
        if others:
            return FileFault(
                identity.line,
                others,
                f"{column} and {others} are of two different pupils.",
                Rule.ROW_TWO_PUPILS,
                "Find out which of the two is meant, and correct the other.",
            )
        return None

    def _others(self, identity: Identity, pupil: Pupil, column: str) -> str | None:
        """The column that speaks of somebody else than the one by which the pupil was found."""
        known = {upn for upn in pupil.upns | pupil.former_upns if _is_permanent(upn)}
        if identity.upn and _is_permanent(identity.upn) and known and not {identity.upn, identity.former_upn} & known:
            return "upn"
        if identity.uln and pupil.ulns and identity.uln not in pupil.ulns:
            return "uln"
        if column in ("uci", "candidate_number"):
            # These are told by files, not by the MIS, and a candidate number is given again: something else must agree.
            agrees = identity.date_of_birth in pupil.dates_of_birth
            if identity.surname and not agrees and _name(identity.surname) not in {name for name, _ in pupil.names}:
                return "surname"
            by_number = {person for number in numbers_of(identity) for person in self._by.get(("number", number), ())}
            return "candidate_number" if by_number - {pupil.person_id} else None
        return None


def numbers_of(identity: Identity) -> list[Number]:
    """The awarding organisations' numbers of a pupil, those for life first."""
    numbers: list[Number] = []
    if identity.uci:
        numbers.append(("uci", identity.uci.upper(), 0))
    if identity.candidate_number and identity.exam_year:
        numbers.append(("candidate_number", identity.candidate_number, identity.exam_year))
    return numbers


def read_roll(conn: psycopg.Connection[Any], school_id: int) -> Roll:
    """The pupils of a school as ``raw.pupil`` has them now, and the numbers that files have told."""
    enrolments = conn.execute(
        """
        select coalesce(person_id, pupil_id), pupil_id, date_of_birth, upper(upn), upper(former_upn), uln,
            surname, legal_surname, forename, legal_forename
        from raw.pupil
        where school_id = %s and removed_at is null
        order by coalesce(is_leaver, false), admission_date desc nulls last, pupil_id desc
        """,
        (school_id,),
    ).fetchall()
    numbers = conn.execute(
        "select kind, number, exam_year, person_id from ops.exam_number where school_id = %s", (school_id,)
    ).fetchall()
    return Roll(
        [Enrolment(*row) for row in enrolments],
        {(kind, number, exam_year): person for kind, number, exam_year, person in numbers},
    )


def _pupil(rows: list[Enrolment]) -> Pupil:
    first = rows[0]
    return Pupil(
        first.person_id,
        first.pupil_id,
        frozenset(row.date_of_birth for row in rows if row.date_of_birth),
        frozenset(row.upn for row in rows if row.upn),
        frozenset(row.former_upn for row in rows if row.former_upn),
        frozenset(row.uln for row in rows if row.uln),
        frozenset(
            (_name(surname), _name(forename))
            for row in rows
            for surname in (row.surname, row.legal_surname)
            for forename in (row.forename, row.legal_forename)
            if surname and forename
        ),
    )


def _name(text: str) -> str:
    """A name without case, accents, spaces and marks: O'Néill and ONEILL are one."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text).casefold() if letter.isalpha())


def _is_permanent(upn: str) -> bool:
    return upn[-1:].isdecimal()
