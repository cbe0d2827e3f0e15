"""A reference as arrays: counts by subject, sex, band and grade, for each qualification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.estimates.priors import SCALES, FloatArray, PriorScale
from orchestration.estimates.reference import CountReference


@dataclass(frozen=True)
class QualificationCounts:
    """Counts of the subjects of one qualification; they share its grades, lowest first.

    ``pupils`` is subject x sex x band x grade; ``without_prior`` is subject x sex x grade. ``sexes`` is ("F", "M"), or
    ("all",) where the reference does not tell them apart. ``bands`` are the points of each band, lowest first.
    """

    qualification: str
    scale: PriorScale
    subjects: tuple[str, ...]
    families: tuple[str, ...]
    sexes: tuple[str, ...]
    grades: tuple[str, ...]
    points: FloatArray
    bands: tuple[slice, ...]
    pupils: FloatArray
    without_prior: FloatArray

    def band_of_point(self) -> np.typing.NDArray[np.intp]:
        """For each point of the scale the number of its band, -1 where the reference has none."""
        found = np.full(len(self.scale.points), -1, dtype=np.intp)
        for number, band in enumerate(self.bands):
            found[band] = number
        return found


def counts(reference: CountReference) -> list[QualificationCounts]:
    """The counts of each qualification of a reference, in the order of their names."""
    scale = SCALES[reference.stage]
    return [_qualification(str(name), rows, scale) for name, rows in reference.rows.groupby("qualification", sort=True)]


def _qualification(name: str, rows: pd.DataFrame, scale: PriorScale) -> QualificationCounts:
    subjects = rows.drop_duplicates("subject").sort_values("subject")
    grades = rows.drop_duplicates("grade").sort_values("points")
    known = rows.loc[rows["prior_from"].notna()]
    bands = sorted({(scale.within(low, high).start, scale.within(low, high).stop) for low, high in _ends(known)})
    sexes = ("F", "M") if set(rows["sex"]) <= {"F", "M"} else ("all",)
    subject_no = {subject: number for number, subject in enumerate(subjects["subject"])}
    grade_no = {grade: number for number, grade in enumerate(grades["grade"])}
    band_no = {start: number for number, (start, _) in enumerate(bands)}
    pupils = np.zeros((len(subject_no), len(sexes), len(bands), len(grade_no)))
    without = np.zeros((len(subject_no), len(sexes), len(grade_no)))
    subject = rows["subject"].map(subject_no).to_numpy()
    sex = rows["sex"].map(sexes.index).to_numpy() if len(sexes) > 1 else np.zeros(len(rows), dtype=np.intp)
    grade = rows["grade"].map(grade_no).to_numpy()
    number = rows["pupils"].to_numpy(dtype=np.float64)
    has = rows["prior_from"].notna().to_numpy()
    starts = scale.locate(rows["prior_from"].to_numpy()[has])
    band = np.array([band_no[int(start)] for start in starts], dtype=np.intp)
    np.add.at(pupils, (subject[has], sex[has], band, grade[has]), number[has])
    np.add.at(without, (subject[~has], sex[~has], grade[~has]), number[~has])
    return QualificationCounts(
        qualification=name,
        scale=scale,
        subjects=tuple(subjects["subject"]),
        families=tuple(subjects["family"]),
        sexes=sexes,
        grades=tuple(grades["grade"]),
        points=grades["points"].to_numpy(dtype=np.float64),
        bands=tuple(slice(start, stop) for start, stop in bands),
        pupils=pupils,
        without_prior=without,
    )


def _ends(rows: pd.DataFrame) -> set[tuple[float, float]]:
    return set(zip(rows["prior_from"], rows["prior_to"], strict=True))
