"""Roles: a purpose reads what is published for it and the reference data, and is refused everything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import psycopg
import pytest
from psycopg import sql

from orchestration.ingest.categories import Purpose
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate
from orchestration.warehouse.publishing import publish
from orchestration.warehouse.roles import NAMED_ROLE, OPERATOR_ROLE, ensure_roles, purpose_role

EVERY_ROLE = {*(purpose_role(purpose) for purpose in Purpose), NAMED_ROLE, OPERATOR_ROLE}


@pytest.fixture
def owner(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """The owner's session in a warehouse with roles, a reference table and two releases of each of two purposes."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("create table reference.attendance_code (code text)")
        connection.execute("create schema core create table pupil (pupil_id text)")
        assert ensure_roles(connection) == ()
        for purpose in (Purpose.ATTENDANCE, Purpose.TRACKING):
            for run in ("first", "second"):
                connection.execute(f"create schema if not exists build_{purpose}".encode())
                connection.execute(f"create table build_{purpose}.school_year as select 1 as school_id".encode())
                publish(connection, purpose, run)
        yield connection


def may_read(connection: psycopg.Connection, role: str, relation: str) -> bool:
    """Read as the role, and tell whether the server allowed it."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("select * from {}").format(sql.Identifier(*relation.split("."))))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


@pytest.mark.parametrize(
    ("relation", "allowed"),
    [
        ("attendance.school_year", True),
        ("reference.attendance_code", True),
        ("release_attendance_2.school_year", True),
        ("tracking.school_year", False),
        ("release_tracking_2.school_year", False),
        ("raw.pupil", False),
        ("core.pupil", False),
        ("quarantine.row", False),
        ("ops.extract", False),
        ("access.person", False),
    ],
)
def test_a_purpose_reads_its_own_schema_and_the_reference(
    owner: psycopg.Connection, relation: str, allowed: bool
) -> None:
    assert may_read(owner, purpose_role(Purpose.ATTENDANCE), relation) is allowed


@pytest.mark.parametrize(
    ("relation", "allowed"),
    [
        ("ops.extract", True),
        ("quarantine.row", True),
        ("reference.attendance_code", True),
        ("attendance.school_year", False),
        ("raw.pupil", False),
        ("access.person", False),
    ],
)
def test_an_operator_reads_the_platforms_records_and_no_marts(
    owner: psycopg.Connection, relation: str, allowed: bool
) -> None:
    assert may_read(owner, OPERATOR_ROLE, relation) is allowed


def test_a_role_writes_nothing(owner: psycopg.Connection) -> None:
    for role in EVERY_ROLE:
        for schema in ("attendance", "reference", "ops", "public"):
            may_create = owner.execute("select has_schema_privilege(%s, %s, 'create')", [role, schema]).fetchone()
            assert may_create == (False,)
    owner.execute("set role mis_attendance")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("delete from attendance.school_year")


def test_a_seed_that_dbt_makes_anew_can_still_be_read(owner: psycopg.Connection) -> None:
    owner.execute("drop table reference.attendance_code")
    owner.execute("create table reference.attendance_code (code text, valid_from date)")
    assert may_read(owner, purpose_role(Purpose.BENCHMARKS), "reference.attendance_code")


def test_nobody_logs_in_as_a_role(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "select rolname, rolcanlogin or rolsuper from pg_roles where rolname like 'mis\\_%'"
    ).fetchall()
    assert dict(found) == dict.fromkeys(EVERY_ROLE, False)


def test_asked_again_it_writes_nothing(owner: psycopg.Connection) -> None:
    with owner.transaction():
        assert ensure_roles(owner) == ()
        # A transaction has a number of its own only once it has written.
        assert owner.execute("select pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_what_was_taken_away_is_granted_again(owner: psycopg.Connection) -> None:
    role = purpose_role(Purpose.ATTENDANCE)
    for taken, relation in (
        ("select on attendance.school_year", "attendance.school_year"),
        ("usage on schema release_attendance_2", "release_attendance_2.school_year"),
        ("select on reference.attendance_code", "reference.attendance_code"),
    ):
        owner.execute(f"revoke {taken} from {role}".encode())
        assert not may_read(owner, role, relation)
        assert ensure_roles(owner) == ()
        assert may_read(owner, role, relation)


def test_a_server_that_lets_us_create_no_roles(tmp_path: Path) -> None:
    """Warned and told what to ask for; publication works meanwhile; the roles get their rights once they exist."""
    server = Cluster(tmp_path)
    with server.lease(), psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("create role platform login password 'platform'")
        admin.execute("create database platform owner platform")
        url = f"postgresql://platform:platform@{server.url('platform').split('@')[1]}"
        warehouse = Warehouse(url, url)
        migrate(warehouse)
        with warehouse.connect(autocommit=True) as connection:
            (warning,) = ensure_roles(connection)
            assert "platform may not create roles" in warning
            connection.execute("create schema build_attendance create table session (school_id int)")
            publish(connection, Purpose.ATTENDANCE, "run")
            for role in EVERY_ROLE:
                assert f"create role {role} nologin;" in warning
                admin.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
            assert ensure_roles(connection) == ()
        with psycopg.connect(server.url("platform"), autocommit=True) as connection:
            assert may_read(connection, purpose_role(Purpose.ATTENDANCE), "attendance.session")
    rmtree(tmp_path)
