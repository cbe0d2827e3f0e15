"""Opening the warehouse: the embedded server or another's, its two databases, and what child processes are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import psycopg2
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from orchestration.settings import Settings
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse, WarehouseError, warehouse

_NUMBERS = count(1)


@pytest.fixture
def admin(cluster: Cluster) -> Iterator[psycopg.Connection]:
    """A superuser's session on the session's server, which here stands for somebody else's."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def name(admin: psycopg.Connection) -> Iterator[str]:
    """A name of a database that does not exist, dropped with its neighbour afterwards."""
    name = f"server_{next(_NUMBERS)}"
    yield name
    for used in (name, f"{name}_dagster", f"{name}_elsewhere"):
        admin.execute(f"drop database if exists {used} with (force)")


@pytest.fixture
def limited(admin: psycopg.Connection, name: str) -> Iterator[str]:
    """The login of a user who may create nothing; its password needs every kind of quoting."""
    role, password = f"user_{name}", "p@ss:w/rd %?'\""
    admin.execute(f"create role {role} login password '{password.replace(chr(39), chr(39) * 2)}'")
    yield f"{role}:{quote(password, safe='')}"
    admin.execute(f"drop database if exists {name} with (force)")
    admin.execute(f"drop database if exists {name}_dagster with (force)")
    admin.execute(f"drop role {role}")


def at_server(url: str, tmp_path: Path, dagster: str | None = None) -> Settings:
    return Settings(
        home=tmp_path,
        database_url=SecretStr(url),
        dagster_database_url=None if dagster is None else SecretStr(dagster),
    )


def with_login(cluster: Cluster, login: str, database: str) -> str:
    return f"postgresql://{login}@{cluster.url(database).split('@')[1]}"


def database_of(connection: psycopg.Connection) -> str:
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    return str(row[0])


def test_the_embedded_warehouse_comes_and_goes_with_its_users(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home of data", database_url=None)
    embedded = Cluster(settings.home / "postgres")
    with warehouse(settings) as opened:
        with warehouse(settings) as again:
            assert again.url == opened.url
        with opened.connect() as connection:
            assert database_of(connection) == "mis"
            connection.execute("create table kept as select 1 as n")
        engine = sa.create_engine(opened.dagster_url)
        with engine.connect() as dagster:
            assert dagster.scalar(sa.text("select current_database()")) == "dagster"
        engine.dispose()
    assert not embedded.is_running()
    with warehouse(settings) as opened, opened.connect() as connection:
        assert connection.execute("select n from kept").fetchone() == (1,)


def test_a_server_is_given_both_databases(cluster: Cluster, name: str, tmp_path: Path) -> None:
    with warehouse(at_server(cluster.url(name), tmp_path)) as opened:
        with opened.connect() as connection:
            assert database_of(connection) == name
        assert opened.env()["MIS_PG_DAGSTER_DB"] == f"{name}_dagster"
        with psycopg2.connect(opened.dagster_url.replace("+psycopg2", "")) as dagster:
            assert dagster.info.dbname == f"{name}_dagster"
        dagster.close()
    assert cluster.is_running(), "a server that is not ours is not stopped"
    assert not (tmp_path / "postgres").exists()
    with warehouse(at_server(cluster.url(name), tmp_path)):
        pass


def test_dagster_may_have_its_database_elsewhere(cluster: Cluster, name: str, tmp_path: Path) -> None:
    settings = at_server(cluster.url(name), tmp_path, dagster=cluster.url(f"{name}_elsewhere"))
    with warehouse(settings) as opened:
        assert opened.env()["MIS_PG_DAGSTER_DB"] == f"{name}_elsewhere"
        assert opened.env()["MIS_PG_DAGSTER_URL"].endswith(f"/{name}_elsewhere")


def test_autocommit_is_the_callers_choice(module_warehouse: Warehouse) -> None:
    with module_warehouse.connect() as connection:
        assert not connection.autocommit
    with module_warehouse.connect(autocommit=True) as connection:
        assert connection.autocommit


def test_a_wrong_password_is_told_without_telling_it(cluster: Cluster, name: str, tmp_path: Path) -> None:
    settings = at_server(with_login(cluster, "mis:hunter2", name), tmp_path)
    with (
        pytest.raises(WarehouseError, match=r"authentication failed.*password in DATABASE_URL right") as caught,
        warehouse(settings),
    ):
        pass
    assert "hunter2" not in str(caught.value)


def test_a_server_that_does_not_answer_is_told_plainly(tmp_path: Path) -> None:
    settings = at_server("postgresql://mis:hunter2@127.0.0.1:1/warehouse", tmp_path)
    with pytest.raises(WarehouseError, match=r"mis@127\.0\.0\.1:1/warehouse .*Is the server up"), warehouse(settings):
        pass


def test_who_may_create_no_database_is_told_what_to_ask_for(
    cluster: Cluster, admin: psycopg.Connection, limited: str, name: str, tmp_path: Path
) -> None:
    role = f"user_{name}"
    settings = at_server(with_login(cluster, limited, name), tmp_path)
    with pytest.raises(WarehouseError, match=f"create database {name} owner {role}.*DATABASE_URL"), warehouse(settings):
        pass
    admin.execute(f"create database {name} owner {role}")
    with (
        pytest.raises(WarehouseError, match=f"create database {name}_dagster owner {role}.*MIS_DAGSTER_DATABASE_URL"),
        warehouse(settings),
    ):
        pass
    admin.execute(f"create database {name}_dagster owner {role}")
    with warehouse(settings) as opened, opened.connect() as connection:
        assert database_of(connection) == name


def test_a_database_that_cannot_hold_every_name_is_refused(
    cluster: Cluster, admin: psycopg.Connection, name: str, tmp_path: Path
) -> None:
    admin.execute(f"create database {name} encoding 'SQL_ASCII' locale_provider libc locale 'C' template template0")
    settings = at_server(cluster.url(name), tmp_path)
    with pytest.raises(WarehouseError, match=r"encoding SQL_ASCII.*encoding 'UTF8'"), warehouse(settings):
        pass


def test_every_client_understands_the_address_whatever_the_password(
    cluster: Cluster, admin: psycopg.Connection, limited: str, name: str
) -> None:
    admin.execute(f"create database {name} owner user_{name}")
    url = with_login(cluster, limited, name) + "?application_name=two%20words"
    opened = Warehouse(url, url)
    query = "select current_setting('application_name')"
    with psycopg.connect(opened.url) as by_libpq:
        assert by_libpq.execute(query).fetchone() == ("two words",)
    for address in (opened.sqlalchemy_url, opened.dagster_url):
        engine = sa.create_engine(address)
        with engine.connect() as connection:
            assert connection.scalar(sa.text(query)) == "two words"
        engine.dispose()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://a:b@h/d", "postgresql://a:b@h:5432/d"),
        ("postgresql://a@[::1]:6543/d?sslmode=require", "postgresql://a@[::1]:6543/d?sslmode=require"),
        ("postgresql://a:b@/d?host=/var/run/pg", "postgresql://a:b@/d?host=%2Fvar%2Frun%2Fpg&port=5432"),
    ],
)
def test_forms_of_an_address(given: str, url: str) -> None:
    opened = Warehouse(given, given)
    assert opened.url == url
    assert opened.sqlalchemy_url == url.replace("postgresql://", "postgresql+psycopg2://")
    assert sa.make_url(opened.sqlalchemy_url).database == "d"


def test_an_address_without_a_user_is_refused() -> None:
    with pytest.raises(WarehouseError, match="names no user"):
        Warehouse("postgresql://host/warehouse", "postgresql://host/dagster")


def test_the_password_is_not_shown() -> None:
    opened = Warehouse("postgresql://mis:hunter2@h/d", "postgresql://mis:hunter2@h/dagster")
    assert repr(opened) == str(opened) == "Warehouse(mis@h:5432/d, dagster=mis@h:5432/dagster)"


def test_a_child_process_finds_the_warehouse_by_its_environment(module_warehouse: Warehouse) -> None:
    child = """
import os, psycopg2
named = {name: os.environ["MIS_PG_" + name.upper()] for name in ("host", "port", "user", "password")}
print(psycopg2.connect(dbname=os.environ["MIS_PG_DB"], **named).info.dbname)
"""
    run = subprocess.run(
        [sys.executable, "-c", child],
        env={**os.environ, **module_warehouse.env()},
        capture_output=True,
        text=True,
        check=True,
    )
    with module_warehouse.connect() as connection:
        assert run.stdout.strip() == database_of(connection)


def test_what_else_the_address_says_reaches_every_client_in_a_child_process() -> None:
    url = "postgresql://mis:pw@h:5433/d?sslmode=verify-full&sslrootcert=/etc/ca.pem&options=-c%20search_path%3Dops"
    env = Warehouse(url, url).env()
    assert env["MIS_PG_PORT"] == "5433"
    assert env["PGSSLMODE"] == "verify-full"
    assert env["PGSSLROOTCERT"] == "/etc/ca.pem"
    assert env["PGOPTIONS"] == "-c search_path=ops"
    assert "PGPASSWORD" not in env
