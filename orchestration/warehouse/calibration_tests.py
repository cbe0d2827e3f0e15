"""Where tests of estimates out of time are kept: ``estimates.calibration_*``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
from psycopg import sql

from orchestration.estimates.calibration import Report
from orchestration.estimates.recipe import METHOD_VERSION
from orchestration.estimates.reference import CountReference

#: Columns of the tables behind the test, and as the report calls them.
_SCORES = {
    "way": "way",
    "slice": "slice",
    "slice_value": "slice_value",
    "pupils": "pupils",
    "ranked_probability_score": "rps",
    "log_loss": "log_loss",
    "bias": "bias",
    "absolute_bias_by_subject": "absolute_bias_by_subject",
    "coverage_50": "coverage_50",
    "coverage_80": "coverage_80",
    "coverage_95": "coverage_95",
}
_RELIABILITY = {
    "way": "way",
    "bin": "bin",
    "forecasts": "forecasts",
    "forecast": "forecast",
    "observed": "observed",
}


def is_tested(connection: psycopg.Connection[Any], fitted: CountReference, scored: CountReference) -> bool:
    """Whether this version of the method has been tested on the two references."""
    row = connection.execute(
        "select from estimates.calibration_test where (fitted_digest, scored_digest, method_version) = (%s, %s, %s)",
        [fitted.digest, scored.digest, METHOD_VERSION],
    ).fetchone()
    return row is not None


def record(connection: psycopg.Connection[Any], fitted: CountReference, scored: CountReference, told: Report) -> None:
    """Keep a test beside the earlier ones; nothing when it is kept already. Both references must be kept."""
    row = connection.execute(
        "insert into estimates.calibration_test (stage, fitted_digest, scored_digest, method_version)"
        " values (%s, %s, %s, %s) on conflict (fitted_digest, scored_digest, method_version) do nothing"
        " returning test_id",
        [fitted.stage, fitted.digest, scored.digest, METHOD_VERSION],
    ).fetchone()
    if row is None:
        return
    curves = told.reliability.assign(bin=(told.reliability["bin"] * 10).round().astype(int) + 1)
    _insert(connection, "calibration_score", int(row[0]), _SCORES, told.scores)
    _insert(connection, "calibration_reliability", int(row[0]), _RELIABILITY, curves)


def _insert(
    connection: psycopg.Connection[Any], table: str, test_id: int, columns: dict[str, str], rows: pd.DataFrame
) -> None:
    statement = sql.SQL("insert into estimates.{} (test_id, {}) values (%s, {})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    values = rows[list(columns.values())].astype(object).replace({np.nan: None})
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(test_id, *row) for row in values.itertuples(index=False)])


def latest_scores(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The scores of the latest test of each stage, all slices and ways, with the years that it fitted and scored."""
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(
            """
            with latest as (
                select distinct on (stage) *
                from estimates.calibration_test
                order by stage, tested_at desc, test_id desc
            )
            select latest.stage, fitted.reference_year as fitted_year, scored.reference_year as scored_year,
                   latest.method_version, score.*
            from latest
            join estimates.reference as fitted on fitted.digest = latest.fitted_digest
            join estimates.reference as scored on scored.digest = latest.scored_digest
            join estimates.calibration_score as score using (test_id)
            order by latest.stage, score.slice, score.slice_value, score.way
            """
        ).fetchall()
