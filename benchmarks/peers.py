"""The same marks by the ways a data engineer would otherwise take: server-side COPY, dlt, ``pandas.to_sql``."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psycopg
import sqlalchemy as sa
from psycopg.rows import TupleRow

from orchestration.connectors.base import Row
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox

MARKS = next(table for table in CATEGORIES[Category.ATTENDANCE].tables if table.name == "attendance_mark")
_COLUMNS = ("school_id", *MARKS.columns, "extract_id", "removed_at")

#: As in lab.md 5: the default of one statement a row takes as long, smaller chunks longer.
_TO_SQL_CHUNK = 10_000


def export(conn: psycopg.Connection[TupleRow], form: str) -> str:
    """Let the server write the raw marks to a file of its own, in the order in which they came; its address."""
    row = conn.execute("select current_setting('data_directory')").fetchone()
    assert row is not None
    address = f"{row[0]}/marks.{form}"
    conn.execute(f"copy raw.attendance_mark ({', '.join(_COLUMNS)}) to '{address}' (format {form})".encode())
    return address


def copy(conn: psycopg.Connection[TupleRow], address: str, form: str, *, indexed: bool) -> int:
    """Let the server COPY its file into a table like the raw one, with its primary key or as a heap; rows."""
    conn.execute("drop table if exists copied")
    including = " including all" if indexed else ""
    conn.execute(f"create table copied (like raw.attendance_mark{including})".encode())
    conn.commit()
    rows = conn.execute(f"copy copied ({', '.join(_COLUMNS)}) from '{address}' (format {form})".encode()).rowcount
    conn.commit()
    return rows


def to_sql(warehouse: Warehouse, school_id: int, rows: Sequence[Row]) -> int:
    """Load decoded marks by pandas into a table like the raw one; rows."""
    engine = sa.create_engine(warehouse.sqlalchemy_url, poolclass=sa.NullPool)
    frame = pd.DataFrame(rows, columns=list(MARKS.columns))
    frame.insert(0, "school_id", school_id)
    frame["extract_id"] = 1
    frame.to_sql("attendance_mark", engine, schema="raw", if_exists="append", index=False, chunksize=_TO_SQL_CHUNK)
    return len(frame)


def pandas_load(warehouse: Warehouse, partner: Sandbox, school: str, *, page_size: int, since: date) -> int:
    """Load a school's marks since a day by pandas: pages flattened, then ``to_sql`` into a table of its own; rows."""
    engine = sa.create_engine(warehouse.sqlalchemy_url, poolclass=sa.NullPool)
    frames = []
    with httpx.Client(headers={"Authorization": f"Bearer {partner.token}"}, timeout=60) as client:
        following: str | None = f"{partner.url}{_path(school)}?per_page={page_size}&attendance_date_after={since}"
        while following:
            page = client.get(following).raise_for_status().json()
            frames.append(pd.json_normalize(page["data"]))
            following = page["meta"].get("pagination", {}).get("next")
    marks = pd.concat(frames)
    marks.to_sql("pandas_marks", engine, if_exists="replace", index=False, chunksize=_TO_SQL_CHUNK)
    return len(marks)


def _path(school: str) -> str:
    return f"schools/{school}/attendance/session"


def dlt_load(warehouse: Warehouse, folder: Path, partner: Sandbox, school: str, *, page_size: int, since: date) -> int:
    """Load a school's marks since a day by dlt: its own REST client, its own Postgres destination, appending; rows."""
    # Read when dlt is imported: no telemetry, no progress lines.
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"})
    import dlt
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    client = RESTClient(
        base_url=partner.url,
        auth=BearerTokenAuth(partner.token),
        paginator=JSONLinkPaginator(next_url_path="meta.pagination.next"),
        data_selector="data",
    )
    query = {"per_page": page_size, "attendance_date_after": f"{since}"}
    received = 0

    def marks() -> Iterator[list[Any]]:
        nonlocal received
        for page in client.paginate(_path(school), params=query):
            received += len(page)
            yield list(page)

    pipeline = dlt.pipeline(
        pipeline_name="marks",
        pipelines_dir=str(folder),
        destination=dlt.destinations.postgres(credentials=warehouse.url),
        dataset_name="dlt_marks",
    )
    pipeline.run(dlt.resource(marks(), name="attendance_mark", write_disposition="append"))
    return received
