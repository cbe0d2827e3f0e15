"""The department's level 3 value-added curves, to its own figures."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.estimates import level3, lookup
from orchestration.estimates.challenge import SchoolEffects
from orchestration.estimates.distributions import probabilities
from orchestration.estimates.level3 import Curve, Level3Error


@pytest.fixture(scope="module")
def curves(seeds: Path) -> Mapping[int, Curve]:
    return level3.read(seeds)


@pytest.fixture(scope="module")
def mathematics(curves: Mapping[int, Curve]) -> Curve:
    return curves[1111122101]


def test_a_level_mathematics_of_2025(mathematics: Curve) -> None:
    assert (mathematics.subject, mathematics.pupils, round(mathematics.va_sd, 6)) == ("Mathematics", 93702, 1.229074)
    assert mathematics.estimate([5.0, 6.5, 10.75]).round(4).tolist() == [20.8491, 32.4387, 56.7428]
    assert mathematics.estimate([6.333528, 6.516038]).round(5).tolist() == pytest.approx([32.02988, 32.47812], abs=2e-5)
    assert round(40 - float(mathematics.estimate(6.5)), 2) == 7.56
    assert round(float(mathematics.value_added(40, 6.5)), 2) == 0.76


def test_grades_are_spelled_as_schools_write_them(curves: Mapping[int, Curve]) -> None:
    assert curves[1111122101].grades == ("U", "E", "D", "C", "B", "A", "A*")
    national_diploma = next(
        curve for curve in curves.values() if curve.qualification.startswith("BTEC National Diploma")
    )
    assert national_diploma.grades[-4:] == ("DM", "DD", "D*D", "D*D*")


def test_priors_outside_the_knots_have_no_estimate(mathematics: Curve) -> None:
    assert np.isnan(mathematics.estimate([-0.1, 10.8])).all()
    assert np.isnan(mathematics.at_least([10.8])).all()


def test_distributions_have_the_departments_means_and_rise(curves: Mapping[int, Curve]) -> None:
    beyond = 0
    for curve in curves.values():
        if not curve.grades:
            continue
        prior = np.linspace(curve.prior[0], curve.prior[-1], 25)
        at_least, mean = curve.at_least(prior), curve.estimate(prior)
        exactly = probabilities(at_least)
        assert np.abs(exactly.sum(axis=1) - 1).max() < 1e-9
        assert np.diff(at_least, axis=0).min() > -1e-9
        inside = (mean > curve.points[0]) & (mean < curve.points[-1])
        span = np.ptp(curve.points)
        beyond += bool((np.maximum(curve.points[0] - mean, mean - curve.points[-1]) > span / 1000).any())
        np.testing.assert_allclose((exactly @ curve.points)[inside], mean[inside], atol=2e-4 * span)
    assert beyond == 6


def test_curves_that_cannot_be_used_are_named(seeds: Path, tmp_path: Path, curves: Mapping[int, Curve]) -> None:
    for name in ("level3_qualification.csv", "level3_knot.csv", "level3_grade.csv"):
        shutil.copy(seeds / name, tmp_path / name)
    knots = pd.read_csv(tmp_path / "level3_knot.csv")
    knots[knots["qual_id"] != 1111122101].to_csv(tmp_path / "level3_knot.csv", index=False)
    with pytest.raises(Level3Error, match=r"Mathematics \(1111122101\) has no knots"):
        level3.read(tmp_path)
    knots.loc[knots["qual_id"] == 1111122101, "expected_points"] *= -1
    knots.to_csv(tmp_path / "level3_knot.csv", index=False)
    with pytest.raises(Level3Error, match="knots fall"):
        level3.read(tmp_path)
    without = next(curve for curve in curves.values() if not curve.grades)
    with pytest.raises(Level3Error, match="no scale of grades"):
        without.at_least([5.0])


def test_look_up_of_the_curves(curves: Mapping[int, Curve], mathematics: Curve) -> None:
    built = lookup.build_level3(curves.values(), SchoolEffects(), cohort_year=2027)
    assert not built.estimates.duplicated(lookup.ESTIMATE_KEY).any()
    assert set(built.estimates["method"]) == {"level3_mean_and_deviation"}
    assert set(built.estimates["caveat"]) == {""}
    rows = built.estimates.query(
        "qualification == 'GCE A level (size 1, A level)' and subject == 'Mathematics' and challenge == 50"
    ).set_index("prior_value")
    np.testing.assert_allclose(rows["expected_points"].loc[[5.0, 6.5]], mathematics.estimate([5.0, 6.5]), rtol=1e-6)
    assert rows.loc[6.5, "estimate_grade"] == "C"
    sums = built.distributions.groupby(lookup.ESTIMATE_KEY)["probability"].sum()
    assert (sums - 1).abs().max() < 1e-9
    with pytest.raises(ValueError, match="one year and release"):
        lookup.build_level3([], SchoolEffects(), cohort_year=2027)
