"""The fitted distributions: proper, monotone, faithful where counts are large, held to parents where they are small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from orchestration.estimates import model as models
from orchestration.estimates.counts import counts
from orchestration.estimates.distributions import probabilities, summarise
from orchestration.estimates.model import Model, Unit
from orchestration.estimates.priors import SCALES, PriorError
from orchestration.estimates.reference import CountReference


def _units(model: Model) -> list[Unit]:
    return [unit for fitted in model.qualifications for unit in fitted.units]


def test_published_counts_of_mathematics_give_the_methodologys_worked_row(ks4_2024: CountReference) -> None:
    gcse = next(found for found in counts(ks4_2024) if found.qualification == "GCSE")
    row = gcse.pupils[gcse.subjects.index("Mathematics")].sum(axis=0)[6]
    assert row.tolist() == [248, 1119, 3106, 9066, 22134, 27137, 13996, 7427, 3067, 636]
    at_least = np.cumsum(row[::-1])[::-1][None] / row.sum()
    found = summarise(at_least, gcse.points)
    assert (row.sum(), gcse.grades[found.grade[0]]) == (87936, "5")
    assert round(found.expected[0], 3) == 4.833
    assert [round(100 * at_least[0, grade], 1) for grade in (7, 5, 4)] == [12.7, 59.4, 84.6]


@pytest.mark.parametrize(
    ("subject", "band", "grade", "mean"),
    [
        ("Mathematics", 3, "3", 3.211),
        ("Mathematics", 8, "6", 6.257),
        ("English Language", 6, "5", 4.882),
        ("History", 6, "5", 4.527),
        ("French", 6, "4", 4.274),
    ],
)
def test_other_worked_rows(ks4_2024: CountReference, subject: str, band: int, grade: str, mean: float) -> None:
    gcse = next(found for found in counts(ks4_2024) if found.qualification == "GCSE")
    row = gcse.pupils[gcse.subjects.index(subject)].sum(axis=0)[band]
    found = summarise(np.cumsum(row[::-1])[::-1][None] / row.sum(), gcse.points)
    assert (gcse.grades[found.grade[0]], round(found.expected[0], 3)) == (grade, mean)


def test_the_smoothed_worked_row_is_within_its_own_uncertainty(ks4_model: Model) -> None:
    gcse = ks4_model.qualification("GCSE")
    unit, band = gcse.unit("Mathematics", "all"), SCALES["ks2_ks4"].within(105, 107)
    at_least = unit.within[band] @ unit.at_least[band]
    found = summarise(at_least[None], gcse.source.points)
    error = found.deviation[0] / np.sqrt(unit.effective[band].mean())
    assert gcse.source.grades[found.grade[0]] == "5"
    assert abs(found.expected[0] - 4.8328) < 2 * error
    assert abs(at_least[4] - 0.8460) < 0.001


@pytest.mark.parametrize("fitted", ["ks4_model", "ks5_model"])
def test_distributions_are_proper_and_rise_with_prior_attainment(fitted: str, request: pytest.FixtureRequest) -> None:
    model: Model = request.getfixturevalue(fitted)
    for qualification in model.qualifications:
        first = int(qualification.source.scale.below_scale)
        for unit in qualification.units:
            exactly = probabilities(unit.at_least)
            assert exactly.min() >= 0
            assert np.abs(exactly.sum(axis=1) - 1).max() < 1e-9
            assert np.diff(unit.at_least[first:], axis=0).min() >= 0, unit.name


def test_large_cells_are_followed(ks4_model: Model) -> None:
    for fitted in ks4_model.qualifications:
        for number, subject in enumerate(fitted.source.subjects):
            unit = fitted.unit(subject, "all")
            for band, points in enumerate(fitted.source.bands):
                row = fitted.source.pupils[number].sum(axis=0)[band]
                if row.sum() < 5000:
                    continue
                published = np.cumsum(row[::-1])[::-1] / row.sum()
                assert np.abs(unit.within[points] @ unit.at_least[points] - published).max() < 0.01, (subject, band)


def test_both_margins_are_kept(ks4_model: Model) -> None:
    """Girls and boys, mixed as they sat the subject, give the subject's own distribution where counts are large."""
    gcse = ks4_model.qualification("GCSE")
    for subject in gcse.source.subjects:
        units = {sex: gcse.unit(subject, sex) for sex in ("F", "M", "all")}
        for points in gcse.source.bands:
            pupils = {sex: units[sex].pupils[points.start] for sex in ("F", "M")}
            if sum(pupils.values()) < 5000:
                continue
            of = {sex: units[sex].within[points] @ units[sex].at_least[points] for sex in units}
            mixed = sum(pupils[sex] * of[sex] for sex in pupils) / sum(pupils.values())
            assert np.abs(mixed - of["all"]).max() < 0.005, subject


def test_small_subjects_stay_near_their_parents_shape(ks4_model: Model) -> None:
    """Biblical Hebrew had 8 pupils at 96 to 99.5, with mean 5.5; its neighbours have 3.5 and 4.4."""
    gcse = ks4_model.qualification("GCSE")
    unit, family = gcse.unit("Biblical Hebrew", "all"), gcse.unit("Languages", "all", "family")
    expected, parent = (probabilities(of.at_least) @ gcse.source.points for of in (unit, family))
    assert unit.pupils.max() < 100
    assert np.ptp((expected - parent)[20:]) < 1.5
    assert np.abs(np.diff(expected[1:])).max() < 0.25


def test_half_points_follow_the_departments_finer_curve(ks4_model: Model, seeds) -> None:  # type: ignore[no-untyped-def]
    """The 34 groups of Progress 8 were not used to fit: within bands the model follows them, the look-up cannot.

    They lie about 0.05 below, for pupils not entered count 0 there; the scatter about that is what is compared.
    """
    groups = pd.read_csv(seeds / "ks4_mathematics_by_prior_group.csv")
    gcse = ks4_model.qualification("GCSE")
    unit, scale = gcse.unit("Mathematics", "all"), gcse.source.scale
    points = unit.pupils * unit.within
    expected = probabilities(unit.at_least) @ gcse.source.points
    band = gcse.source.band_of_point()
    counted = gcse.source.pupils[gcse.source.subjects.index("Mathematics")].sum(axis=0)
    look_up = ((counted @ gcse.source.points) / counted.sum(axis=1))[band]
    away: dict[str, list[float]] = {"model": [], "look-up": []}
    weight = []
    for row in groups[groups["prior_from"] >= 80].to_dict("records"):
        of = scale.within(row["prior_from"], row["prior_to"])
        share = points[of] / points[of].sum()
        away["model"].append(share @ expected[of] - row["expected_points"])
        away["look-up"].append(share @ look_up[of] - row["expected_points"])
        weight.append(points[of].sum())
    scatter = {way: np.sqrt(np.cov(of, aweights=weight)) for way, of in away.items()}
    assert scatter["model"] < 0.05
    assert scatter["model"] < scatter["look-up"] / 4


def test_the_model_is_the_same_twice(ks4_2024: CountReference, ks4_model: Model) -> None:
    again = models.fit(ks4_2024)
    for one, other in zip(_units(ks4_model), _units(again), strict=True):
        np.testing.assert_array_equal(one.at_least, other.at_least)


def test_points_of_the_scales() -> None:
    ks2, ks4 = SCALES["ks2_ks4"], SCALES["ks4_ks5"]
    assert ks2.points[ks2.locate([59, 79, 79.5, 80, 89.75, 104.5, 105, 120])].tolist() == [
        79.5, 79.5, 79.5, 80, 89.5, 104.5, 105, 120,
    ]  # fmt: skip
    assert ks4.points[ks4.locate([0, 5.3, 5.99, 6.0, 9.0, 10.75])].tolist() == pytest.approx([0, 5.3, 5.9, 6, 9, 9])
    for wrong in (58.5, 120.5, float("nan")):
        with pytest.raises(PriorError, match="another basis"):
            ks2.locate([wrong])
