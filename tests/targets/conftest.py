"""One published school for all tests that write within a transaction; it is rolled back after each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from published_school import Staff, publish_school, put_people, staff_of

from orchestration.warehouse.connection import Warehouse


@pytest.fixture(scope="session")
def published(new_warehouse: Any) -> Iterator[Warehouse]:
    """The school of published_school.py and its people."""
    with new_warehouse() as fresh:
        with fresh.connect() as connection:
            publish_school(connection)
            put_people(connection)
        yield fresh


@pytest.fixture
def connection(published: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with published.connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def staff(connection: psycopg.Connection[Any]) -> Staff:
    return staff_of(connection)
