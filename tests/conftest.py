"""Fixtures shared by all tests: one embedded server a session, and a migrated database of it for whoever asks.

``warehouse`` is fresh for each test, ``module_warehouse`` for each module; ``new_warehouse()`` is a context manager for
a test that wants a second one or a wider scope. A database is copied from a migrated template in some 50 ms. Code that
opens the warehouse itself is given ``Settings(database_url=warehouse.url, home=tmp_path)``.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import psycopg
import pytest

from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate

_TEMPLATE = "migrated"

# A shell starts what it puts in the background with SIGINT ignored, children of it too; the tests of Ctrl-C would fail.
signal.signal(signal.SIGINT, signal.default_int_handler)

NewWarehouse = Callable[[], AbstractContextManager[Warehouse]]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The session's embedded server. Its folder has a space in its name, as folders have."""
    cluster = Cluster(tmp_path_factory.mktemp("embedded server"))
    with cluster.lease():
        yield cluster
    shutil.rmtree(cluster.root)  # pytest would keep the last three sessions' databases


@pytest.fixture(scope="session")
def new_warehouse(cluster: Cluster) -> NewWarehouse:
    """A function that gives a migrated warehouse in a database of its own, dropped at the end of the block."""
    taken: set[int] = set()
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {_TEMPLATE}")
    migrate(Warehouse(cluster.url(_TEMPLATE), cluster.url(_TEMPLATE)))

    @contextmanager
    def new() -> Iterator[Warehouse]:
        # The lowest number that is free, so that modules one after the other have one address: dbt, which they share,
        # parses the whole project again (5 CPU seconds) when its profile names another database.
        number = next(free for free in count(1) if free not in taken)
        taken.add(number)
        name = f"test_{number}"
        dagster = f"{name}_dagster"  # made, under this name, by whoever opens the warehouse through its settings
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template {_TEMPLATE}")
            try:
                yield Warehouse(cluster.url(name), cluster.url(dagster))
            finally:
                for used in (name, dagster):
                    connection.execute(f"drop database if exists {used} with (force)")
                taken.remove(number)

    return new


@pytest.fixture
def warehouse(new_warehouse: NewWarehouse) -> Iterator[Warehouse]:
    """A migrated warehouse, fresh for the test."""
    with new_warehouse() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_warehouse(new_warehouse: NewWarehouse) -> Iterator[Warehouse]:
    """A migrated warehouse, fresh for the module: for tests that only read, or keep out of each other's way."""
    with new_warehouse() as fresh:
        yield fresh
