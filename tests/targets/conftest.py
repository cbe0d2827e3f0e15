"""One published school for all tests that write within a transaction; it is rolled back after each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from trial import publish_trial, someone

from orchestration.access.people import Person, person_by_email
from orchestration.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Staff:
    """Who sets targets at school 1; ``maths`` has mathematics alone, ``looker`` looks, ``other`` is of school 3."""

    teacher: Person
    maths: Person
    leader: Person
    head: Person
    looker: Person
    other: Person


@pytest.fixture(scope="session")
def published(new_warehouse: Any) -> Iterator[Warehouse]:
    """The school of trial.py and its people."""
    with new_warehouse() as fresh:
        with fresh.connect() as connection:
            publish_trial(connection)
            someone(connection, "teacher", "edit")
            someone(connection, "maths", "edit", subject="Mathematics")
            someone(connection, "leader", "edit", "review")
            someone(connection, "head", "edit", "review", "approve", "lock", "policy")
            someone(connection, "looker", named=False)
            someone(connection, "other", "edit", "review", "approve", "lock", "policy", schools=(3,))
        yield fresh


@pytest.fixture
def connection(published: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with published.connect() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def staff(connection: psycopg.Connection[Any]) -> Staff:
    return staff_of(connection)


def staff_of(connection: psycopg.Connection[Any]) -> Staff:
    return Staff(**{name: person_by_email(connection, f"{name}@school.example") for name in Staff.__annotations__})
