"""Advisory locks: who is at work on what. They belong to a connection, so a killed process lets go of them at once."""

from __future__ import annotations

from typing import Any

import psycopg

from orchestration.ingest.categories import Category

_LANDING = "mis.landing"


def try_school(conn: psycopg.Connection[Any], category: Category, school_id: int) -> bool:
    """Take the right to extract a school's category; False when another connection has it."""
    return _try(conn, f"mis.extract.{category.value}", school_id)


def release_school(conn: psycopg.Connection[Any], category: Category, school_id: int) -> None:
    """Let go of a school's category."""
    _release(conn, f"mis.extract.{category.value}", school_id)


def try_landing(conn: psycopg.Connection[Any], token: int) -> bool:
    """Claim a set of landing tables; False when its maker is still at work."""
    return _try(conn, _LANDING, token)


def release_landing(conn: psycopg.Connection[Any], token: int) -> None:
    """Give a set of landing tables up."""
    _release(conn, _LANDING, token)


def _try(conn: psycopg.Connection[Any], space: str, number: int) -> bool:
    row = conn.execute("select pg_try_advisory_lock(hashtext(%s), %s)", (space, number)).fetchone()
    return bool(row and row[0])


def _release(conn: psycopg.Connection[Any], space: str, number: int) -> None:
    conn.execute("select pg_advisory_unlock(hashtext(%s), %s)", (space, number))
