"""Pupils without KS2: the order of bases, and distributions that are wider the less is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from orchestration.estimates import fallback, files, lookup, substitute
from orchestration.estimates.distributions import summarise
from orchestration.estimates.lookup import RecipeError
from orchestration.estimates.model import Model, QualificationModel
from orchestration.estimates.recipe import Recipe
from orchestration.estimates.reference import CountReference
from orchestration.estimates.substitute import Substitute, SubstituteError

_KS1 = {1.0: 0.27, 2.0: 0.52, 3.0: 0.21}


@pytest.fixture(scope="module")
def gcse(ks4_model: Model) -> QualificationModel:
    return ks4_model.qualification("GCSE")


def test_the_order_of_bases() -> None:
    assert fallback.ORDER == ("ks2_mean", "ks1", "standardised_test", "teacher_assessment", "school", "national")


def test_substitutes_over_the_nation_give_the_nations_ks2(gcse: QualificationModel) -> None:
    cohort = fallback.cohort_shares(gcse)
    scores = substitute.standardised_test(0.75, "test", "M", lowest=40, highest=160)
    population = norm.pdf(np.array(scores.values), 100, 15)
    mixed = population / population.sum() @ fallback.point_weights(scores, cohort)
    np.testing.assert_allclose(mixed, cohort, atol=2e-4)
    bands = substitute.categories("ks1", _KS1, 0.7, "test", "M")
    np.testing.assert_allclose(np.array(list(_KS1.values())) @ fallback.point_weights(bands, cohort), cohort, atol=2e-4)


def test_weaker_substitutes_give_wider_distributions(gcse: QualificationModel) -> None:
    unit, cohort = gcse.unit("Mathematics", "all"), fallback.cohort_shares(gcse)
    known = summarise(unit.at_least[[51]], gcse.source.points).deviation[0]
    widths = []
    for correlation in (0.9, 0.7, 0.4, 0.0):
        by = substitute.standardised_test(correlation, "test", "M", lowest=100, highest=100)
        of = fallback.substituted(gcse, unit, by, fallback.point_weights(by, cohort))
        widths.append(summarise(of.at_least, gcse.source.points).deviation[0])
    assert [known, *widths] == sorted([known, *widths])


def test_fallbacks_are_labelled_and_proper(ks4_2024: CountReference) -> None:
    substitutes = (
        substitute.categories("ks1", _KS1, 0.7, "test", "M"),
        substitute.standardised_test(0.75, "test", "L"),
    )
    built = lookup.build(ks4_2024, Recipe(cohort_year=2027, levels=(50.0, 20.0), substitutes=substitutes))
    rows = built.estimates[built.estimates["prior_measure"] != "ks2_mean"]
    assert set(rows["prior_measure"]) == {"ks1", "standardised_test", "school", "national"}
    assert set(rows["method"]) == {
        "fallback_ks1",
        "fallback_standardised_test_assumed",  # a correlation that is an assumption is called one in every row
        "fallback_school",
        "fallback_national",
        "fallback_national_without_prior",
    }
    assert (rows["reliability"] == "low").all()
    assert (rows["basis_n"] > 0).all()
    scores = rows.query("prior_measure == 'standardised_test'").sort_values("prior_value")
    key = ["qualification", "level", "subject", "sex", "challenge"]
    assert scores.groupby(key)["expected_points"].diff().min() >= 0
    mathematics = rows.query("subject == 'Mathematics' and level == 'subject' and sex == 'all' and challenge == 50")
    national = mathematics.query("prior_measure == 'national'").set_index("prior_value")
    assert national.loc[0, "points_sd"] > mathematics.query("prior_measure != 'national'")["points_sd"].max() - 0.1
    assert national.loc[1, "basis_n"] == 39513  # the published pupils of 2024 without a scaled score


def test_a_school_is_the_nation_moved_to_its_mean(gcse: QualificationModel) -> None:
    cohort, points = fallback.cohort_shares(gcse), gcse.source.scale.points
    weights = fallback.school_weights(fallback.SCHOOL_MEANS, points, cohort)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights @ points, fallback.SCHOOL_MEANS)
    middle = fallback.school_weights(np.array([points @ cohort]), points, cohort)
    np.testing.assert_allclose(middle[0], cohort, atol=1e-9)
    of = [found for found in fallback.forecasts(gcse, ()) if found.measure == "school"]
    assert min(np.diff(found.at_least, axis=0).min() for found in of) > -1e-9  # also where those below 80 do best
    mathematics = next(found for found in of if (found.subject, found.sex) == ("Mathematics", "all"))
    expected = summarise(mathematics.at_least, gcse.source.points).expected
    assert (np.diff(expected) > 0).all()


def test_a_file_of_substitutes(tmp_path: Path) -> None:
    heading = "measure,value,share,correlation,source,confidence\n"
    path = tmp_path / "substitute.csv"
    path.write_text(heading + "ks1,1,0.3,0.7,pool,M\nks1,2,0.7,0.7,pool,M\nstandardised_test,,,0.8,manual,H\n")
    ks1, test = substitute.read(path)
    assert ks1 == substitute.categories("ks1", {1: 0.3, 2: 0.7}, 0.7, "pool", "M")
    assert test == substitute.standardised_test(0.8, "manual", "H")
    for rows, message in (
        ("ks1,1,0.3,0.7,pool,M\nks1,2,0.7,0.6,pool,M\n", "one correlation"),
        ("ks1,1,0.3,0.7,pool,M\nks1,2,0.6,0.7,pool,M\n", "sum to 1"),
        ("ks1,1,0.5,0.7,pool,M\nks1,1,0.5,0.7,pool,M\n", "each value once"),
        ("ks1,,,0.7,pool,M\n", "only a standardised test"),
        ("ks1,a,0.3,0.7,pool,M\n", "are numbers"),
    ):
        path.write_text(heading + rows)
        with pytest.raises(SubstituteError, match=message):
            substitute.read(path)
    path.write_text("measure\nks1\n")
    with pytest.raises(SubstituteError, match="must have the columns"):
        substitute.read(path)


def test_the_shipped_substitute_is_called_an_assumption(seeds: Path) -> None:
    assert {found.method for found in substitute.read(seeds / "estimate_substitute.csv")} == {
        "fallback_standardised_test_assumed"
    }


def test_substitutes_for_ks2_go_with_no_other_stage(seeds: Path) -> None:
    by = (substitute.standardised_test(0.75, "test", "M"),)
    with pytest.raises(RecipeError, match="ks4_ks5 has none"):
        lookup.build(files.read(seeds / "ks5_grade_count_2024.csv"), Recipe(cohort_year=2025, substitutes=by))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": "guess"}, "A substitute is one of"),
        ({"correlation": 1.0}, "correlation"),
        ({"to_share": (0.5,)}, "each value"),
        ({"from_share": (0.9, 0.5)}, "run from 0 to 1"),
        ({"source": ""}, "where the correlation"),
        ({"confidence": ""}, "confidence"),
    ],
)
def test_substitutes_without_a_basis_are_refused(changes: dict[str, object], message: str) -> None:
    good = {
        "measure": "teacher_assessment", "values": (1.0, 2.0), "from_share": (0.0, 0.5), "to_share": (0.5, 1.0),
        "correlation": 0.6, "source": "own pool", "confidence": "M",
    }  # fmt: skip
    Substitute(**good)  # type: ignore[arg-type]
    with pytest.raises(SubstituteError, match=message):
        Substitute(**{**good, **changes})  # type: ignore[arg-type]
