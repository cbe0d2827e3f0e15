"""The look-up tables: keys, invariants, challenge levels, refused years, reproducible runs, comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from orchestration.estimates import challenge, comparison, lookup, model, years
from orchestration.estimates.challenge import ChallengeError, SchoolEffects
from orchestration.estimates.lookup import ESTIMATE_KEY, LookUp
from orchestration.estimates.model import Model
from orchestration.estimates.reference import Reference
from orchestration.estimates.years import ReferenceYearError

_LEVELS = (50.0, 37.5, 20.0, 5.0)


@pytest.fixture(scope="module")
def built(ks4_model: Model) -> LookUp:
    return lookup.build(ks4_model, SchoolEffects(), cohort_year=2027, levels=_LEVELS)


def test_one_row_an_estimate_and_a_row_a_grade(built: LookUp) -> None:
    assert not built.estimates.duplicated(ESTIMATE_KEY).any()
    assert not built.distributions.duplicated([*ESTIMATE_KEY, "grade"]).any()
    assert not built.estimates.isna().any().any()
    assert not built.distributions.isna().any().any()
    assert set(built.estimates["prior_value"]) == {79.5, *(80 + np.arange(81) / 2)}
    assert set(built.estimates["sex"]) == {"F", "M", "all"}


def test_probabilities_sum_to_one(built: LookUp) -> None:
    sums = built.distributions.groupby(ESTIMATE_KEY)["probability"].sum()
    assert (sums - 1).abs().max() < 1e-9
    assert built.distributions["probability"].min() >= 0


def test_levels_are_ordered_grade_by_grade(built: LookUp) -> None:
    key = [column for column in [*ESTIMATE_KEY, "grade"] if column != "challenge"]
    wide = built.distributions.pivot_table(index=key, columns="challenge", values="cumulative")
    assert (wide[50.0] <= wide[37.5]).all()
    assert (wide[37.5] <= wide[20.0]).all()
    assert (wide[20.0] <= wide[5.0]).all()
    expected = built.estimates.pivot_table(index=key[:-1], columns="challenge", values="expected_points")
    assert (expected[50.0] < expected[20.0]).all()


def test_the_estimate_is_the_highest_grade_with_even_odds(built: LookUp) -> None:
    estimates = built.estimates
    assert (estimates["chance"] >= 0.5).all()
    assert (estimates["chance_higher"] < 0.5).all()
    assert (estimates["chance"] + estimates["chance_lower"] - 1).abs().max() < 1e-9
    joined = estimates.merge(
        built.distributions, left_on=[*ESTIMATE_KEY, "estimate_grade"], right_on=[*ESTIMATE_KEY, "grade"]
    )
    assert len(joined) == len(estimates)
    assert (joined["chance"] == joined["cumulative"]).all()


def test_expected_points_rise_with_scaled_scores(built: LookUp) -> None:
    scored = built.estimates[built.estimates["prior_value"] >= 80].sort_values([*ESTIMATE_KEY])
    key = [column for column in ESTIMATE_KEY if column != "prior_value"]
    assert scored.groupby(key)["expected_points"].diff().min() >= 0


def test_no_estimate_without_a_basis(built: LookUp) -> None:
    assert (built.estimates["basis_n"] > 0).all()
    hebrew = built.estimates.query("subject == 'Biblical Hebrew' and sex == 'M' and challenge == 50")
    below = hebrew[hebrew["prior_value"] == 79.5]
    assert below.empty  # none of the subject's pupils was below the scale
    assert set(hebrew["method"]) == {"own_counts", "parent_counts"}
    assert (hebrew.loc[hebrew["method"] == "parent_counts", "reliability"] == "low").all()
    assert set(built.estimates.query("subject == 'Mathematics' and level == 'subject'")["reliability"]) <= {
        "high", "medium",
    }  # fmt: skip


def test_the_middle_level_is_the_published_distribution(ks4_model: Model, built: LookUp) -> None:
    unit = ks4_model.qualification("GCSE").unit("History", "F")
    rows = built.distributions.query("subject == 'History' and sex == 'F' and challenge == 50 and prior_value == 100")
    np.testing.assert_allclose(rows["cumulative"], unit.at_least[41], atol=1e-9)


def test_schools_that_do_not_differ_make_no_levels() -> None:
    at_least = np.array([[1.0, 0.7, 0.2, 0.0]])
    np.testing.assert_allclose(challenge.at_level(at_least, 5, SchoolEffects(school_share=0.0).sd("any")), at_least)
    easier = challenge.at_level(at_least, 80, SchoolEffects(by_subject={"Art": 0.3}).sd("Art"))
    assert (easier[0, 1:3] < at_least[0, 1:3]).all()
    assert easier[0, 3] == 0


@pytest.mark.parametrize("level", [0, 100, -5, float("nan")])
def test_impossible_levels_are_refused(level: float) -> None:
    with pytest.raises(ChallengeError, match="per cent of schools"):
        challenge.shift(level, 0.5)
    with pytest.raises(ChallengeError, match="share of variance"):
        SchoolEffects(school_share=1.0)


@pytest.mark.parametrize("year", [2021, 2022])
def test_years_graded_differently_are_refused_or_labelled(year: int) -> None:
    with pytest.raises(ReferenceYearError, match=f"{year} is no reference for the cohort of 2027"):
        years.caveat("ks2_ks4", year, 2027)
    assert str(year) in years.caveat("ks2_ks4", year, 2027, accept_graded_differently=True)
    assert years.caveat("ks2_ks4", year, year) == ""
    assert years.caveat("ks2_ks4", 2024, 2027) == ""
    assert "2022" in years.caveat("ks4_ks5", 2024, 2027)


def test_every_estimate_carries_where_it_comes_from(built: LookUp) -> None:
    assert set(built.estimates["reference_year"]) == {2024}
    assert set(built.estimates["release"]) == {"revised"}
    assert set(built.estimates["run_id"]) == set(built.distributions["run_id"]) == {built.run_id}


def test_a_run_is_known_by_its_inputs_and_parameters(
    ks4_2023: Reference, ks4_2024: Reference, ks4_model: Model
) -> None:
    def run(fitted: Model, effects: SchoolEffects | None = None, cohort: int = 2027) -> str:
        return lookup.build(fitted, effects or SchoolEffects(), cohort_year=cohort, levels=(50.0,)).run_id

    base = run(ks4_model)
    assert run(model.fit(ks4_2024)) == base
    others = {
        run(model.fit(ks4_2023)),
        run(model.fit(ks4_2024, model.Parameters(roughness=5.0))),
        run(ks4_model, SchoolEffects(0.1)),
        run(ks4_model, SchoolEffects(by_subject={"French": 0.2})),
        run(ks4_model, cohort=2028),
    }
    assert len(others | {base}) == 6


def test_two_references_are_compared_before_switching(ks4_2023: Reference, ks4_2024: Reference) -> None:
    def of(reference: Reference) -> LookUp:
        return lookup.build(model.fit(reference), SchoolEffects(), cohort_year=2027, levels=(50.0,))

    used, proposed = of(ks4_2023), of(ks4_2024)
    table = comparison.by_subject(used, proposed).set_index(["level", "subject"])
    assert table.loc[("subject", "Computer Science"), "mean_change"] > 0.1  # graded more kindly in 2024
    assert abs(table.loc[("subject", "Mathematics"), "mean_change"]) < 0.05
    same = comparison.by_subject(used, used)
    assert same["grade_changes"].sum() == 0
    assert same["largest_change"].max() == 0
    less = LookUp("x", used.estimates[used.estimates["subject"] != "Latin"], pd.DataFrame())
    assert comparison.by_subject(used, less).set_index("subject").loc["Latin", "only_used"] == 82
