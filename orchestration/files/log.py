"""The log of files: ``ops.file``, what was wrong with them, and what they told of examination candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from orchestration.files.faults import FileFault
from orchestration.files.matching import Number

FileState = Literal["loaded", "loaded_in_part", "rejected"]

#: A file of which every line is wrong is wrong in one way: more of the report would be of no use.
_MOST_FAULTS = 5_000


@dataclass(frozen=True, slots=True)
class Logged:
    """A file that was loaded before."""

    file_id: int
    received_at: datetime
    loaded_by: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What is logged of a file, beside its faults."""

    school_id: int
    kind: str
    name: str
    sha256: str
    loaded_by: str
    run_id: str
    state: FileState
    rows_good: int = 0
    rows_bad: int = 0
    rows_loaded: int = 0
    rows_left_out: int = 0
    raw_rows_written: int = 0
    extract_id: int | None = None
    raw_rows_removed: int = 0
    replaces: int | None = None


def loaded_before(conn: psycopg.Connection[Any], school_id: int, kind: str, sha256: str) -> Logged | None:
    """The file of the same contents that was loaded whole, the last one; None when there is none."""
    row = conn.execute(
        "select file_id, received_at, loaded_by from ops.file"
        " where school_id = %s and kind = %s and sha256 = %s and state = 'loaded' order by file_id desc limit 1",
        (school_id, kind, sha256),
    ).fetchone()
    return Logged(*row) if row else None


def write(
    conn: psycopg.Connection[Any], record: FileRecord, faults: Sequence[FileFault], warnings: Sequence[FileFault]
) -> int:
    """Log a file and its report, in the caller's transaction; the number of the file."""
    row = conn.execute(
        """
        insert into ops.file (
            school_id, kind, name, sha256, loaded_by, run_id, state, rows_good, rows_bad, rows_loaded, rows_left_out,
            raw_rows_written, raw_rows_removed, extract_id, replaces
        ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning file_id
        """,
        (
            record.school_id,
            record.kind,
            _storable(record.name),
            record.sha256,
            record.loaded_by,
            record.run_id,
            record.state,
            record.rows_good,
            record.rows_bad,
            record.rows_loaded,
            record.rows_left_out,
            record.raw_rows_written,
            record.raw_rows_removed,
            record.extract_id,
            record.replaces,
        ),
    ).fetchone()
    assert row is not None
    file_id: int = row[0]
    report = sorted([*((fault, False) for fault in faults), *((warning, True) for warning in warnings)])
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.file_fault (file_id, fault_no, is_warning, line, column_name, rule, message, what_to_do)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    file_id,
                    number,
                    warns,
                    fault.line,
                    _storable(fault.column),
                    fault.rule,
                    _storable(fault.message),
                    _storable(fault.what_to_do),
                )
                for number, (fault, warns) in enumerate(report[:_MOST_FAULTS], 1)
            ],
        )
    return file_id


def _storable(text: str) -> str:
    """What a text column can hold: names of files and columns may have in them what it cannot."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def learn_numbers(conn: psycopg.Connection[Any], school_id: int, file_id: int, numbers: Mapping[Number, str]) -> None:
    """Keep by which numbers awarding organisations know pupils, in the caller's transaction; a later file corrects."""
    with conn.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.exam_number (school_id, kind, number, exam_year, person_id, file_id)
            values (%s, %s, %s, %s, %s, %s)
            on conflict (school_id, kind, number, exam_year) do update set
                person_id = excluded.person_id, file_id = excluded.file_id
            where exam_number.person_id <> excluded.person_id
            """,
            [(school_id, *number, person_id, file_id) for number, person_id in numbers.items()],
        )


def centre_of(conn: psycopg.Connection[Any], school_id: int) -> str | None:
    """The school's number as an examination centre, when it has been told."""
    row = conn.execute("select centre_number from ops.exam_centre where school_id = %s", (school_id,)).fetchone()
    return row[0] if row else None


def set_centre(conn: psycopg.Connection[Any], school_id: int, centre: str, set_by: str) -> None:
    """Keep the school's number as an examination centre."""
    conn.execute(
        """
        insert into ops.exam_centre (school_id, centre_number, set_by) values (%s, %s, %s)
        on conflict (school_id) do update set
            centre_number = excluded.centre_number, set_by = excluded.set_by, set_at = now()
        where exam_centre.centre_number <> excluded.centre_number
        """,
        (school_id, centre, set_by),
    )
