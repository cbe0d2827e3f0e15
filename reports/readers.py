"""Who reads: a person of schema ``access``, as the pages ask about them."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from orchestration.access.people import Person, PersonError, person_by_id
from orchestration.ingest.categories import Purpose
from orchestration.warehouse.roles import Level


@dataclass(frozen=True, slots=True)
class Reader:
    """A person and what they may see, as it stood when the request came.

    Rows of single pupils are groups of one: they are open to who may see small groups. Names are on those rows for who
    may see names as well.
    """

    person: Person

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def school_ids(self) -> frozenset[int]:
        return frozenset(self.person.school_ids)

    @property
    def may_see_pupils(self) -> bool:
        return self.person.level in (Level.PUPILS, Level.NAMED)

    @property
    def may_see_names(self) -> bool:
        return self.person.level is Level.NAMED

    def may_read(self, purpose: Purpose) -> bool:
        """Tell whether the person has been granted the purpose."""
        return purpose in self.person.purposes


def load_reader(connection: psycopg.Connection[TupleRow], person_id: int) -> Reader | None:
    """Return the person with the rights they have now; None when they have been removed."""
    try:
        return Reader(person_by_id(connection, person_id))
    except PersonError:
        return None
