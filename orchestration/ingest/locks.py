"""Advisory locks: who is at work on what. They belong to a connection, so a killed process lets go of them at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import psycopg

from orchestration.ingest.categories import Category

#: How long to wait for a lock, in seconds. The server notices a moment late that a killed process is gone, and whoever
#: starts the run again at once must not be told that it is still at work.
PATIENCE = 3.0

_LANDING = "mis.landing"


def take_schools(conn: psycopg.Connection[Any], category: Category, school_ids: Iterable[int]) -> set[int]:
    """Take the right to extract a category of the schools; those that nobody else has, within ``PATIENCE``."""
    deadline = time.monotonic() + PATIENCE
    waiting = set(school_ids)
    taken: set[int] = set()
    while True:
        taken |= {school_id for school_id in waiting - taken if _try(conn, f"mis.extract.{category.value}", school_id)}
        if taken == waiting or time.monotonic() > deadline:
            return taken
        time.sleep(0.1)


def release_school(conn: psycopg.Connection[Any], category: Category, school_id: int) -> None:
    """Let go of a school's category."""
    _release(conn, f"mis.extract.{category.value}", school_id)


def try_agenda(conn: psycopg.Connection[Any]) -> bool:
    """Claim the agenda, for as long as the connection lasts; False while another run is at it."""
    return _try(conn, "mis.agenda", 0)


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
