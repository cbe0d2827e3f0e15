"""The look-up tables: keys, invariants, challenge levels, refused years, reproducible runs, comparison."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from orchestration.estimates import challenge, comparison, lookup, reference, years
from orchestration.estimates.challenge import ChallengeError, SchoolEffects
from orchestration.estimates.lookup import ESTIMATE_KEY, LookUp
from orchestration.estimates.model import Model, Parameters
from orchestration.estimates.recipe import Recipe
from orchestration.estimates.reference import CountReference
from orchestration.estimates.substitute import categories, standardised_test
from orchestration.estimates.years import ReferenceYearError

_LEVELS = (50.0, 37.5, 20.0, 5.0)


@pytest.fixture(scope="module")
def built(ks4_2024: CountReference) -> LookUp:
    return lookup.build(ks4_2024, Recipe(cohort_year=2027, levels=_LEVELS))


@pytest.fixture(scope="module")
def grades(built: LookUp) -> pd.DataFrame:
    return built.distributions()


@pytest.fixture(scope="module")
def scored(built: LookUp) -> pd.DataFrame:
    return built.estimates[built.estimates["prior_measure"] == "ks2_mean"]


def test_one_row_an_estimate_and_a_row_a_grade(built: LookUp, grades: pd.DataFrame, scored: pd.DataFrame) -> None:
    assert not built.estimates.duplicated(ESTIMATE_KEY).any()
    assert not grades.duplicated([*ESTIMATE_KEY, "grade"]).any()
    assert not built.estimates.isna().any().any()
    assert not grades.isna().any().any()
    assert set(scored["prior_value"]) == {79.5, *(80 + np.arange(81) / 2)}
    assert set(built.estimates["sex"]) == {"F", "M", "all"}


def test_probabilities_sum_to_one(grades: pd.DataFrame) -> None:
    sums = grades.groupby(ESTIMATE_KEY)["probability"].sum()
    assert (sums - 1).abs().max() < 1e-9
    assert grades["probability"].min() >= 0


def test_levels_are_ordered_grade_by_grade(built: LookUp, grades: pd.DataFrame) -> None:
    key = [column for column in [*ESTIMATE_KEY, "grade"] if column != "challenge"]
    wide = grades.pivot_table(index=key, columns="challenge", values="cumulative")
    assert (wide[50.0] <= wide[37.5]).all()
    assert (wide[37.5] <= wide[20.0]).all()
    assert (wide[20.0] <= wide[5.0]).all()
    expected = built.estimates.pivot_table(index=key[:-1], columns="challenge", values="expected_points")
    assert (expected[50.0] < expected[20.0]).all()


def test_the_estimate_is_the_highest_grade_with_even_odds(built: LookUp, grades: pd.DataFrame) -> None:
    estimates = built.estimates
    assert (estimates["chance"] >= 0.5).all()
    assert (estimates["chance_higher"] < 0.5).all()
    assert (estimates["chance"] + estimates["chance_lower"] - 1).abs().max() < 1e-9
    joined = estimates.drop(columns="points").merge(
        grades, left_on=[*ESTIMATE_KEY, "estimate_grade"], right_on=[*ESTIMATE_KEY, "grade"]
    )
    assert len(joined) == len(estimates)
    assert (joined["chance"] == joined["cumulative"]).all()
    assert (joined["estimate_points"] == joined["points"]).all()


def test_expected_points_rise_with_scaled_scores(scored: pd.DataFrame) -> None:
    rising = scored[scored["prior_value"] >= 80].sort_values([*ESTIMATE_KEY])
    key = [column for column in ESTIMATE_KEY if column != "prior_value"]
    assert rising.groupby(key)["expected_points"].diff().min() >= 0


def test_no_estimate_without_a_basis(built: LookUp, scored: pd.DataFrame) -> None:
    assert (built.estimates["basis_n"] > 0).all()
    hebrew = scored.query("subject == 'Biblical Hebrew' and sex == 'M' and challenge == 50")
    below = hebrew[hebrew["prior_value"] == 79.5]
    assert below.empty  # none of the subject's pupils was below the scale
    assert set(hebrew["method"]) == {"own_counts", "parent_counts"}
    assert (hebrew.loc[hebrew["method"] == "parent_counts", "reliability"] == "low").all()
    assert set(scored.query("subject == 'Mathematics' and level == 'subject'")["reliability"]) <= {
        "high", "medium",
    }  # fmt: skip


def test_the_middle_level_is_the_published_distribution(ks4_model: Model, grades: pd.DataFrame) -> None:
    unit = ks4_model.qualification("GCSE").unit("History", "F")
    rows = grades.query(
        "subject == 'History' and sex == 'F' and challenge == 50 and prior_value == 100 and prior_measure == 'ks2_mean'"
    )
    np.testing.assert_allclose(rows["cumulative"], unit.at_least[41], atol=1e-9)


def test_schools_that_do_not_differ_make_no_levels() -> None:
    at_least = np.array([[1.0, 0.7, 0.2, 0.0]])
    np.testing.assert_allclose(
        challenge.at_level(at_least, 5, SchoolEffects(school_share=0.0).sd("GCSE", "any")), at_least
    )
    easier = challenge.at_level(at_least, 80, SchoolEffects(by_subject={("GCSE", "Art"): 0.3}).sd("GCSE", "Art"))
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


def test_a_run_is_known_by_its_reference_and_recipe(ks4_2023: CountReference, ks4_2024: CountReference) -> None:
    base = Recipe(cohort_year=2027)
    others = {
        base.run_id(ks4_2023.digest),
        Recipe(cohort_year=2028).run_id(ks4_2024.digest),
        *(
            replace(base, **changes).run_id(ks4_2024.digest)
            for changes in (
                {"levels": (50.0,)},
                {"parameters": Parameters(roughness=5.0)},
                {"effects": SchoolEffects(0.1)},
                {"effects": SchoolEffects(by_subject={("GCSE", "French"): 0.2})},
                {"substitutes": (standardised_test(0.7, "own pool", "M"),)},
                {"accept_graded_differently": True},
            )
        ),
    }
    assert len(others | {base.run_id(ks4_2024.digest)}) == 9


def test_a_recipe_comes_back_from_json_as_it_went() -> None:
    recipe = Recipe(
        cohort_year=2027,
        levels=(50.0, 20.0),
        parameters=Parameters(pieces=8),
        effects=SchoolEffects(0.1, {("GCSE", "French"): 0.2, ("GCSE", "Art"): 0.3}, "own pool"),
        substitutes=(categories("ks1", {1: 0.3, 2: 0.5, 3: 0.2}, 0.7, "own pool", "M"),),
        accept_graded_differently=True,
    )
    again = Recipe.from_json(json.loads(json.dumps(recipe.as_json())))
    assert again == recipe
    assert again.run_id("x") == recipe.run_id("x")


def test_an_own_reference_of_primary_pupils_gives_estimates() -> None:
    """KS1 average points to KS2 scores: the platform has no figures, the operator may."""
    rng = np.random.default_rng(4)
    rows = [
        {
            "stage": "ks1_ks2", "reference_year": "2022", "release": "final", "source": "own pool",
            "qualification": "KS2 test", "family": "Core", "subject": subject, "sex": sex,
            "prior_from": low, "prior_to": low + 2.5, "grade": grade, "points": points,
            "pupils": int(rng.poisson(4000 * np.exp(-((points - 92 - low * 0.9 - (sex == "F")) ** 2) / 60))),
        }
        for subject in ("Reading", "Mathematics")
        for sex in ("F", "M")
        for low in np.arange(3, 27, 3)
        for grade, points in (("below 100", 95), ("100 to 109", 105), ("110 and more", 114))
    ]  # fmt: skip
    built = lookup.build(reference.check(pd.DataFrame(rows), "pool.csv"), Recipe(cohort_year=2027))
    assert built.caveat == ""  # tests are marked to a scale: 2022 is no year graded differently
    found = built.estimates.query("subject == 'Reading' and sex == 'F' and challenge == 50 and level == 'subject'")
    by_prior = found.query("prior_measure == 'ks1_mean'").set_index("prior_value")
    assert by_prior["estimate_grade"].loc[[5.0, 15.0, 24.0]].tolist() == ["below 100", "100 to 109", "110 and more"]
    assert by_prior["expected_points"].is_monotonic_increasing
    assert set(found["prior_measure"]) == {"ks1_mean", "national"}


def test_two_references_are_compared_before_switching(ks4_2023: CountReference, ks4_2024: CountReference) -> None:
    def of(reference: CountReference) -> LookUp:
        return lookup.build(reference, Recipe(cohort_year=2027, levels=(50.0,)))

    used, proposed = of(ks4_2023), of(ks4_2024)
    table = comparison.by_subject(used, proposed).set_index(["level", "subject"])
    assert table.loc[("subject", "Computer Science"), "mean_change"] > 0.1  # graded more kindly in 2024
    assert abs(table.loc[("subject", "Mathematics"), "mean_change"]) < 0.05
    same = comparison.by_subject(used, used)
    assert same["grade_changes"].sum() == 0
    assert same["largest_change"].max() == 0
    less = LookUp("x", "", used.estimates[used.estimates["subject"] != "Latin"])
    latin = used.estimates.query("subject == 'Latin' and sex == 'all'")
    assert comparison.by_subject(used, less).set_index("subject").loc["Latin", "only_used"] == len(latin)
