"""The department's level 3 value-added curves, to its own figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from orchestration.estimates import files, lookup
from orchestration.estimates.checking import ReferenceError
from orchestration.estimates.distributions import probabilities
from orchestration.estimates.level3 import Curve, CurveReference, Level3Error
from orchestration.estimates.recipe import Recipe


@pytest.fixture(scope="module")
def shipped(seeds: Path) -> CurveReference:
    found = files.read(seeds / "level3_curve_2025.csv")
    assert isinstance(found, CurveReference)
    return found


@pytest.fixture(scope="module")
def curves(shipped: CurveReference) -> Mapping[int, Curve]:
    return {curve.qual_id: curve for curve in shipped.curves}


@pytest.fixture(scope="module")
def mathematics(curves: Mapping[int, Curve]) -> Curve:
    return curves[1111122101]


def test_a_level_mathematics_of_2025(mathematics: Curve) -> None:
    assert (mathematics.subject, mathematics.pupils, round(mathematics.va_sd, 6)) == ("Mathematics", 93702, 1.229074)
    assert mathematics.estimate([5.0, 6.5, 10.75]).round(4).tolist() == [20.8491, 32.4387, 56.7428]
    assert mathematics.estimate([6.333528, 6.516038]).round(5).tolist() == pytest.approx([32.02988, 32.47812], abs=2e-5)
    assert round(40 - float(mathematics.estimate(6.5)), 2) == 7.56
    assert round(float(mathematics.value_added(40, 6.5)), 2) == 0.76


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


_HEAD = "stage,reference_year,release,source,qual_id,cohort,qualification,subject,size,pupils,va_sd"
_WELSH = "revised,DfE,1,A level,GCE A level,Welsh,1,500,1.1"
_CURVE = f"""{_HEAD},prior_points,expected_points,grade,points
level3,2025,{_WELSH},2,15,,
level3,2025,{_WELSH},8,52,,
level3,2025,{_WELSH},,,U,0
level3,2025,{_WELSH},,,A,50
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (f"level3,2025,{_WELSH},8,52,,\n", "", (2, "qual_id")),
        ("1.1,8,52,,", "1.1,8,12,,", (3, "expected_points")),
        ("1.1,8,52,,", "1.1,8,,,", (3, "prior_points")),
        ("1.1,8,52,,", "1.1,8,52,A*,60", (3, "prior_points")),
        ("1.1,8,52,,", "1.2,8,52,,", (3, "va_sd")),
        ("1.1,8,52,,", "1.1,8,high,,", (3, "expected_points")),
        (",A,50", ",A,0", (5, "grade")),
        (",A,50", ",U,50", (5, "grade")),
        ("Welsh,1,500,1.1,,,A", "Welsh,0,500,1.1,,,A", (5, "size")),
        (f"2025,{_WELSH},8", f"2024,{_WELSH},8", (3, "reference_year")),
    ],
)  # fmt: skip
def test_curves_that_cannot_be_used_are_named_by_line_and_column(
    tmp_path: Path, old: str, new: str, problem: tuple[int, str]
) -> None:
    path = tmp_path / "curves.csv"
    path.write_text(_CURVE)
    assert files.read(path).pupils == 500
    assert old in _CURVE
    path.write_text(_CURVE.replace(old, new))
    with pytest.raises(ReferenceError) as caught:
        files.read(path)
    assert problem in [(found.line, found.column) for found in caught.value.problems]


def test_a_curve_without_a_scale_has_no_distribution(curves: Mapping[int, Curve]) -> None:
    without = next(curve for curve in curves.values() if not curve.grades)
    with pytest.raises(Level3Error, match="no scale of grades"):
        without.at_least([5.0])


def test_what_is_kept_of_the_curves_gives_them_back(shipped: CurveReference) -> None:
    assert files.restore(shipped.canonical).digest == shipped.digest


def test_look_up_of_the_curves(shipped: CurveReference, mathematics: Curve) -> None:
    built = lookup.build(shipped, Recipe(cohort_year=2027))
    assert not built.estimates.duplicated(lookup.ESTIMATE_KEY).any()
    assert set(built.estimates["method"]) == {"level3_mean_and_deviation"}
    assert built.caveat == ""
    rows = built.estimates.query(
        "qualification == 'GCE A level (size 1, A level)' and subject == 'Mathematics' and challenge == 50"
    ).set_index("prior_value")
    np.testing.assert_allclose(rows["expected_points"].loc[[5.0, 6.5]], mathematics.estimate([5.0, 6.5]), rtol=1e-6)
    assert rows.loc[6.5, "estimate_grade"] == "C"
    sums = built.distributions().groupby(lookup.ESTIMATE_KEY)["probability"].sum()
    assert (sums - 1).abs().max() < 1e-9
