"""Where the risk model's examples come from and where its fits go: ``core.risk_example`` and schema ``estimates``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from orchestration.estimates.attendance_risk import RECIPE, Examples, Integers, RiskFit

#: Seven coefficients do not get better beyond; a country's pupils would fill the memory. Sampled by key, whole pupils.
MOST_PUPIL_YEARS = 100_000

_EXAMPLES = """
select e.school_id, e.pupil_key, e.academic_year, e.week_number, e.model_phase, e.possible_sessions, e.absence_sessions,
       e.recent_possible_sessions, e.recent_absence_sessions, e.expected_possible_sessions,
       case when e.was_persistently_absent then 1 when not e.was_persistently_absent then 0 else -1 end,
       e.is_persistently_absent,
       coalesce(p.sex, ''),
       case when c.is_fsm6 then 'true' when not c.is_fsm6 then 'false' else '' end,
       coalesce(c.sen_status, ''),
       coalesce(c.ethnicity_group, '')
from core.risk_example as e
left join core.pupil as p on p.school_id = e.school_id and p.pupil_key = e.pupil_key
left join core.pupil_characteristics as c on c.school_id = e.school_id and c.pupil_key = e.pupil_key
where e.pupil_key / 7 %% %(one_in)s = 0
order by e.school_id, e.pupil_key, e.academic_year, e.week_number
"""
_RELIABILITY = (
    "test",
    "slice",
    "slice_value",
    "bin",
    "predictions",
    "pupils",
    "predicted_mean",
    "observed_share",
    "brier",
    "brier_base_rate",
    "brier_over_ten_now",
)
_GROUPS = ("sex", "fsm6", "sen_status", "ethnicity_group")


def read_examples(connection: psycopg.Connection[Any], most_pupil_years: int = MOST_PUPIL_YEARS) -> Examples:
    """Every example, or those of every n-th pupil by key where there are more than ``most_pupil_years``."""
    counted = connection.execute(
        "select count(*) from (select distinct school_id, pupil_key, academic_year from core.risk_example) as pupil"
    ).fetchone()
    assert counted is not None
    one_in = max(1, -(-counted[0] // most_pupil_years))
    # The folds are the key's remainder by five: the sample divides by seven first, so as not to choose among them.
    rows = connection.execute(_EXAMPLES, {"one_in": one_in}).fetchall()
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * (12 + len(_GROUPS))

    def numbers(place: int) -> Integers:
        return np.array(columns[place], dtype=np.int64)

    return Examples(
        school_id=numbers(0),
        pupil_key=numbers(1),
        academic_year=numbers(2),
        week_number=numbers(3),
        phase=np.array(columns[4], dtype=np.str_),
        possible=numbers(5),
        absence=numbers(6),
        recent_possible=numbers(7),
        recent_absence=numbers(8),
        expected_possible=numbers(9),
        was_persistent=numbers(10),
        is_persistent=np.array(columns[11], dtype=np.bool_),
        groups={name: np.array(values, dtype=np.str_) for name, values in zip(_GROUPS, columns[12:], strict=True)},
    )


def latest_use(connection: psycopg.Connection[Any], inputs_hash: str) -> int | None:
    """Put the fit of these inputs in use and return its number; None when they have not been fitted."""
    row = connection.execute(
        "update estimates.risk_fit set last_used_at = clock_timestamp() where recipe = %s and inputs_hash = %s"
        " returning fit_id",
        [RECIPE, inputs_hash],
    ).fetchone()
    return None if row is None else int(row[0])


def record(connection: psycopg.Connection[Any], fitted: RiskFit) -> int:
    """Keep a fit beside the earlier ones, put it in use, and return its number."""
    row = connection.execute(
        "insert into estimates.risk_fit (recipe, inputs_hash, academic_years, pupil_years, persistent_pupil_years,"
        " held_out_pupil_years, reason, last_used_at) values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())"
        " returning fit_id",
        [
            RECIPE,
            fitted.inputs_hash,
            list(fitted.academic_years),
            fitted.pupil_years,
            fitted.persistent_pupil_years,
            fitted.held_out_pupil_years,
            fitted.reason,
        ],
    ).fetchone()
    assert row is not None
    fit_id = int(row[0])
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into estimates.risk_coefficient (fit_id, phase, input, coefficient, pupil_years)"
            " values (%s, %s, %s, %s, %s)",
            [
                (fit_id, phase, name, value, model.pupil_years)
                for phase, model in fitted.models.items()
                for name, value in model.named().items()
            ],
        )
        statement = sql.SQL("insert into estimates.risk_reliability (fit_id, {}) values (%s, {})").format(
            sql.SQL(", ").join(map(sql.Identifier, _RELIABILITY)),
            sql.SQL(", ").join([sql.Placeholder()] * len(_RELIABILITY)),
        )
        cursor.executemany(
            statement, [(fit_id, *(getattr(row, c) for c in _RELIABILITY)) for row in fitted.reliability]
        )
    return fit_id
