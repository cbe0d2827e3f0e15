"""The own pool: known differences between simulated schools come back within their stated uncertainty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from orchestration.estimates import pool
from orchestration.estimates.pool import SubjectResults
from orchestration.estimates.priors import FloatArray

#: National chances of ten grades at five points of prior attainment.
_AT_LEAST = np.column_stack(
    [np.ones(5), *(expit(np.linspace(-2, 3, 5) - threshold) for threshold in np.linspace(-3, 4, 9))]
)


def _simulated(effects: FloatArray, results: int, seed: int) -> SubjectResults:
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(len(effects)) + 7, results)
    cell = rng.integers(len(_AT_LEAST), size=len(school))
    at_least = expit(logit(_AT_LEAST[cell, 1:]) + np.repeat(effects, results)[:, None])
    grade = (rng.uniform(size=len(school))[:, None] < at_least).sum(axis=1)
    return SubjectResults("GCSE", "Mathematics", _AT_LEAST, school, cell, grade, np.ones(len(school), dtype=np.intp))


@pytest.mark.parametrize("middle", [0.0, 0.6])
def test_known_effects_come_back_within_their_uncertainty(middle: float) -> None:
    rng = np.random.default_rng(11)
    truth = middle + 0.5 * rng.standard_normal(120)
    found = pool.fit(_simulated(truth, 60, 12))
    assert (found.schools, found.results, found.reason) == (120, 7200, None)
    assert found.sd is not None
    assert found.sd_low is not None
    assert found.sd_high is not None
    assert found.sd_low < 0.5 < found.sd_high
    assert found.sd_high - found.sd_low < 0.25
    z = np.array([(of.effect - truth[of.school_id - 7]) / of.standard_error for of in found.effects])
    assert abs(z.mean()) < 3 / np.sqrt(len(z)) + 0.5  # all share the middle's own uncertainty
    assert 0.8 < z.std() < 1.2
    assert (np.abs(z) < 1.96).mean() > 0.9


def test_the_interval_of_the_standard_deviation_covers_it_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(30):
        truth = 0.4 * np.random.default_rng(seed).standard_normal(30)
        found = pool.fit(_simulated(truth, 20, 1000 + seed))
        assert found.sd_low is not None
        assert found.sd_high is not None
        covered += found.sd_low <= 0.4 <= found.sd_high
    assert covered >= 24  # 28.5 of 30 expected; fewer come twice in ten thousand


def test_schools_that_do_not_differ_may_have_no_spread() -> None:
    found = pool.fit(_simulated(np.zeros(40), 50, 3))
    assert found.sd_low == 0.0
    assert found.sd_high is not None
    assert found.sd_high < 0.25


def test_effects_of_few_results_are_drawn_to_the_middle_and_less_certain() -> None:
    rng = np.random.default_rng(5)
    truth = 0.5 * rng.standard_normal(60)
    small, large = (pool.fit(_simulated(truth, results, 6)) for results in (10, 400))
    assert np.std([of.effect for of in small.effects]) < np.std([of.effect for of in large.effects])
    assert min(of.standard_error for of in small.effects) > max(of.standard_error for of in large.effects)


def test_the_best_school_is_the_first() -> None:
    found = pool.fit(_simulated(np.linspace(1, -1, 50), 200, 8))
    places = {of.school_id: of.percentile for of in found.effects}
    assert min(places.values()) == 2  # the first of fifty: 100 * 1 / 50
    assert max(places.values()) == 100
    assert places[7] < places[7 + 25] < places[7 + 49]


def test_a_pool_that_is_too_small_says_what_is_needed() -> None:
    three = pool.fit(_simulated(np.array([0.5, 0.0, -0.5]), 200, 1))
    assert three.sd is None
    assert three.effects == ()
    assert three.reason is not None
    assert "3 schools have 10 results or more; 20 are needed" in three.reason
    few = pool.fit(_simulated(np.zeros(40), 9, 1))
    assert few.reason is not None
    assert few.reason.startswith("0 schools")


def test_the_sum_over_places_is_the_integral() -> None:
    found = _simulated(0.7 * np.random.default_rng(2).standard_normal(20), 30, 9)
    log_likelihoods = pool._log_likelihoods(found, np.arange(7, 27))
    for sd in (0.05, 0.5, 1.5):
        by_hand = 0.0
        for n in range(20):
            rows = found.school == n + 7
            thresholds, grade = logit(_AT_LEAST[found.cell[rows]][:, 1:]), found.grade[rows]

            def likelihood(
                u: float, thresholds: FloatArray = thresholds, grade: FloatArray = grade, sd: float = sd
            ) -> float:
                edge = np.pad(expit(thresholds + u), ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
                row = np.arange(len(grade))
                return float(np.prod((edge[row, grade] - edge[row, grade + 1]) * 5) * norm.pdf(u, 0.1, sd))

            by_hand += np.log(
                quad(likelihood, 0.1 - 9 * sd, 0.1 + 9 * sd, points=[0.1], limit=400)[0]
            ) - rows.sum() * np.log(5)
        assert pool._Pool(log_likelihoods)._marginal(0.1, sd) == pytest.approx(by_hand, abs=1e-4)


def test_a_digest_tells_results_apart_and_not_their_order() -> None:
    found = _simulated(np.zeros(20), 10, 1)
    turned = SubjectResults(
        "GCSE", "Mathematics", _AT_LEAST, found.school[::-1], found.cell[::-1], found.grade[::-1], found.pupils[::-1]
    )
    other = _simulated(np.zeros(20), 10, 2)
    assert found.digest() != other.digest()
    assert turned.digest() == found.digest()
