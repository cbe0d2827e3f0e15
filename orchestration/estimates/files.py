"""Reading references from files, and again from what was kept of them."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from orchestration.estimates import level3, reference
from orchestration.estimates.checking import Problem, ReferenceError
from orchestration.estimates.level3 import CurveReference
from orchestration.estimates.reference import CountReference

#: Counts of grades, or curves of expected points.
Reference = CountReference | CurveReference


def read(path: Path) -> Reference:
    """Read a reference from a CSV or Parquet file in the format of docs/estimates.md.

    Raises:
        ReferenceError: the file does not have the format; every fault is named by line and column.
    """
    try:
        frame = _parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ReferenceError(
            path.name, [Problem(1, "file", f"It cannot be read as CSV or Parquet: {error}")]
        ) from error
    return _check(frame, path.name)


def read_counts(path: Path) -> CountReference:
    """Read a reference of counts, which alone can be scored on another year.

    Raises:
        ReferenceError: as ``read``, and when it holds curves.
    """
    found = read(path)
    if not isinstance(found, CountReference):
        raise ReferenceError(path.name, [Problem(1, "qual_id", "Counts of grades are needed here, not curves.")])
    return found


def restore(content: bytes) -> Reference:
    """A reference from its kept rows (``canonical``), through the same checks.

    Raises:
        ReferenceError: as ``read``.
    """
    return _check(pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False), "the kept reference")


def _check(frame: pd.DataFrame, name: str) -> Reference:
    if "qual_id" in frame.columns:
        return level3.check(frame, name)
    return reference.check(frame, name)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        import duckdb
    except ImportError as error:
        raise ReferenceError(
            path.name, [Problem(1, "file", "Reading Parquet needs the package duckdb: install it, or give a CSV file.")]
        ) from error
    try:
        with duckdb.connect() as connection:
            found: pd.DataFrame = connection.read_parquet(str(path)).df()
    except duckdb.Error as error:
        raise ReferenceError(path.name, [Problem(1, "file", f"It cannot be read as Parquet: {error}")]) from error
    return found
