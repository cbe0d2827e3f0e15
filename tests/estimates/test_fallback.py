"""Pupils without KS2: the order of bases, and distributions that are wider the less is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from orchestration.estimates import fallback, lookup
from orchestration.estimates.challenge import SchoolEffects
from orchestration.estimates.distributions import summarise
from orchestration.estimates.fallback import FallbackError, Substitute
from orchestration.estimates.model import Model, QualificationModel


@pytest.fixture(scope="module")
def gcse(ks4_model: Model) -> QualificationModel:
    return ks4_model.qualification("GCSE")


def test_the_order_of_bases() -> None:
    available = set(fallback.ORDER)
    found = []
    while available:
        found.append(fallback.first_available(available))
        available.remove(found[-1])
    assert found == ["ks2_mean", "ks1", "standardised_test", "teacher_assessment", "school", "national"]
    with pytest.raises(FallbackError, match="No basis"):
        fallback.first_available(set())


def test_substitutes_over_the_nation_give_the_nations_ks2(gcse: QualificationModel) -> None:
    cohort = fallback.cohort_shares(gcse)
    scores = fallback.standardised_test(0.75, "test", lowest=40, highest=160)
    population = norm.pdf(np.array(scores.values), 100, 15)
    mixed = population / population.sum() @ fallback.point_weights(scores, cohort)
    np.testing.assert_allclose(mixed, cohort, atol=2e-4)
    shares = [0.27, 0.52, 0.21]
    bands = fallback.categories("ks1", shares, 0.7, "test")
    np.testing.assert_allclose(np.array(shares) @ fallback.point_weights(bands, cohort), cohort, atol=2e-4)


def test_weaker_substitutes_give_wider_distributions(gcse: QualificationModel) -> None:
    unit, cohort = gcse.unit("Mathematics", "all"), fallback.cohort_shares(gcse)
    known = summarise(unit.at_least[[51]], gcse.source.points).deviation[0]
    widths = []
    for correlation in (0.9, 0.7, 0.4, 0.0):
        by = fallback.standardised_test(correlation, "test", lowest=100, highest=100)
        of = fallback.substituted(gcse, unit, by, fallback.point_weights(by, cohort))
        widths.append(summarise(of.at_least, gcse.source.points).deviation[0])
    assert [known, *widths] == sorted([known, *widths])


def test_fallbacks_are_labelled_and_proper(ks4_model: Model) -> None:
    substitutes = [
        fallback.categories("ks1", [0.27, 0.52, 0.21], 0.7, "test"),
        fallback.standardised_test(0.75, "test"),
    ]
    more = {of.source.qualification: fallback.forecasts(of, substitutes) for of in ks4_model.qualifications}
    built = lookup.build(ks4_model, SchoolEffects(), cohort_year=2027, levels=(50.0, 20.0), more=more)
    plain = lookup.build(ks4_model, SchoolEffects(), cohort_year=2027, levels=(50.0, 20.0))
    assert built.run_id != plain.run_id
    rows = built.estimates[built.estimates["prior_measure"] != "ks2_mean"]
    assert set(rows["prior_measure"]) == {"ks1", "standardised_test", "national"}
    assert rows["method"].str.startswith("fallback_").all()
    assert (rows["reliability"] == "low").all()
    assert (rows["basis_n"] > 0).all()
    scores = rows.query("prior_measure == 'standardised_test'").sort_values("prior_value")
    key = ["qualification", "level", "subject", "sex", "challenge"]
    assert scores.groupby(key)["expected_points"].diff().min() >= 0
    mathematics = rows.query("subject == 'Mathematics' and level == 'subject' and sex == 'all' and challenge == 50")
    national = mathematics.query("prior_measure == 'national'").set_index("prior_value")
    assert national.loc[0, "points_sd"] > mathematics.query("prior_measure != 'national'")["points_sd"].max() - 0.1
    assert national.loc[1, "basis_n"] == 39513  # the published pupils of 2024 without a scaled score


def test_a_school_is_held_to_the_nation(gcse: QualificationModel) -> None:
    cohort = fallback.cohort_shares(gcse)
    few = np.zeros(len(cohort))
    few[-1] = 5
    weights = fallback.school_weights(few, cohort)
    assert weights.sum() == pytest.approx(1)
    assert weights[-1] == pytest.approx((5 + 50 * cohort[-1]) / 55)
    np.testing.assert_allclose(fallback.school_weights(np.zeros(len(cohort)), cohort), cohort)
    of = fallback.from_school(gcse.unit("Mathematics", "all"), weights)
    assert (of.measure, of.method.tolist(), of.reliability.tolist()) == ("school", ["fallback_school"], ["low"])
    np.testing.assert_allclose(of.at_least[0], weights @ gcse.unit("Mathematics", "all").at_least)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": "guess"}, "A substitute is one of"),
        ({"correlation": 1.0}, "correlation"),
        ({"to_share": (0.5,)}, "each value"),
        ({"from_share": (0.9, 0.5)}, "run from 0 to 1"),
        ({"source": ""}, "where the correlation"),
    ],
)
def test_substitutes_without_a_basis_are_refused(changes: dict[str, object], message: str) -> None:
    good = {
        "measure": "teacher_assessment", "values": (1.0, 2.0), "from_share": (0.0, 0.5), "to_share": (0.5, 1.0),
        "correlation": 0.6, "source": "own pool",
    }  # fmt: skip
    Substitute(**good)  # type: ignore[arg-type]
    with pytest.raises(FallbackError, match=message):
        Substitute(**{**good, **changes})  # type: ignore[arg-type]
    with pytest.raises(FallbackError, match="sum to 1"):
        fallback.categories("ks1", [0.5, 0.4], 0.7, "test")
