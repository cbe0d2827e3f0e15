"""Fixtures of the quality tests: one warehouse and one SQLAlchemy engine for each module."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.rows import TupleRow

from orchestration.warehouse.connection import Warehouse


@pytest.fixture(scope="module")
def engine(module_warehouse: Warehouse) -> Iterator[sa.Engine]:
    engine = sa.create_engine(module_warehouse.sqlalchemy_url)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[TupleRow]]:
    with module_warehouse.connect(autocommit=True) as connection:
        yield connection
