"""Which years may stand as reference for which cohorts: years graded differently are refused."""

from __future__ import annotations

from orchestration.estimates.errors import EstimateError

#: Summers of examinations graded otherwise than the years around them, and how; grades were up to 0.4 grade higher.
GRADED_DIFFERENTLY = {
    2020: "centre assessment grades, no examinations",
    2021: "teacher assessed grades, no examinations",
    2022: "examinations graded midway between 2021 and 2019",
}


class ReferenceYearError(EstimateError):
    """A reference year that must not be used for a cohort; the message says how to choose another."""


#: Years from the GCSEs that are prior attainment to the examinations of the stage.
_YEARS_AFTER_GCSE = {"ks4_ks5": 2, "level3": 2}
#: Tests marked to a fixed scale, which nobody grades.
_NOT_GRADED = "ks1_ks2"


def caveat(stage: str, reference_year: int, cohort_year: int, *, accept_graded_differently: bool = False) -> str:
    """The label of estimates for a cohort from a reference year; empty where nothing is to be said.

    Examinations graded differently are refused. GCSEs graded differently that were the prior attainment of the
    reference (the A levels of 2024 stand on the GCSEs of 2022) are labelled: no other matrices are published yet.

    Args:
        stage: As of the reference.
        reference_year: Year of the reference's examinations.
        cohort_year: Year in which the cohort is examined.
        accept_graded_differently: The operator's override.

    Raises:
        ReferenceYearError: the reference year was graded differently and the operator did not accept it.
    """
    how = None if stage == _NOT_GRADED else GRADED_DIFFERENTLY.get(reference_year)
    if how is None or reference_year == cohort_year:
        return _prior_caveat(stage, reference_year, cohort_year)
    if not accept_graded_differently:
        raise ReferenceYearError(
            f"{reference_year} is no reference for the cohort of {cohort_year}: {how}. Take a year graded as usual"
            " (2023 or later), or accept it expressly; the estimates will then carry the label."
        )
    return f"reference year {reference_year}: {how}"


def _prior_caveat(stage: str, reference_year: int, cohort_year: int) -> str:
    after = _YEARS_AFTER_GCSE.get(stage)
    if after is None or reference_year == cohort_year:
        return ""
    how = GRADED_DIFFERENTLY.get(reference_year - after)
    return "" if how is None else f"prior attainment of the reference is of {reference_year - after}: {how}"
