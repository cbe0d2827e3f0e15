"""Fitted to 2023, scored on 2024; and the scores themselves on cases worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.estimates import calibration, model, scoring
from orchestration.estimates.calibration import MODEL, CalibrationError, Cells
from orchestration.estimates.model import Model
from orchestration.estimates.reference import CountReference


@pytest.fixture(scope="module")
def found(ks4_2023: CountReference, ks4_2024: CountReference) -> list[Cells]:
    return calibration.cells(model.fit(ks4_2023), ks4_2024)


def test_out_of_time_the_model_scores_better_than_each_baseline(found: list[Cells]) -> None:
    table = calibration.overall(found).set_index("way")
    baselines = table.drop(index=[MODEL, calibration.MODEL_BOTH])
    assert len(found) == 35
    assert (table.loc[MODEL, "rps"] < baselines["rps"]).all()
    assert (table.loc[MODEL, "log_loss"] < baselines["log_loss"]).all()
    assert table.loc[MODEL, "absolute_bias_by_subject"] <= 0.03
    assert (table.loc[MODEL, "absolute_bias_by_cell"] < baselines["absolute_bias_by_cell"]).all()


def test_out_of_time_intervals_cover_what_they_say(found: list[Cells]) -> None:
    row = calibration.overall(found).set_index("way").loc[MODEL]
    for inside in (50, 80, 95):
        assert row[f"coverage_{inside}"] == pytest.approx(inside / 100, abs=0.005)
    curve = calibration.reliability(found)
    assert (curve["forecast"] - curve["observed"]).abs().max() < 0.01


def test_bias_by_group(found: list[Cells], seeds: Path, ks4_model: Model) -> None:
    assert calibration.by_group(found, "sex")["bias"].abs().max() < 0.05
    table = calibration.by_disadvantage(found, pd.read_csv(seeds / "ks4_points_by_disadvantage.csv"))
    bias = table.set_index("disadvantaged")["bias"]
    assert bias[True] > 0.3  # estimates know prior attainment, not disadvantage: they are benchmarks, not forecasts
    assert bias[False] < 0


def test_a_report_slices_the_same_pupils(ks4_2023: CountReference, ks4_2024: CountReference, seeds: Path) -> None:
    told = calibration.report(ks4_2023, ks4_2024, pd.read_csv(seeds / "ks4_points_by_disadvantage.csv"))
    scores = told.scores[told.scores["way"] == MODEL]
    whole = scores[scores["slice"] == "all"].iloc[0]
    for name in ("subject", "prior attainment", "sex"):
        of = scores[scores["slice"] == name]
        assert of["pupils"].sum() == pytest.approx(whole["pupils"])
        for score in ("rps", "log_loss", "bias", "coverage_80"):
            assert (of["pupils"] * of[score]).sum() / whole["pupils"] == pytest.approx(whole[score])
    assert scores["slice_value"].eq("below 80").sum() == 1
    assert scores["slice_value"].eq("105 to 107").sum() == 1
    assert scores.loc[scores["slice"] == "disadvantage", "rps"].isna().all()
    assert not told.scores.duplicated(["way", "slice", "slice_value"]).any()
    assert not told.reliability.duplicated(["way", "bin"]).any()


def test_scores_of_a_case_worked_by_hand() -> None:
    at_least = np.array([[1.0, 0.8, 0.5]])
    counted = np.array([[1.0, 0.0, 1.0]])
    assert scoring.ranked_probability(at_least, counted)[0] == pytest.approx(0.64 + 0.25 + 0.04 + 0.25)
    assert scoring.log_loss(at_least, counted)[0] == pytest.approx(-np.log(0.2) - np.log(0.5))
    assert scoring.residual(at_least, counted, np.array([0.0, 1.0, 2.0]))[0] == pytest.approx(2 * 1.3 - 2)


def test_coverage_of_forecasts_that_are_right_is_nominal() -> None:
    at_least = np.array([[1.0, 0.9, 0.55, 0.2], [1.0, 0.4, 0.1, 0.0]])
    counted = 1000 * (at_least - np.pad(at_least[:, 1:], ((0, 0), (0, 1))))
    for inside in (0.5, 0.8, 0.95):
        assert scoring.coverage(at_least, counted, inside) == pytest.approx(inside)


def test_years_that_do_not_fit_together_are_refused(
    ks4_model: Model, ks5_model: Model, ks4_2024: CountReference
) -> None:
    with pytest.raises(CalibrationError, match="The model is of ks4_ks5, the outcomes are of ks2_ks4"):
        calibration.cells(ks5_model, ks4_2024)
