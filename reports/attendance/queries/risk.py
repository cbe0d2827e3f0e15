"""The risk model in use, and how it did for pupils that it had not seen."""

from __future__ import annotations

from reports.database import Published, Row

_MODELS = "select * from attendance.risk_model order by phase"

_RELIABILITY = """
select
    test,
    slice,
    slice_value,
    bin,
    predictions,
    pupils,
    predicted_mean,
    observed_share,
    brier,
    brier_base_rate,
    brier_over_ten_now,
    is_suppressed
from attendance.risk_reliability
order by test, slice, slice_value, bin
"""

_COEFFICIENTS = "select phase, input, coefficient from attendance.risk_model_coefficient"


def models(db: Published) -> list[Row]:
    """Return a row a phase of the model, or one row with the reason why there is none."""
    return db.rows(_MODELS)


def reliability(db: Published) -> list[Row]:
    """Return a row a test, slice of the pupils and bin of the probability; bin 0 is the whole slice."""
    return db.rows(_RELIABILITY)


def coefficients(db: Published) -> list[Row]:
    """Return a row a phase and input."""
    return db.rows(_COEFFICIENTS)
