"""The references that come with the platform: which look-ups are made of them, and how these are tested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.estimates import files, substitute
from orchestration.estimates.files import Reference
from orchestration.estimates.recipe import Recipe

#: By stage, the newest release that is graded as usual.
LOOK_UPS = {
    "ks2_ks4": "ks4_grade_count_2024.csv",
    "ks4_ks5": "ks5_grade_count_2024.csv",
    "level3": "level3_curve_2025.csv",
}


@dataclass(frozen=True)
class OutOfTime:
    """A test of estimates: files of the year fitted, of the year scored, and of its results by disadvantage if any."""

    stage: str
    fitted: str
    scored: str
    by_disadvantage: str | None = None


TESTS = (
    OutOfTime("ks2_ks4", "ks4_grade_count_2023.csv", "ks4_grade_count_2024.csv", "ks4_points_by_disadvantage.csv"),
    OutOfTime("ks4_ks5", "ks5_grade_count_2023.csv", "ks5_grade_count_2024.csv"),
)


def references(folder: Path) -> Iterator[Reference]:
    """The references from which look-ups are made.

    Args:
        folder: ``dbt_project/seeds/estimates``.
    """
    for name in LOOK_UPS.values():
        yield files.read(folder / name)


def recipe(folder: Path, stage: str, reference_year: int) -> Recipe:
    """How look-ups are made unless told otherwise: for the next cohort, with the shipped substitutes."""
    substitutes = substitute.read(folder / "estimate_substitute.csv") if stage == "ks2_ks4" else ()
    return Recipe(cohort_year=reference_year + 1, substitutes=substitutes)
