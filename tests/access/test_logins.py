"""Logins: made once, shown once, taken away at once, and honest about what the server does not allow."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree

import psycopg
import pytest
from logging_in import LogIn
from psycopg import sql

from orchestration.access import people
from orchestration.access.logins import LoginError
from orchestration.access.people import Person, PersonError, Rights
from orchestration.access.reading import NotAllowed, reading_as
from orchestration.ingest.categories import Purpose
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate
from orchestration.warehouse.roles import READER_ROLES, ensure_roles

ADA = "ada@elm.example"


@pytest.fixture
def ada(owner: psycopg.Connection) -> Person:
    return people.add(owner, ADA, "Ada", Rights(school_ids=(1,), purposes=(Purpose.ATTENDANCE,)))


def role_exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("select from pg_roles where rolname = %s", [name]).fetchone() is not None


def test_the_password_is_kept_nowhere_but_as_a_hash(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    credentials = people.open_login(owner, ada, ADA)
    assert credentials.password not in repr(credentials)
    (kept,) = owner.execute("select rolpassword from pg_authid where rolname = %s", [ADA]).fetchone() or ("",)
    assert kept.startswith("SCRAM-SHA-256$")
    with log_in(credentials) as session:
        assert session.execute("select session_user").fetchone() == (ADA,)
    assert people.person_by_email(owner, ADA).login == ADA


def test_a_new_password_makes_the_former_void(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    former = people.open_login(owner, ada, ADA)
    present = people.renew_login(owner, people.person_by_email(owner, ADA))
    with log_in(present) as session:
        assert session.execute("select school_id from attendance.school").fetchall() == [(1,)]
    assert present.password != former.password
    (kept,) = owner.execute("select rolpassword from pg_authid where rolname = %s", [ADA]).fetchone() or ("",)
    _, parameters, keys = kept.split("$")
    assert owner.pgconn.encrypt_password(former.password.encode(), ADA.encode(), b"scram-sha-256").decode() != kept
    assert parameters
    assert keys


def test_a_second_login_is_refused(owner: psycopg.Connection, ada: Person) -> None:
    people.open_login(owner, ada, ADA)
    with pytest.raises(PersonError, match="--new-password"):
        people.open_login(owner, people.person_by_email(owner, ADA), "another")
    assert not role_exists(owner, "another")


def test_a_login_that_is_not_there_is_neither_renewed_nor_dropped(owner: psycopg.Connection, ada: Person) -> None:
    with pytest.raises(PersonError, match="mis person login"):
        people.renew_login(owner, ada)
    with pytest.raises(PersonError, match="has no login"):
        people.close_login(owner, ada)


@pytest.mark.parametrize(
    ("role", "told"),
    [("mis_attendance", "has a role mis_attendance already"), ("é" * 32, "--role"), ("pg_reader", "--role")],
)
def test_a_name_that_cannot_be_is_refused(owner: psycopg.Connection, ada: Person, role: str, told: str) -> None:
    with pytest.raises(LoginError, match=told):
        people.open_login(owner, ada, role)
    assert people.person_by_email(owner, ADA) == ada


def test_a_login_taken_away_reads_nothing_from_then_on(owner: psycopg.Connection, ada: Person, log_in: LogIn) -> None:
    credentials = people.open_login(owner, ada, ADA)
    with log_in(credentials) as session:
        session.execute("create temp table mine as select * from attendance.school")
        assert people.close_login(owner, people.person_by_email(owner, ADA)) is None
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    assert not role_exists(owner, ADA)
    with pytest.raises(psycopg.OperationalError), log_in(credentials):
        pass
    assert people.person_by_email(owner, ADA) == ada


def test_a_role_that_owns_something_is_locked_and_the_administrator_told(
    owner: psycopg.Connection, ada: Person, log_in: LogIn
) -> None:
    credentials = people.open_login(owner, ada, ADA)
    owner.execute(f'create schema shared authorization "{ADA}"'.encode())
    note = people.close_login(owner, people.person_by_email(owner, ADA))
    assert note is not None
    assert 'drop owned by "ada@elm.example"' in note
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"), log_in(credentials):
        pass
    owner.execute(f'drop owned by "{ADA}"; drop role "{ADA}"'.encode())


def test_a_role_dropped_behind_our_back(owner: psycopg.Connection, ada: Person) -> None:
    people.open_login(owner, ada, ADA)
    owner.execute(f'drop role "{ADA}"'.encode())
    there = people.person_by_email(owner, ADA)
    with pytest.raises(LoginError, match="somebody has dropped it"):
        people.renew_login(owner, there)
    there = people.grant(owner, there, Rights(small_groups=True))
    assert people.close_login(owner, there) is None
    people.open_login(owner, people.person_by_email(owner, ADA), ADA)


def test_who_is_removed_has_no_login_left(owner: psycopg.Connection, ada: Person) -> None:
    people.open_login(owner, ada, ADA)
    assert people.remove(owner, people.person_by_email(owner, ADA)) is None
    assert not role_exists(owner, ADA)
    assert [event.action for event in people.events(owner, ADA)] == [
        "added",
        "granted",
        "login created",
        "login dropped",
        "removed",
    ]


def test_an_administrators_grant_of_another_role_is_left_alone(owner: psycopg.Connection, ada: Person) -> None:
    people.open_login(owner, ada, ADA)
    owner.execute(f'grant mis_operator to "{ADA}"'.encode())
    people.grant(owner, people.person_by_email(owner, ADA), Rights(small_groups=True))
    held = owner.execute(
        "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid"
        " where m.member = %s::regrole order by 1",
        [f'"{ADA}"'],
    ).fetchall()
    assert held == [("mis_attendance",), ("mis_operator",)]


@pytest.mark.parametrize("may_make_roles", [True, False])
def test_on_a_server_where_the_platform_is_an_ordinary_user(tmp_path: Path, may_make_roles: bool) -> None:
    """With createrole everything works; without, each command says what to ask the administrator for."""
    server = Cluster(tmp_path)
    with server.lease(), psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"create role platform login password 'x' {'createrole' if may_make_roles else ''}".encode())
        admin.execute("create database platform owner platform")
        url = f"postgresql://platform:x@{server.url('platform').split('@')[1]}"
        warehouse = Warehouse(url, url)
        migrate(warehouse)
        if not may_make_roles:
            for role in (*READER_ROLES, "mis_named", "mis_every_school", "mis_operator"):
                admin.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        with warehouse.connect(autocommit=True) as connection:
            assert ensure_roles(connection) == ()
            person = people.add(connection, ADA, "Ada", Rights(purposes=(Purpose.ATTENDANCE,)))
            if may_make_roles:
                people.open_login(connection, person, ADA)
                person = people.grant(connection, people.person_by_email(connection, ADA), Rights(small_groups=True))
                with reading_as(connection, person):
                    assert connection.execute("select current_user").fetchone() == ("mis_attendance",)
                people.remove(connection, person)
                assert not role_exists(connection, ADA)
            else:
                with pytest.raises(LoginError, match='alter role "platform" createrole'):
                    people.open_login(connection, person, ADA)
                with (
                    pytest.raises(NotAllowed, match="grant mis_attendance_aggregates to platform"),
                    reading_as(connection, person),
                ):
                    pass
                people.grant(connection, person, Rights(small_groups=True))
                assert people.person_by_email(connection, ADA).can_view_small_groups
    rmtree(tmp_path)
