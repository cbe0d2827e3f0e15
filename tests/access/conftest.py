"""A warehouse with three schools and a published attendance release, and logins that are dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from logging_in import LogIn
from psycopg import sql
from psycopg.conninfo import make_conninfo

from orchestration.access.logins import Credentials
from orchestration.ingest.categories import Purpose
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import publish
from orchestration.warehouse.roles import ensure_roles

_MARTS = """
create schema build_attendance;
create table build_attendance.school as
    select n as school_id, 'School ' || n as school_name from generate_series(1, 3) n;
create table build_attendance.pupil_year as
    select n as school_id, 100 + n as pupil_key, n as absence_sessions from generate_series(1, 3) n;
create table build_attendance.pupil_name as
    select n as school_id, 100 + n as pupil_key, 'Ada' as forename from generate_series(1, 3) n;
create table build_attendance._register as select n as school_id, 100 + n as pupil_key from generate_series(1, 3) n;
create view build_attendance.session as select school_id, pupil_key from build_attendance._register;
create table build_attendance.group_year as
    select n as school_id, 10 as enrolments, false as is_suppressed from generate_series(1, 3) n;
create table build_attendance.group_year_exact as select * from build_attendance.group_year;
create table build_attendance.published_rate as select 202425 as academic_year, 6.9 as absence_rate;
"""


@pytest.fixture
def owner(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """The platform's own session."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(
            "insert into ops.school"
            " (partner, partner_school_id, name, urn, la_code, establishment_number, state) values"
            " ('wonde', 'A', 'Elm Primary School', 199001, '850', '4901', 'approved'),"
            " ('wonde', 'B', 'Oakhurst School', 199002, '850', '4902', 'approved'),"
            " ('wonde', 'C', 'Saltmarsh School', 199003, '850', '4903', 'approved')"
        )
        ensure_roles(connection)
        connection.execute(_MARTS.encode())
        publish(connection, Purpose.ATTENDANCE, "run")
        yield connection
        for (role,) in connection.execute("select role_name from access.login").fetchall():
            if connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is not None:
                connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


@pytest.fixture
def log_in(owner: psycopg.Connection, warehouse: Warehouse) -> LogIn:
    """Open a session with a person's own credentials."""

    def connect(credentials: Credentials) -> AbstractContextManager[psycopg.Connection]:
        return psycopg.connect(
            make_conninfo(warehouse.url, user=credentials.role_name, password=credentials.password), autocommit=True
        )

    return connect
