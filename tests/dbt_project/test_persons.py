"""One human over schools: each way in which two records are one person, and each in which they only look like one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from raw_rows import pupil, put, school

from orchestration.warehouse.connection import Warehouse

BORN = date(2010, 10, 1)
#: UPNs whose check letter agrees, and temporary ones.
P1, P2, P3, P4, P5, P6 = (
    "Y850000000001",
    "M850000000002",
    "B850000000003",
    "Q850000000004",
    "E850000000005",
    "U850000000006",
)
T1, T2, T3 = "Y85000000000B", "M85000000000C", "B85000000000D"
MISTYPED = "A850000000001"
LEFT: dict[str, object] = {"admission_date": date(2018, 9, 3), "leaving_date": date(2022, 7, 22), "is_leaver": True}
CAME: dict[str, object] = {"admission_date": date(2022, 9, 5)}


class Pool:
    """Schools named A to E and what the models make of them; a test's pupils have a birth day of their own."""

    def __init__(self, connection: psycopg.Connection[Any], dbt: Any) -> None:
        self.connection, self.dbt = connection, dbt
        self.schools = {name: school(connection, name, "SECONDARY") for name in "ABCDE"}

    def enrols(self, at: str, who: str, upn: str | None, *, status: str | None = None, **values: object) -> None:
        """A pupil of school ``at``; ``who`` is "forename surname" and, with the school, the pupil's id."""
        forename, surname = who.partition("#")[0].split()
        usual = {"forename": forename, "surname": surname, "date_of_birth": BORN, "upn": upn, "person_id": who, **CAME}
        pupil(self.connection, self.schools[at], who, **{**usual, **values})
        if status is not None:
            put(
                self.connection,
                "pupil_demographics",
                school_id=self.schools[at],
                pupil_id=who,
                enrolment_status=status,
                extract_id=1,
            )

    def build(self) -> None:
        self.dbt("run", "--select", "+person_conflict", "+pupil_elsewhere")

    def person(self, at: str, who: str) -> int:
        row = self.connection.execute(
            "select person_key from core.person inner join core.pupil using (school_id, pupil_key)"
            " where school_id = %s and person_id = %s",
            [self.schools[at], who],
        ).fetchone()
        assert row is not None
        return int(row[0])

    def conflicts(self) -> set[tuple[str, str, str, str, str]]:
        """School, pupil, other school, other pupil, reason; each pair once."""
        names = {number: name for name, number in self.schools.items()}
        rows = self.connection.execute(
            "select conflict.school_id, one.person_id, other_school_id, other.person_id, reason"
            " from core.person_conflict as conflict"
            " inner join core.pupil as one using (school_id, pupil_key)"
            " inner join core.pupil as other"
            " on other.school_id = other_school_id and other.pupil_key = other_pupil_key"
        ).fetchall()
        pairs = {(names[at], one, names[other_at], other, reason) for at, one, other_at, other, reason in rows}
        assert all((other_at, other, at, one, reason) in pairs for at, one, other_at, other, reason in pairs)
        return {pair for pair in pairs if pair[:2] < pair[2:4]}


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with module_warehouse.connect(autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def schools(connection: psycopg.Connection[Any], dbt: Any) -> Pool:
    dbt("seed", "--select", "ethnicity", "sen_status", "enrolment_status", "local_authority", "school_trust")
    dbt("seed", "--select", "school_phase")
    dbt("snapshot")
    return Pool(connection, dbt)


@pytest.fixture
def pool(schools: Pool) -> Pool:
    """The five schools without a pupil."""
    for table in ("raw.pupil", "raw.pupil_demographics", "snapshot.pupil_upn"):
        schools.connection.execute(f"delete from {table}")
    return schools


def test_who_moved_or_is_at_two_schools_is_one_person_and_twins_are_two(pool: Pool) -> None:
    pool.enrols("A", "Ada Moved", P1, **LEFT)
    pool.enrols("B", "Ada Moved", P1.lower())
    pool.enrols("A", "Ben Dual", P2, status="M")
    pool.enrols("B", "Ben Dual", P2, status="S")
    pool.enrols("C", "Cat Twin", P3, **LEFT)
    pool.enrols("D", "Cat Twin", P3)
    pool.enrols("C", "Dan Twin", P4, **LEFT)
    pool.enrols("D", "Dan Twin", P4)
    pool.enrols("E", "Eve Alone", P5)
    pool.build()
    for at, other, who in (("A", "B", "Ada Moved"), ("A", "B", "Ben Dual"), ("C", "D", "Cat Twin")):
        assert pool.person(at, who) == pool.person(other, who)
    assert pool.person("C", "Dan Twin") == pool.person("D", "Dan Twin") != pool.person("C", "Cat Twin")
    assert pool.conflicts() == set()
    assert pool.connection.execute("select count(*), count(distinct person_key) from core.person").fetchone() == (9, 5)
    # Only who is on roll is looked for elsewhere.
    assert pool.connection.execute("select count(*) from core.pupil_elsewhere").fetchone() == (5,)


def test_a_upn_alone_or_a_birth_alone_makes_nobody_one(pool: Pool) -> None:
    pool.enrols("A", "Ada Same", P1)
    pool.enrols("B", "Bea Other", P1, date_of_birth=date(2011, 1, 1))
    pool.enrols("C", "Cat None", "", date_of_birth=None)
    pool.enrols("D", "Cat None", "", date_of_birth=None)
    pool.build()
    assert pool.person("A", "Ada Same") != pool.person("B", "Bea Other")
    assert pool.person("C", "Cat None") != pool.person("D", "Cat None")
    assert pool.conflicts() == {("A", "Ada Same", "B", "Bea Other", "date of birth differs")}


def test_a_mistyped_upn_does_not_hide_the_person_nor_speak_against_one(pool: Pool) -> None:
    pool.enrols("A", "Ada Typo", P1, **LEFT)
    pool.enrols("B", "Ada Typo", MISTYPED)
    pool.build()
    assert pool.person("A", "Ada Typo") == pool.person("B", "Ada Typo")


def test_a_temporary_number_leads_to_the_permanent_one_that_replaced_it(pool: Pool) -> None:
    pool.enrols("A", "Ada Temp", T1, **LEFT)
    pool.enrols("B", "Ada New", P1, former_upn=T1)
    pool.enrols("A", "Ben Temp", T2, **LEFT)
    pool.enrols("B", "Ben New", T2)
    pool.dbt("snapshot")
    pool.enrols("B", "Ben New", P2)  # the MIS does not keep the number before; the platform does
    pool.dbt("snapshot")
    pool.build()
    assert pool.person("A", "Ada Temp") == pool.person("B", "Ada New")
    assert pool.person("A", "Ben Temp") == pool.person("B", "Ben New")
    assert pool.conflicts() == set()


def test_a_permanent_number_that_was_corrected_was_never_the_pupils(pool: Pool) -> None:
    pool.enrols("A", "Cat Twin", P1)
    pool.enrols("B", "Dan Twin", P1)  # the twin's number by mistake
    pool.dbt("snapshot")
    pool.enrols("B", "Dan Twin", P2)
    pool.dbt("snapshot")
    pool.build()
    assert pool.person("A", "Cat Twin") != pool.person("B", "Dan Twin")


def test_two_of_one_name_and_birth_with_numbers_of_their_own_are_two(pool: Pool) -> None:
    pool.enrols("A", "Ada Same", P1)
    pool.enrols("B", "Ada Same", P2)
    pool.build()
    assert pool.person("A", "Ada Same") != pool.person("B", "Ada Same")
    assert pool.conflicts() == {("A", "Ada Same", "B", "Ada Same", "two permanent UPNs")}


def test_without_a_number_full_names_and_birth_tell_when_nothing_contradicts(pool: Pool) -> None:
    pool.enrols("A", "Zoë O'Neill", P1, **LEFT)
    pool.enrols("B", "ZOË Oneill", None)
    pool.enrols("A", "Ben None", None, **LEFT)
    pool.enrols("C", "Ben None", T1)
    pool.enrols("A", "Dan Dual", P3, status="M")
    pool.enrols("B", "Dan Dual", None, status="S")
    pool.build()
    assert pool.person("A", "Zoë O'Neill") == pool.person("B", "ZOË Oneill")
    assert pool.person("A", "Ben None") == pool.person("C", "Ben None")
    assert pool.person("A", "Dan Dual") == pool.person("B", "Dan Dual")
    assert pool.conflicts() == set()


def test_names_that_are_contradicted_are_left_to_people(pool: Pool) -> None:
    pool.enrols("A", "Ada Both", P1)
    pool.enrols("B", "Ada Both", None)
    pool.enrols("A", "Ben Many", None, **LEFT)
    pool.enrols("B", "Ben Many", None, **LEFT)
    pool.enrols("C", "Ben Many", P2)
    pool.enrols("D", "Kim Sex", None, sex="F", **LEFT)
    pool.enrols("E", "Kim Sex", None, sex="M")
    pool.build()
    assert pool.connection.execute("select max(records) from core.person").fetchone() == (1,)
    assert pool.conflicts() == {
        ("A", "Ada Both", "B", "Ada Both", "on roll at both schools"),
        ("A", "Ben Many", "B", "Ben Many", "more than two of these names"),
        ("A", "Ben Many", "C", "Ben Many", "more than two of these names"),
        ("B", "Ben Many", "C", "Ben Many", "more than two of these names"),
        ("D", "Kim Sex", "E", "Kim Sex", "sex differs"),
    }


def test_a_chain_over_three_schools_is_one_person(pool: Pool) -> None:
    pool.enrols("A", "Ada One", T1, **LEFT)
    pool.enrols("B", "Ada Two", T2, former_upn=T1, **LEFT)
    pool.enrols("C", "Ada Three", P1, former_upn=T2)
    pool.enrols("D", "Ada Three", P1)
    pool.build()
    assert len({pool.person(*who) for who in (("A", "Ada One"), ("B", "Ada Two"), ("C", "Ada Three"))}) == 1
    assert pool.person("D", "Ada Three") == pool.person("A", "Ada One")
    assert pool.conflicts() == set()


def test_a_chain_that_would_join_two_permanent_numbers_is_cut_and_listed(pool: Pool) -> None:
    pool.enrols("A", "Ada One", P1, former_upn=T1)
    pool.enrols("B", "Ada One", P1, **LEFT)
    pool.enrols("C", "Bea Two", P2, former_upn=T1)
    pool.enrols("D", "Bea Two", P2, **LEFT)
    pool.enrols("E", "Cat Key", T1)
    pool.build()
    assert pool.person("A", "Ada One") == pool.person("B", "Ada One")
    assert pool.person("C", "Bea Two") == pool.person("D", "Bea Two")
    assert len({pool.person("A", "Ada One"), pool.person("C", "Bea Two"), pool.person("E", "Cat Key")}) == 3
    assert {reason for *_, reason in pool.conflicts()} == {"two permanent UPNs"}
    assert ("A", "Ada One", "E", "Cat Key", "two permanent UPNs") in pool.conflicts()


def test_a_permanent_number_that_the_mis_calls_former_is_followed(pool: Pool) -> None:
    pool.enrols("A", "Ada Old", P1, **LEFT)
    pool.enrols("B", "Ada Adopted", P2, former_upn=P1)
    pool.build()
    assert pool.person("A", "Ada Old") == pool.person("B", "Ada Adopted")


def test_who_is_entered_twice_in_a_school_is_listed_and_not_merged(pool: Pool) -> None:
    pool.enrols("A", "Ada Twice#1", P1)
    pool.enrols("A", "Ada Twice#2", P1)
    pool.enrols("B", "Ada Twice", P1, **LEFT)
    pool.build()
    people = {pool.person("A", "Ada Twice#1"), pool.person("A", "Ada Twice#2"), pool.person("B", "Ada Twice")}
    assert len(people) == 3
    assert pool.conflicts() == {
        ("A", "Ada Twice#1", "A", "Ada Twice#2", "entered twice in one school"),
        ("A", "Ada Twice#1", "B", "Ada Twice", "entered twice in one school"),
        ("A", "Ada Twice#2", "B", "Ada Twice", "entered twice in one school"),
    }


def test_the_key_stays_when_another_schools_copy_arrives(pool: Pool) -> None:
    pool.enrols("E", "Ada Moved", P1, **LEFT)
    pool.dbt("snapshot")
    pool.build()
    key = pool.person("E", "Ada Moved")
    pool.enrols("A", "Ada Moved", P1)
    pool.dbt("snapshot")
    pool.build()
    assert pool.person("A", "Ada Moved") == pool.person("E", "Ada Moved") == key
