"""Statutory results and current assessments.

Prior attainment follows the published bands of KS2 scores, GCSE grades the published distributions of each subject in
each KS2 band, A levels those of each band of GCSE points. One ability a pupil ties the results together: a grade is
the quantile of its distribution at a draw correlated with ability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from sandbox.calendar import epoch
from sandbox.parameters import FloatArray, attainment_parameters
from sandbox.pupils import Pupil
from sandbox.schools import LAST_COMPULSORY, LAST_PRIMARY, LAST_SIXTH, RECEPTION, School

#: Summers without key-stage tests (2020 and 2021: the pandemic).
NO_TESTS = frozenset({2020, 2021})
#: Key stage 1 assessment ended as a duty after 2023; multiplication tables checks began in 2022.
LAST_KS1, FIRST_TABLES_CHECK = 2023, 2022
#: Correlation between a pupil's ability and one result, and spread of schools in ability at the end of KS4.
_LOADING, _SCHOOL_SPREAD = 0.8, 0.25
#: Shares reaching a standard in 2024 (methodology 2.4 and 2.5): good level of development, phonics, KS2 writing, science.
_GOOD_DEVELOPMENT, _PHONICS, _WRITING, _SCIENCE = 0.677, 0.80, 0.72, 0.81
_GOALS = (
    "Listening, attention and understanding", "Speaking", "Self-regulation", "Managing self", "Building relationships",
    "Gross motor skills", "Fine motor skills", "Comprehension", "Word reading", "Writing", "Number", "Numerical patterns",
    "Past and present", "People, culture and communities", "The natural world", "Creating with materials",
    "Being imaginative and expressive",
)  # fmt: skip
_PRIMARY_SUBJECTS = ("Reading", "Writing", "Mathematics")
_SECONDARY_SUBJECTS = ("English", "Mathematics", "Science", "History", "Geography", "French", "Art and Design", "Computer Science")
_PRIMARY_JUDGEMENTS = ("WTS", "EXS", "GDS")


@dataclass
class Results:
    """All results as columns, in the order in which the partner came to know them (``at``, seconds UTC).

    ``aspects`` are (name, type); ``sets`` are (name, first day, last day). ``value`` points into ``values``.
    """

    aspects: list[tuple[str, str]]
    sets: list[tuple[str, date, date]]
    values: list[str]
    pupil: npt.NDArray[np.int32]
    aspect: npt.NDArray[np.int16]
    result_set: npt.NDArray[np.int16]
    value: npt.NDArray[np.int16]
    day: npt.NDArray[np.int32]
    at: npt.NDArray[np.int64]


@dataclass
class _Book:
    """Results being collected."""

    rng: np.random.Generator
    connected: int
    aspects: dict[tuple[str, str], int] = field(default_factory=dict)
    sets: dict[tuple[str, date, date], int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def add(self, pupils: Sequence[Pupil], aspect: tuple[str, str], result_set: tuple[str, date, date], day: date, values: Sequence[str | None]) -> None:
        """One result a pupil, known to the partner the night after the later of ``day`` and the pupil's record."""
        which, where = self.aspects.setdefault(aspect, len(self.aspects)), self.sets.setdefault(result_set, len(self.sets))
        for pupil, value in zip(pupils, values, strict=True):
            if value is None:
                continue
            at = max(epoch(day + timedelta(days=1), time(4, 30)), pupil.created, self.connected)
            number = self.values.setdefault(value, len(self.values))
            self.rows.append((at, pupil.number, which, where, number, day.toordinal()))

    def close(self) -> Results:
        """Columns in order of arrival."""
        table = np.array(sorted(self.rows), dtype=np.int64).reshape(-1, 6)
        return Results(
            list(self.aspects),
            list(self.sets),
            list(self.values),
            table[:, 1].astype(np.int32),
            table[:, 2].astype(np.int16),
            table[:, 3].astype(np.int16),
            table[:, 4].astype(np.int16),
            table[:, 5].astype(np.int32),
            table[:, 0],
        )


def assess(school: School, seed: int, years: list[int], pupils: list[Pupil]) -> Results:
    """Every result that a school holds, up to the end of the span."""
    rng = np.random.default_rng([seed, school.index, 4])
    book = _Book(rng, epoch(date(years[0], 9, 2), time(4, 30)))
    effect = 0.0 if school.typical else float(rng.normal(0, _SCHOOL_SPREAD))
    by_cohort: dict[int, list[Pupil]] = {}
    for pupil in pupils:
        by_cohort.setdefault(pupil.cohort, []).append(pupil)
    for cohort, members in sorted(by_cohort.items()):
        _statutory(book, school, years, cohort, members, effect)
        for year in years:
            _current(book, school, year, cohort + year - years[0], members)
    return book.close()


def _on_roll(pupils: list[Pupil], day: date) -> list[Pupil]:
    return [pupil for pupil in pupils if pupil.admission <= day and (pupil.leaving is None or day <= pupil.leaving)]


def _draws(rng: np.random.Generator, pupils: Sequence[Pupil], loading: float = _LOADING, effect: float = 0.0) -> FloatArray:
    """Uniform numbers, one a pupil, that go with ability."""
    ability = np.array([pupil.ability for pupil in pupils])
    drawn: FloatArray = ndtr(loading * ability + effect + sqrt(1 - loading**2) * rng.standard_normal(len(pupils)))
    return drawn


def _statutory(book: _Book, school: School, years: list[int], cohort: int, members: list[Pupil], effect: float) -> None:
    first = years[0]

    def summer(nc_year: int) -> int:
        return first + nc_year - cohort + 1

    here = school.first_year <= RECEPTION
    if here and summer(RECEPTION) not in NO_TESTS and summer(RECEPTION) >= 2019:
        _early_years(book, summer(RECEPTION), members)
    if here and summer(1) not in NO_TESTS and summer(1) >= 2019:
        day, group = date(summer(1), 6, 20), members
        score = np.clip(np.round(40 * _draws(book.rng, group) ** 0.36), 0, 40)
        book.add(_taught(group, day), ("Phonics screening check mark", "NUMERIC"), _set("Phonics", summer(1)), day, _by(group, day, score))
    if here and summer(2) not in NO_TESTS and 2019 <= summer(2) <= LAST_KS1:
        day = date(summer(2), 6, 30)
        for subject in _PRIMARY_SUBJECTS:
            judged = _judge(_draws(book.rng, members), 0.3, 0.85)
            book.add(_taught(members, day), (f"KS1 {subject} TA", "GRADE"), _set("KS1 Teacher Assessment", summer(2)), day, _by(members, day, judged))
    if here and summer(4) not in NO_TESTS and summer(4) >= FIRST_TABLES_CHECK:
        day = date(summer(4), 6, 14)
        score = np.clip(np.round(25 * (_draws(book.rng, members) * 1.35) ** 0.5), 0, 25)
        book.add(_taught(members, day), ("Multiplication tables check mark", "NUMERIC"), _set("MTC", summer(4)), day, _by(members, day, score))
    if summer(LAST_PRIMARY) not in NO_TESTS and summer(LAST_PRIMARY) >= 2016:
        _key_stage_2(book, summer(LAST_PRIMARY), members)
    if school.phase != "special" and school.last_year >= LAST_COMPULSORY and summer(LAST_COMPULSORY) <= years[-1] + 1:
        if summer(LAST_COMPULSORY) >= first - 1:
            points = _gcse(book, summer(LAST_COMPULSORY), members, effect)
            if school.last_year == LAST_SIXTH:
                _a_level(book, summer(LAST_SIXTH), members, points, years[-1] + 1)


def _taught(pupils: list[Pupil], day: date) -> list[Pupil]:
    """Pupils who were not yet gone on the day (earlier schools send results along)."""
    return [pupil for pupil in pupils if pupil.leaving is None or day <= pupil.leaving]


def _by(pupils: list[Pupil], day: date, values: Sequence[object] | npt.NDArray[np.float64]) -> list[str | None]:
    """Values of the pupils of ``_taught``, as text; whole numbers without a point."""
    return [
        str(int(value)) if isinstance(value, float) else None if value is None else str(value)
        for pupil, value in zip(pupils, values, strict=True)
        if pupil.leaving is None or day <= pupil.leaving
    ]


def _set(name: str, summer: int) -> tuple[str, date, date]:
    return (f"{name} {summer}", date(summer - 1, 9, 1), date(summer, 8, 31))


def _judge(draws: FloatArray, below: float, above: float) -> list[str]:
    return [_PRIMARY_JUDGEMENTS[int(np.searchsorted((below, above), draw))] for draw in draws]


def _early_years(book: _Book, summer: int, members: list[Pupil]) -> None:
    day = date(summer, 6, 28)
    base = _draws(book.rng, members, 0.7)
    for number, goal in enumerate(_GOALS):
        # Twelve goals make the good level of development; a goal is missed mostly by those who miss it as a whole.
        missed = base < (1 - _GOOD_DEVELOPMENT) * book.rng.uniform(0.35, 1.0, len(members)) * (0.95 if number < 12 else 0.8)
        book.add(_taught(members, day), (f"EYFS {goal}", "GRADE"), _set("EYFS Profile", summer), day, _by(members, day, ["1" if no else "2" for no in missed]))


def _key_stage_2(book: _Book, summer: int, members: list[Pupil]) -> None:
    day, result_set = date(summer, 7, 8), _set("KS2 Validated Result", summer)
    mean = ks2_mean_scores(book.rng, members)
    gap = book.rng.normal(0, 3.2, len(members))
    known = book.rng.random(len(members)) >= attainment_parameters().ks2_unknown_share
    for name, score in (
        ("Reading", mean + gap),
        ("Mathematics", mean - gap),
        ("Grammar, punctuation and spelling", mean + book.rng.normal(0, 4, len(members))),
    ):
        values = [
            None if not there else "N" if value < 80 else str(int(min(max(round(value), 80), 120)))
            for value, there in zip(score, known, strict=True)
        ]
        book.add(_taught(members, day), (f"KS2 {name} scaled score", "NUMERIC"), result_set, day, _by(members, day, values))
    for name, share, top in (("Writing", _WRITING, 0.87), ("Science", _SCIENCE, 1.0)):
        judged = _judge(_draws(book.rng, members), 1 - share, top)
        values = [value if there else None for value, there in zip(judged, known, strict=True)]
        book.add(_taught(members, day), (f"KS2 {name} TA", "GRADE"), result_set, day, _by(members, day, values))


def ks2_mean_scores(rng: np.random.Generator, members: Sequence[Pupil]) -> FloatArray:
    """Mean of reading and maths scaled scores, in steps of one half, distributed over the published bands."""
    parameters = attainment_parameters()
    cumulative = np.concatenate([[0.0], np.cumsum(parameters.ks2_band_share)])
    cumulative /= cumulative[-1]
    draws = np.clip(_draws(rng, members, 0.95), 1e-6, 1 - 1e-6)
    scores: FloatArray = np.round(2 * np.interp(draws, cumulative, parameters.ks2_band_edges)) / 2
    return np.minimum(scores, 120.0)


def ks2_bands(scores: FloatArray) -> npt.NDArray[np.int64]:
    """Place (0 to 10) of each score among the published bands."""
    edges = attainment_parameters().ks2_band_edges
    return np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)


def _gcse(book: _Book, summer: int, members: list[Pupil], effect: float) -> FloatArray:
    """GCSE results of a cohort; returns each pupil's mean points."""
    rng, parameters = book.rng, attainment_parameters()
    # Results day is the Thursday between 20 and 26 August.
    day = next(date(summer, 8, number) for number in range(20, 27) if date(summer, 8, number).weekday() == 3)
    bands = ks2_bands(ks2_mean_scores(rng, members))
    leaving_school = [pupil for pupil in members if pupil.leaving is None or pupil.leaving >= date(summer, 6, 1)]
    sat = {pupil.number for pupil in leaving_school}
    total, count = np.zeros(len(members)), np.zeros(len(members))
    triple = rng.random(len(members)) < np.array([parameters.gcse[4].entry_per_1k_by_band[band] / 1000 for band in bands])
    personal = ndtr(np.zeros(1))[0]
    del personal
    common = _LOADING * (np.array([pupil.ability for pupil in members]) * 0.45 + rng.standard_normal(len(members)) * 0.6)
    for gcse in parameters.gcse:
        if gcse.subject in ("Biology", "Chemistry", "Physics"):
            entered = triple
        elif gcse.subject == "Combined Science":
            entered = ~triple & (rng.random(len(members)) < 0.97)
        else:
            entered = rng.random(len(members)) < np.array([gcse.entry_per_1k_by_band[band] / 1000 for band in bands])
        draws = ndtr((common + rng.standard_normal(len(members)) * 0.75) / np.sqrt(np.var(common) + 0.5625) + effect)
        values: list[str | None] = []
        for place, pupil in enumerate(members):
            if not entered[place] or pupil.number not in sat:
                values.append(None)
                continue
            shares = gcse.per_10k_by_band[bands[place]]
            order = _worst_first(gcse.grades)
            grade = _quantile([shares[index] for index in order], float(draws[place]))
            name = gcse.grades[order[grade]]
            values.append("U" if name == "UU" else name)
            total[place] += _points(name)
            count[place] += 1
        book.add(members, (f"GCSE {gcse.subject}", "GRADE"), _set("GCSE Results", summer), day, values)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), -1.0)
    return mean


def _worst_first(grades: list[str]) -> list[int]:
    return sorted(range(len(grades)), key=lambda index: _points(grades[index]))


def _points(grade: str) -> float:
    """Points of a GCSE grade; a pair of combined science counts as the mean of the two."""
    return 0.0 if grade.startswith("U") else sum(int(digit) for digit in grade) / len(grade)


def _quantile(shares: list[int], draw: float) -> int:
    goal, running = draw * sum(shares), 0
    for place, share in enumerate(shares):
        running += share
        if goal <= running:
            return place
    return len(shares) - 1


def _a_level(book: _Book, summer: int, members: list[Pupil], points: FloatArray, last_summer: int) -> None:
    if summer > last_summer:
        return
    parameters = attainment_parameters()
    day = next(date(summer, 8, number) for number in range(13, 20) if date(summer, 8, number).weekday() == 3)
    stayed = [place for place, pupil in enumerate(members) if pupil.leaving is None or pupil.leaving >= date(summer, 6, 1)]
    weights = np.array([subject.entries for subject in parameters.a_level], dtype=np.float64)
    chosen: dict[int, list[tuple[Pupil, str]]] = {}
    for place in stayed:
        band = int(np.clip(points[place] if points[place] >= 0 else 5.5, 0, 9))
        for subject in book.rng.choice(len(weights), 3, replace=False, p=weights / weights.sum()).tolist():
            parameter = parameters.a_level[subject]
            grade = parameter.grades[_quantile(parameter.per_10k_by_band[band], float(book.rng.random()))]
            chosen.setdefault(subject, []).append((members[place], grade))
    for subject, rows in sorted(chosen.items()):
        aspect = (f"A level {parameters.a_level[subject].subject}", "GRADE")
        book.add([pupil for pupil, _ in rows], aspect, _set("A Level Results", summer), day, [grade for _, grade in rows])


def _current(book: _Book, school: School, year: int, nc_year: int, members: list[Pupil]) -> None:
    """Teacher judgements each term and a standardised reading test each year."""
    if not RECEPTION < nc_year <= LAST_COMPULSORY:
        return
    terms = (("Autumn", date(year, 12, 12)), ("Spring", date(year + 1, 3, 26)), ("Summer", date(year + 1, 6, 27)))
    for term, day in terms:
        present = _on_roll(members, day)
        result_set = (f"{term} {year}/{year + 1}", date(year, 9, 1), date(year + 1, 8, 31))
        if nc_year <= LAST_PRIMARY:
            for subject in _PRIMARY_SUBJECTS:
                book.add(present, (f"{subject} TA", "GRADE"), result_set, day, _judge(_draws(book.rng, present, 0.85), 0.28, 0.84))
        else:
            for subject in _SECONDARY_SUBJECTS:
                # Working-at grades climb towards the GCSE: about half a grade a year from Year 7 on.
                centre = 2.6 + 0.5 * (nc_year - 7) + {"Autumn": 0.0, "Spring": 0.15, "Summer": 0.3}[term]
                grades = np.clip(np.round(centre + 1.7 * _normal(_draws(book.rng, present, 0.85))), 1, 9)
                book.add(present, (f"{subject} working at", "GRADE"), result_set, day, [str(int(grade)) for grade in grades])
    day = date(year + 1, 5, 12)
    if nc_year <= 9:
        present = _on_roll(members, day)
        scores = np.clip(np.round(100 + 15 * _normal(_draws(book.rng, present, 0.85))), 69, 141)
        result_set = (f"Reading test {year}/{year + 1}", date(year, 9, 1), date(year + 1, 8, 31))
        book.add(present, ("Reading test standardised score", "NUMERIC"), result_set, day, [str(int(score)) for score in scores])
    del school


def _normal(draws: FloatArray) -> FloatArray:
    from scipy.special import ndtri

    scores: FloatArray = ndtri(np.clip(draws, 1e-4, 1 - 1e-4))
    return scores
