"""Errors that nobody foresaw, in words that may be shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import psycopg


def describe(error: BaseException) -> str:
    """The type, the message and the last three places of an error, on one line.

    Of a database's error only the message proper: its detail quotes the row. Of a group, its first error, for the group
    itself says nothing.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = error.diag.message_primary if isinstance(error, psycopg.Error) and error.diag.message_primary else str(error)
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__}: {' '.join(text.split())} ({where})"
