"""Rows of schools: whoever reads sees the schools that are theirs, through every relation, and no trick shows more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from logging_in import LogIn
from psycopg.conninfo import make_conninfo

from orchestration.access import people
from orchestration.access.people import Person, Rights
from orchestration.access.reading import NotAllowed, reading_as
from orchestration.ingest.categories import Purpose
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import publish, rollback
from orchestration.warehouse.roles import ensure_roles

ADA = "ada@elm.example"
RELATIONS = ("school", "pupil_year", "session", "group_year", "group_year_exact")


@pytest.fixture
def ada(owner: psycopg.Connection) -> Person:
    """Reads pupils of schools 1 and 2 for attendance, without names."""
    return people.add(owner, ADA, "Ada", Rights(school_ids=(1, 2), purposes=(Purpose.ATTENDANCE,), small_groups=True))


def schools(connection: psycopg.Connection, relation: str, schema: str = "attendance") -> set[int]:
    """The schools that a session finds in a relation."""
    return {
        number for (number,) in connection.execute(f"select school_id from {schema}.{relation}".encode()).fetchall()
    }


def refused(connection: psycopg.Connection, statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_a_login_sees_its_schools_and_is_refused_the_rest(
    owner: psycopg.Connection, ada: Person, log_in: LogIn
) -> None:
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        for relation in RELATIONS:
            assert schools(session, relation) == {1, 2}, relation
        for relation in (*RELATIONS, "_register"):
            assert schools(session, relation, "release_attendance_1") == {1, 2}, relation
        assert session.execute("select * from attendance.published_rate").fetchone() is not None
        for relation in ("attendance.pupil_name", "release_attendance_1.pupil_name", "access.person", "ops.school"):
            assert refused(session, f"select * from {relation}"), relation
        assert refused(session, "delete from release_attendance_1.pupil_year")
        assert refused(session, "alter table release_attendance_1.pupil_year disable row level security")


def test_rights_that_change_are_felt_at_once(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        ada = people.grant(owner, ada, Rights(school_ids=(3,), named=True))
        assert schools(session, "pupil_name") == {1, 2, 3}
        ada = people.revoke(owner, ada, Rights(school_ids=(1, 2), small_groups=True))
        assert schools(session, "group_year") == {3}
        for relation in ("pupil_year", "pupil_name", "group_year_exact", "session"):
            assert refused(session, f"select * from attendance.{relation}"), relation
        ada = people.revoke(owner, ada, Rights(purposes=(Purpose.ATTENDANCE,)))
        assert refused(session, "select * from attendance.school")


def test_policies_come_with_every_release_and_rollback(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        for relation in RELATIONS:
            owner.execute(
                f"create table build_attendance.{relation} as select * from release_attendance_1.{relation}".encode()
            )
        publish(owner, Purpose.ATTENDANCE, "second", allow_breaking=True)
        assert schools(session, "pupil_year") == schools(session, "pupil_year", "release_attendance_2") == {1, 2}
        rollback(owner, Purpose.ATTENDANCE)
        assert schools(session, "pupil_year") == {1, 2}


def test_a_release_from_before_there_were_policies_gets_them(
    owner: psycopg.Connection, ada: Person, log_in: LogIn
) -> None:
    owner.execute(
        "alter table release_attendance_1.pupil_year disable row level security;"
        " drop policy readable_schools on release_attendance_1.pupil_year"
    )
    credentials = people.open_login(owner, ada, ADA)
    ensure_roles(owner)
    with log_in(credentials) as session:
        assert schools(session, "pupil_year") == {1, 2}


@pytest.mark.parametrize(
    "trick",
    [
        "set mis.person_id = '{bob}'",
        "select set_config('mis.person_id', '{bob}', false)",
        "set mis.person_id = 'everybody'",
        "set role mis_attendance",
        "set role mis_attendance; set mis.person_id = '{bob}'",
        "set row_security = on",
        "set search_path = pg_temp, public; create temp table grant_school (person_id bigint, school_id int)",
    ],
)
def test_a_login_cannot_read_as_somebody_else(
    owner: psycopg.Connection, ada: Person, log_in: LogIn, trick: str
) -> None:
    bob = people.add(owner, "bob@oak.example", "Bob", Rights(school_ids=(3,), purposes=(Purpose.ATTENDANCE,)))
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        session.execute(trick.format(bob=bob.person_id).encode())
        assert schools(session, "pupil_year") == {1, 2}


@pytest.mark.parametrize(
    "trick",
    [
        "set session authorization mis",
        "set role mis_every_school",
        "set role mis_attendance_named",
        "select access.readable_schools()",
        "insert into access.grant_school values (1, 3)",
        "alter function access.readable_schools() owner to current_user",
        "alter role mis_named rename to x",
        "create schema mine",
        "create view attendance.mine as select 1",
    ],
)
def test_what_would_show_more_is_refused(owner: psycopg.Connection, ada: Person, log_in: LogIn, trick: str) -> None:
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        assert refused(session, trick)
        assert schools(session, "pupil_year") == {1, 2}


def test_to_see_past_the_policies_is_an_error(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        session.execute("set row_security = off")
        assert refused(session, "select * from attendance.pupil_year")


@contextmanager
def somebody(owner: psycopg.Connection, warehouse: Warehouse, *roles: str) -> Iterator[psycopg.Connection]:
    """A session of a role that an administrator made, and who is no person of ours."""
    owner.execute(f"create role carol_of_the_policy_test login password 'x' in role {', '.join(roles)}".encode())
    try:
        url = make_conninfo(warehouse.url, user="carol_of_the_policy_test", password="x")
        with psycopg.connect(url, autocommit=True) as session:
            yield session
    finally:
        owner.execute("drop role carol_of_the_policy_test")


def test_who_is_no_person_sees_no_school(owner: psycopg.Connection, warehouse: Warehouse, ada: Person) -> None:
    with somebody(owner, warehouse, "mis_attendance") as session:
        session.execute("select set_config('mis.person_id', %s, false)", [str(ada.person_id)])
        for relation in RELATIONS:
            assert schools(session, relation) == set(), relation
        assert session.execute("select * from attendance.published_rate").fetchone() is not None


@pytest.mark.parametrize("role", ["mis_every_school", "mis_operator"])
def test_those_listed_as_unrestricted_see_every_school(
    owner: psycopg.Connection, warehouse: Warehouse, role: str
) -> None:
    with somebody(owner, warehouse, "mis_attendance", role) as session:
        assert schools(session, "pupil_year") == {1, 2, 3}
        session.execute("set role mis_attendance")
        assert schools(session, "pupil_year") == {1, 2, 3}


def test_an_unrestricted_reader_is_spared_the_comparison(owner: psycopg.Connection, warehouse: Warehouse) -> None:
    with somebody(owner, warehouse, "mis_attendance", "mis_every_school") as session:
        plan = session.execute("explain select * from attendance.pupil_year").fetchall()
        assert "Filter" not in str(plan)


def test_the_schools_are_looked_up_once_a_scan(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    """As a condition of the key, with as many pupils as a small trust has: 50,000 look-ups would take minutes."""
    owner.execute(
        "create table build_attendance.pupil_year (school_id int, pupil_key bigint, absence_sessions int,"
        " primary key (school_id, pupil_key));"
        " insert into build_attendance.pupil_year select n % 50, n, 1 from generate_series(1, 50000) n"
    )
    publish(owner, Purpose.ATTENDANCE, "second", allow_breaking=True)
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        plan = "\n".join(
            line for (line,) in session.execute("explain select sum(absence_sessions) from attendance.pupil_year")
        )
        assert "Index Cond: (school_id = ANY (access.readable_schools()))" in plan
        assert "Filter" not in plan
        assert session.execute("select count(*) from attendance.pupil_year").fetchone() == (2000,)


def test_the_platform_sees_everything(owner: psycopg.Connection) -> None:
    assert schools(owner, "pupil_name") == {1, 2, 3}
    with owner.transaction():
        owner.execute("set local role mis_attendance")
        assert schools(owner, "pupil_year") == {1, 2, 3}


def test_reading_as_a_person_is_reading_with_their_login(owner: psycopg.Connection, ada: Person) -> None:
    with reading_as(owner, ada):
        for relation in RELATIONS:
            assert schools(owner, relation) == {1, 2}, relation
        with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
            schools(owner, "pupil_name")
    assert schools(owner, "pupil_name") == {1, 2, 3}


def test_one_person_after_another(owner: psycopg.Connection, ada: Person) -> None:
    """On one connection of a pool, also inside a transaction of the caller's, and after an error."""
    bob = people.add(owner, "bob@oak.example", "Bob", Rights(school_ids=(3,), purposes=(Purpose.ATTENDANCE,)))
    for _ in range(2):
        with reading_as(owner, ada):
            assert schools(owner, "school") == {1, 2}
        with reading_as(owner, bob):
            assert schools(owner, "school") == {3}
    with pytest.raises(psycopg.errors.InsufficientPrivilege), reading_as(owner, bob):
        schools(owner, "pupil_year")
    with owner.transaction():
        with reading_as(owner, bob):
            assert schools(owner, "school") == {3}
        assert schools(owner, "school") == {1, 2, 3}
        found = owner.execute("select current_setting('role'), current_setting('mis.person_id')").fetchone()
        assert found == ("none", "")
    assert schools(owner, "pupil_name") == {1, 2, 3}


def test_a_named_reader_reads_names_beside_marks(owner: psycopg.Connection, ada: Person) -> None:
    named = people.grant(owner, ada, Rights(named=True))
    with reading_as(owner, named):
        found = owner.execute(
            "select school_id, forename, absence_sessions from attendance.pupil_year"
            " inner join attendance.pupil_name using (school_id, pupil_key) order by 1"
        ).fetchall()
    assert found == [(1, "Ada", 1), (2, "Ada", 2)]


def test_a_school_taken_away_is_gone_for_a_person_read_before(owner: psycopg.Connection, ada: Person) -> None:
    people.revoke(owner, ada, Rights(school_ids=(1,)))
    with reading_as(owner, ada):
        assert schools(owner, "school") == {2}


def test_a_person_who_was_removed_reads_nothing(owner: psycopg.Connection, ada: Person) -> None:
    people.remove(owner, ada)
    with reading_as(owner, ada):
        assert schools(owner, "school") == set()


def test_a_purpose_that_is_not_theirs_is_refused(owner: psycopg.Connection, ada: Person) -> None:
    with (
        pytest.raises(NotAllowed, match=r"mis person grant ada@elm\.example --purpose tracking"),
        reading_as(owner, ada, Purpose.TRACKING),
    ):
        pass


def test_a_login_reads_on_nobodys_behalf(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    """Not even with the function of ours: whose session it is stands in session_user."""
    bob = people.add(
        owner, "bob@oak.example", "Bob", Rights(school_ids=(3,), purposes=(Purpose.ATTENDANCE,), small_groups=True)
    )
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session, reading_as(session, bob):
        assert schools(session, "school") == {1, 2}


def test_a_view_of_a_colleagues_shows_each_their_own(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    """A view runs with its maker's rights on relations, but the rows go by who reads."""
    bob = people.add(
        owner, "bob@oak.example", "Bob", Rights(school_ids=(3,), purposes=(Purpose.ATTENDANCE,), small_groups=True)
    )
    ada_login, bob_login = people.open_login(owner, ada, ADA), people.open_login(owner, bob, "bob@oak.example")
    owner.execute(
        'create schema shared; grant all on schema shared to "ada@elm.example"; grant usage on schema shared to public'
    )
    with log_in(ada_login) as session:
        session.execute("create view shared.low as select school_id from attendance.pupil_year")
        session.execute("grant select on shared.low to public")
        assert schools(session, "low", "shared") == {1, 2}
    with log_in(bob_login) as session:
        assert schools(session, "low", "shared") == {3}
    owner.execute("drop schema shared cascade")
