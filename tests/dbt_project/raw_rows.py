"""Hand-made rows of ``raw``, as the loader would leave them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

#: A Monday to Friday in the spring term of 2024/25.
WEEK = [date(2025, 3, day) for day in range(3, 8)]

Marks = tuple[str | None, str | None]


def put(connection: psycopg.Connection[Any], table: str, **values: object) -> None:
    """Insert a row of ``raw.<table>``, or change it where its key is there already."""
    names = list(values)
    statement = sql.SQL(
        "insert into raw.{table} ({columns}) values ({values}) on conflict on constraint {key} do update set {sets}"
    )
    connection.execute(
        statement.format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, names)),
            values=sql.SQL(", ").join(map(sql.Placeholder, names)),
            key=sql.Identifier(f"{table}_pkey"),
            sets=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names),
        ),
        values,
    )


def school(connection: psycopg.Connection[Any], name: str, phase: str, *, has_custom_codes: bool = False) -> int:
    """List an approved school; its id."""
    row = connection.execute(
        "insert into ops.school (partner, partner_school_id, name, phase, has_custom_codes, state)"
        " values ('wonde', %s, %s, %s, %s, 'approved') returning school_id",
        [name, name, phase, has_custom_codes],
    ).fetchone()
    assert row is not None
    return int(row[0])


def pupil(connection: psycopg.Connection[Any], school_id: int, pupil_id: str, **values: object) -> None:
    """Enrol a ten-year-old with no leaving date, unless ``values`` say otherwise."""
    usual: dict[str, object] = {
        "person_id": f"person-{pupil_id}",
        "date_of_birth": date(2014, 10, 1),
        "admission_date": date(2020, 9, 1),
        "is_leaver": False,
        "extract_id": 1,
    }
    put(connection, "pupil", school_id=school_id, pupil_id=pupil_id, **{**usual, **values})


def marks(
    connection: psycopg.Connection[Any], school_id: int, pupil_id: str, days: Mapping[date, Marks], extract_id: int = 1
) -> None:
    """Enter the morning's and the afternoon's mark of each day; None is no mark."""
    for day, codes in days.items():
        for session, code in zip(("AM", "PM"), codes, strict=True):
            if code is not None:
                put(
                    connection,
                    "attendance_mark",
                    school_id=school_id,
                    pupil_id=pupil_id,
                    mark_date=day,
                    session=session,
                    code=code,
                    extract_id=extract_id,
                )
