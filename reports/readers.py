"""Who reads: a person's rights, from the tables of schema ``access``."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class Reader:
    """A person and what they may see for one purpose, as it stood when the request came.

    ``may_see_small_groups`` opens exact figures of small groups and rows of single pupils, which are groups of one;
    ``may_see_names`` puts names and UPNs on those rows. Without the first there are no rows to name.
    """

    person_id: int
    name: str
    school_ids: frozenset[int]
    may_see_names: bool
    may_see_small_groups: bool

    @property
    def may_see_pupils(self) -> bool:
        return self.may_see_small_groups

    @property
    def shows_names(self) -> bool:
        return self.may_see_small_groups and self.may_see_names

    def role(self, purpose: str) -> str:
        """Return the database role that reads the purpose's published relations for this reader."""
        if not self.may_see_small_groups:
            return f"mis_{purpose}_aggregates"
        return f"mis_{purpose}_named" if self.may_see_names else f"mis_{purpose}"


def load_reader(connection: psycopg.Connection[TupleRow], person_id: int, purpose: str) -> Reader | None:
    """Return the person's rights; None when the person has gone or has not been granted the purpose."""
    row = connection.execute(
        """
        select p.name, p.can_view_named, p.can_view_small_groups, array_agg(s.school_id) filter (where s.school_id is not null)
        from access.person p
        join access.grant_purpose u using (person_id)
        left join access.grant_school s using (person_id)
        where p.person_id = %s and u.purpose = %s
        group by p.person_id
        """,
        [person_id, purpose],
    ).fetchone()
    if row is None:
        return None
    name, named, small_groups, schools = row
    return Reader(person_id, name, frozenset(schools or ()), named, small_groups)


def find_person(connection: psycopg.Connection[TupleRow], email: str) -> int | None:
    """Return the number of the person with this address, however its letters are written; None when there is none."""
    row = connection.execute("select person_id from access.person where lower(email) = lower(%s)", [email]).fetchone()
    return None if row is None else int(row[0])
