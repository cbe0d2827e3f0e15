"""Where references of estimates, look-ups made from them and switches between them are kept: schema ``estimates``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from typing import Any

import pandas as pd
import psycopg
import zstandard
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from orchestration.estimates import files
from orchestration.estimates.errors import EstimateError
from orchestration.estimates.files import Reference
from orchestration.estimates.lookup import LookUp
from orchestration.estimates.recipe import METHOD_VERSION, Recipe

#: Columns of ``estimates.lookup`` behind the run, as the engine's frame has them, and their types.
_COLUMNS = {
    "qualification": "text",
    "level": "text",
    "subject": "text",
    "family": "text",
    "sex": "text",
    "prior_measure": "text",
    "prior_value": "numeric",
    "challenge": "numeric",
    "estimate_grade": "text",
    "estimate_points": "numeric",
    "chance": "float8",
    "chance_higher": "float8",
    "chance_lower": "float8",
    "expected_points": "float8",
    "points_sd": "float8",
    "standard_error": "float8",
    "basis_n": "int4",
    "effective_n": "float8",
    "reliability": "text",
    "method": "text",
    "grades": "text[]",
    "points": "numeric[]",
    "chances": "float8[]",
}
_ROWS_AT_A_TIME = 10_000


class StoreError(EstimateError):
    """Something asked for is not kept, or not as it was; the message says what is there."""


@dataclass(frozen=True)
class KeptReference:
    """A reference as ``mis estimates references`` lists it."""

    digest: str
    stage: str
    reference_year: int
    release: str
    source: str
    origin: str
    pupils: int
    loaded_by: str
    loaded_at: datetime


@dataclass(frozen=True)
class Run:
    """A making of look-ups; ``inputs`` is the recipe as JSON, ``in_use`` whether its stage uses it.

    ``stage_switched_at`` is the stage's last switch; None when it uses none.
    """

    run_id: str
    stage: str
    reference_digest: str
    reference_year: int
    release: str
    source: str
    method_version: str
    cohort_year: int
    inputs: dict[str, Any]
    caveat: str
    made_by: str
    made_at: datetime
    in_use: bool
    stage_switched_at: datetime | None

    @property
    def recipe(self) -> Recipe:
        """What the look-ups follow from beside the reference."""
        return Recipe.from_json(self.inputs)


_REFERENCE = """
select digest, stage, reference_year, release, source, origin, pupils, loaded_by, loaded_at from estimates.reference
"""
_RUN = """
select r.run_id, r.stage, r.reference_digest, r.reference_year, r.release, r.source, r.method_version, r.cohort_year,
       r.inputs, r.caveat, r.made_by, r.made_at, coalesce(r.run_id = used.run_id, false) as in_use,
       used.used_at as stage_switched_at
from estimates.lookup_run as r
left join (
    select distinct on (stage) stage, run_id, used_at from estimates.lookup_use order by stage, use_id desc
) as used on used.stage = r.stage
"""


def keep_reference(connection: psycopg.Connection[Any], found: Reference, *, origin: str, loaded_by: str) -> bool:
    """Keep a reference whole; false when the very same is kept already."""
    cursor = connection.execute(
        "insert into estimates.reference (digest, stage, reference_year, release, source, origin, pupils, content,"
        " loaded_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (digest) do nothing",
        [
            found.digest,
            found.stage,
            found.year,
            found.release,
            found.source,
            origin,
            found.pupils,
            zstandard.ZstdCompressor(level=10).compress(found.canonical),
            loaded_by,
        ],
    )
    return cursor.rowcount == 1


def references(connection: psycopg.Connection[Any]) -> list[KeptReference]:
    """Every reference that is kept, by stage and year."""
    with connection.cursor(row_factory=class_row(KeptReference)) as cursor:
        return cursor.execute(f"{_REFERENCE} order by stage, reference_year, loaded_at").fetchall()


def kept_reference(connection: psycopg.Connection[Any], digest: str) -> KeptReference:
    """The reference whose digest begins so.

    Raises:
        StoreError: none does, or several do.
    """
    with connection.cursor(row_factory=class_row(KeptReference)) as cursor:
        found = cursor.execute(f"{_REFERENCE} where starts_with(digest, %s)", [digest]).fetchall()
    if len(found) != 1:
        raise StoreError(
            f"{len(found) or 'No'} references have a digest that begins with {digest}."
            " `mis estimates references` lists them."
        )
    return found[0]


def read_reference(connection: psycopg.Connection[Any], digest: str) -> Reference:
    """A kept reference with its rows.

    Raises:
        StoreError: it is not there, or what is kept is no longer what the digest was taken of.
    """
    row = connection.execute("select content from estimates.reference where digest = %s", [digest]).fetchone()
    if row is None:
        raise StoreError(f"No reference {digest} is kept.")
    found = files.restore(zstandard.ZstdDecompressor().decompress(row[0]))
    if found.digest != digest:
        raise StoreError(f"The rows kept of reference {digest} now have the digest {found.digest}: they were changed.")
    return found


def runs(connection: psycopg.Connection[Any]) -> list[Run]:
    """Every run, by stage, the latest first."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(f"{_RUN} order by r.stage, r.made_at desc").fetchall()


def run(connection: psycopg.Connection[Any], run_id: str) -> Run:
    """The run whose id begins so.

    Raises:
        StoreError: none does, or several do.
    """
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        found = cursor.execute(f"{_RUN} where starts_with(r.run_id, %s)", [run_id]).fetchall()
    if len(found) != 1:
        raise StoreError(
            f"{len(found) or 'No'} runs have an id that begins with {run_id}. `mis estimates runs` lists them."
        )
    return found[0]


def sizes(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Estimates of each run."""
    return dict(connection.execute("select run_id, count(*) from estimates.lookup group by run_id").fetchall())


def has_run(connection: psycopg.Connection[Any], run_id: str) -> bool:
    """Whether the look-ups of the run are there."""
    return connection.execute("select from estimates.lookup_run where run_id = %s", [run_id]).fetchone() is not None


def keep_run(
    connection: psycopg.Connection[Any], found: Reference, recipe: Recipe, built: LookUp, *, made_by: str
) -> bool:
    """Keep look-ups beside the earlier ones, in the caller's transaction; false when they are kept already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into estimates.lookup_run (run_id, stage, reference_digest, reference_year, release, source,"
            " method_version, cohort_year, levels, inputs, caveat, made_by)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (run_id) do nothing",
            [
                built.run_id,
                found.stage,
                found.digest,
                found.year,
                found.release,
                found.source,
                METHOD_VERSION,
                recipe.cohort_year,
                list(recipe.levels),
                Jsonb(recipe.as_json()),
                built.caveat,
                made_by,
            ],
        )
        if cursor.rowcount == 0:
            return False
        names = sql.SQL(", ").join(map(sql.Identifier, ("run_id", *_COLUMNS)))
        # No text stands for null: there are none, and a family may be empty.
        with cursor.copy(
            sql.SQL("copy estimates.lookup ({}) from stdin with (format csv, null '\\N')").format(names)
        ) as copy:
            for rows in _as_csv(built):
                copy.write(rows)
    return True


def analyse_lookups(connection: psycopg.Connection[Any]) -> None:
    """Let the planner know what ``keep_run`` kept: core is built next, before autovacuum has looked."""
    connection.execute("analyze estimates.lookup")


def _as_csv(built: LookUp) -> Iterator[str]:
    """Rows of ``estimates.lookup`` as COPY reads them: psycopg would take three times as long over the arrays."""
    for first in range(0, len(built.estimates), _ROWS_AT_A_TIME):
        rows = built.estimates.iloc[first : first + _ROWS_AT_A_TIME]
        columns = {name: rows[name].tolist() for name in _COLUMNS}
        columns |= {name: [_array(tuple(values)) for values in columns[name]] for name in ("grades", "points")}
        columns["chances"] = ["{" + ",".join(map(repr, chances)) + "}" for chances in columns["chances"]]
        text = io.StringIO()
        csv.writer(text).writerows(zip(repeat(built.run_id, len(rows)), *columns.values(), strict=True))
        yield text.getvalue()


@lru_cache
def _array(values: tuple[object, ...]) -> str:
    """An array as Postgres reads it; those of a scale come again and again."""
    escaped = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def read_lookup(connection: psycopg.Connection[Any], run_id: str) -> LookUp:
    """Look-ups as they are kept.

    Raises:
        StoreError: as ``run``.
    """
    found = run(connection, run_id)
    # Numeric columns as double precision: the engine's frame has no decimals, and their two places are exact in both.
    wanted = [
        sql.SQL("{}::{}").format(sql.Identifier(name), sql.SQL(kind.replace("numeric", "float8")))
        for name, kind in _COLUMNS.items()
    ]
    statement = sql.SQL("select {} from estimates.lookup where run_id = %s").format(sql.SQL(", ").join(wanted))
    rows = connection.execute(statement, [found.run_id]).fetchall()
    return LookUp(found.run_id, found.caveat, pd.DataFrame(rows, columns=list(_COLUMNS)))


def put_in_use(connection: psycopg.Connection[Any], run_id: str, *, reason: str, used_by: str) -> None:
    """Switch the run's stage to it; the switches before stay on record."""
    connection.execute(
        "insert into estimates.lookup_use (stage, run_id, reason, used_by)"
        " select stage, run_id, %s, %s from estimates.lookup_run where run_id = %s",
        [reason, used_by, run_id],
    )


def in_use(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The run in use of each stage that has one."""
    rows = connection.execute(
        "select distinct on (stage) stage, run_id from estimates.lookup_use order by stage, use_id desc"
    )
    return dict(rows.fetchall())
