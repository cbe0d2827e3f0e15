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
from scipy.special import ndtr, ndtri

from sandbox.calendar import epoch
from sandbox.parameters import FloatArray, Gcse, attainment_parameters
from sandbox.pupils import Pupil
from sandbox.schools import LAST_COMPULSORY, LAST_PRIMARY, LAST_SIXTH, RECEPTION, School

#: Summers without key-stage tests (2020 and 2021: the pandemic).
NO_TESTS = frozenset({2020, 2021})
#: Key stage 1 assessment ended as a duty after 2023; multiplication tables checks began in 2022.
LAST_KS1, FIRST_TABLES_CHECK = 2023, 2022
#: Correlation between a pupil's ability and one result, and spread of schools in ability at the end of KS4.
_LOADING, _SCHOOL_SPREAD = 0.8, 0.25
#: Shares reaching a standard in 2024 (methodology 2.4 and 2.5): good level of development, phonics, KS2 writing,
#: science.
_GOOD_DEVELOPMENT, _PHONICS, _WRITING, _SCIENCE = 0.677, 0.80, 0.72, 0.81
#: Examination results come out some weeks after the last day at school.
_AFTER_LEAVING = timedelta(days=75)
_SEPARATE_SCIENCES = frozenset({"Biology", "Chemistry", "Physics"})
_GOALS = (
    "Listening, attention and understanding", "Speaking", "Self-regulation", "Managing self",
    "Building relationships", "Gross motor skills", "Fine motor skills", "Comprehension", "Word reading", "Writing",
    "Number", "Numerical patterns", "Past and present", "People, culture and communities", "The natural world",
    "Creating with materials", "Being imaginative and expressive",
)  # fmt: skip
_PRIMARY_SUBJECTS = ("Reading", "Writing", "Mathematics")
_SECONDARY_SUBJECTS = (
    "English",
    "Mathematics",
    "Science",
    "History",
    "Geography",
    "French",
    "Art and Design",
    "Computer Science",
)
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
    """Results of one school being collected.

    ``connected`` is when the partner first read the school, seconds UTC; ``effect`` what the school adds to GCSE
    grades, in standard deviations.
    """

    school: School
    years: list[int]
    rng: np.random.Generator
    connected: int
    effect: float
    aspects: dict[tuple[str, str], int] = field(default_factory=dict)
    sets: dict[tuple[str, date, date], int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def add(
        self,
        pupils: Sequence[Pupil],
        aspect: tuple[str, str],
        result_set: tuple[str, date, date],
        day: date,
        values: Sequence[str | None],
    ) -> None:
        """One result a pupil (None: no result), known to the partner the night after ``day``, or when the pupil is
        admitted if that is later.

        A pupil who has left by ``day`` gets none here.
        """
        which = self.aspects.setdefault(aspect, len(self.aspects))
        where = self.sets.setdefault(result_set, len(self.sets))
        for pupil, value in zip(pupils, values, strict=True):
            if value is None or (pupil.leaving is not None and pupil.leaving + _AFTER_LEAVING < day):
                continue
            at = max(epoch(max(day + timedelta(days=1), pupil.admission), time(4, 30)), pupil.created, self.connected)
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
    effect = 0.0 if school.typical else float(rng.normal(0, _SCHOOL_SPREAD))
    book = _Book(school, years, rng, epoch(date(years[0], 9, 2), time(4, 30)), effect)
    by_cohort: dict[int, list[Pupil]] = {}
    for pupil in pupils:
        by_cohort.setdefault(pupil.cohort, []).append(pupil)
    for cohort, members in sorted(by_cohort.items()):
        _statutory(book, cohort, members)
        for year in years:
            _current(book, year, cohort + year - years[0], members)
    return book.close()


def _on_roll(pupils: list[Pupil], day: date) -> list[Pupil]:
    return [pupil for pupil in pupils if pupil.admission <= day and (pupil.leaving is None or day <= pupil.leaving)]


def _draws(
    rng: np.random.Generator, pupils: Sequence[Pupil], loading: float = _LOADING, effect: float = 0.0
) -> FloatArray:
    """Uniform numbers, one a pupil, that go with ability."""
    ability = np.array([pupil.ability for pupil in pupils])
    drawn: FloatArray = ndtr(loading * ability + effect + sqrt(1 - loading**2) * rng.standard_normal(len(pupils)))
    return drawn


def _statutory(book: _Book, cohort: int, members: list[Pupil]) -> None:
    """End-of-stage results of the pupils who are in NC year ``cohort`` in the first year of the span."""
    school, first, last_summer = book.school, book.years[0], book.years[-1] + 1

    def held(nc_year: int, since: int, until: int = last_summer) -> int | None:
        """Summer in which the cohort was assessed at the end of an NC year, if it was and the school has the
        results."""
        summer = first + nc_year - cohort + 1
        return summer if since <= summer <= min(until, last_summer) and summer not in NO_TESTS else None

    here = school.first_year <= RECEPTION
    if here:
        _infant_stages(
            book,
            members,
            early_years=held(RECEPTION, 2019),
            phonics=held(1, 2019),
            key_stage_1=held(2, 2019, LAST_KS1),
            tables=held(4, FIRST_TABLES_CHECK),
        )
    scores = ks2_mean_scores(book.rng, members)
    known = book.rng.random(len(members)) >= attainment_parameters().ks2_unknown_share
    if (summer := held(LAST_PRIMARY, 2016)) is not None:
        _key_stage_2(book, summer, members, scores, known)
    end_of_ks4 = first + LAST_COMPULSORY - cohort + 1
    if school.phase != "special" and school.last_year >= LAST_COMPULSORY and first - 1 <= end_of_ks4 <= last_summer:
        # The published distributions know pupils without a KS2 score as a band of their own, after the eleven.
        bands = np.where(known, ks2_bands(scores), len(attainment_parameters().ks2_band_share))
        points = _gcse(book, end_of_ks4, members, bands)
        if school.last_year == LAST_SIXTH and end_of_ks4 + 2 <= last_summer:
            _a_level(book, end_of_ks4 + 2, members, points)


def _set(name: str, summer: int) -> tuple[str, date, date]:
    return (f"{name} {summer}", date(summer - 1, 9, 1), date(summer, 8, 31))


def _judge(draws: FloatArray, below: float, above: float) -> list[str]:
    return [_PRIMARY_JUDGEMENTS[int(np.searchsorted((below, above), draw))] for draw in draws]


def _whole(values: FloatArray) -> list[str]:
    return [str(int(value)) for value in values]


def _infant_stages(
    book: _Book,
    members: list[Pupil],
    *,
    early_years: int | None,
    phonics: int | None,
    key_stage_1: int | None,
    tables: int | None,
) -> None:
    """EYFS profile, phonics, key stage 1 and tables check, each in its summer (None: the cohort had none)."""
    if early_years is not None:
        base = _draws(book.rng, members, 0.7)
        for number, goal in enumerate(_GOALS):
            # Twelve goals make the good level of development; a goal is missed mostly by those who miss it as a whole.
            missed = base < (1 - _GOOD_DEVELOPMENT) * book.rng.uniform(0.35, 1.0, len(members)) * (
                0.95 if number < 12 else 0.8
            )
            levels = ["1" if no else "2" for no in missed]
            book.add(
                members, (f"EYFS {goal}", "GRADE"), _set("EYFS Profile", early_years), date(early_years, 6, 28), levels
            )
    if phonics is not None:
        # Four in five reach 32 of 40; most of them nearly all forty.
        draws = _draws(book.rng, members)
        reached = (draws - 1 + _PHONICS) / _PHONICS
        below, above = 31 * (draws / (1 - _PHONICS)) ** 0.6, 32 + 8 * np.maximum(reached, 0.0) ** 0.6
        marks = np.where(reached < 0, below, above)
        book.add(
            members,
            ("Phonics screening check mark", "NUMERIC"),
            _set("Phonics", phonics),
            date(phonics, 6, 20),
            _whole(np.clip(marks, 0, 40)),
        )
    if key_stage_1 is not None:
        for subject in _PRIMARY_SUBJECTS:
            judged = _judge(_draws(book.rng, members), 0.3, 0.85)
            book.add(
                members,
                (f"KS1 {subject} TA", "GRADE"),
                _set("KS1 Teacher Assessment", key_stage_1),
                date(key_stage_1, 6, 30),
                judged,
            )
    if tables is not None:
        marks = np.clip(np.round(25 * (_draws(book.rng, members) * 1.35) ** 0.5), 0, 25)
        book.add(
            members,
            ("Multiplication tables check mark", "NUMERIC"),
            _set("MTC", tables),
            date(tables, 6, 14),
            _whole(marks),
        )


def _key_stage_2(
    book: _Book, summer: int, members: list[Pupil], mean: FloatArray, known: npt.NDArray[np.bool_]
) -> None:
    day, result_set = date(summer, 7, 8), _set("KS2 Validated Result", summer)
    gap = book.rng.normal(0, 3.2, len(members))
    for name, score in (
        ("Reading", mean + gap),
        ("Mathematics", mean - gap),
        ("Grammar, punctuation and spelling", mean + book.rng.normal(0, 4, len(members))),
    ):
        # A pupil too low for a scaled score gets N, which is not 80.
        values = ["N" if value < 80 else str(int(min(round(value), 120))) for value in score.tolist()]
        book.add(members, (f"KS2 {name} scaled score", "NUMERIC"), result_set, day, _where(known, values))
    for name, share, top in (("Writing", _WRITING, 0.87), ("Science", _SCIENCE, 1.0)):
        book.add(
            members,
            (f"KS2 {name} TA", "GRADE"),
            result_set,
            day,
            _where(known, _judge(_draws(book.rng, members), 1 - share, top)),
        )


def _where(known: npt.NDArray[np.bool_], values: list[str]) -> list[str | None]:
    return [value if there else None for value, there in zip(values, known.tolist(), strict=True)]


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


def _results_day(summer: int, earliest: int) -> date:
    """The Thursday of the seven days of August that begin with ``earliest``."""
    return next(
        date(summer, 8, number) for number in range(earliest, earliest + 7) if date(summer, 8, number).weekday() == 3
    )


def _sitting(members: list[Pupil], summer: int) -> npt.NDArray[np.bool_]:
    """Who was still there for the examinations of a summer."""
    return np.array([pupil.leaving is None or pupil.leaving >= date(summer, 6, 1) for pupil in members])


def _gcse(book: _Book, summer: int, members: list[Pupil], bands: npt.NDArray[np.int64]) -> FloatArray:
    """GCSE results of a cohort; returns each pupil's mean points, -1 without an entry.

    Given the band a grade is an independent draw but for what a pupil's subjects share (half of the variance:
    diligence, of which attendance is a part) and the school's effect, so that over many pupils each band has its
    published distribution.
    """
    rng, parameters, size = book.rng, attainment_parameters(), len(members)
    absent = np.array([pupil.propensity for pupil in members])
    shared = -0.25 * absent + sqrt(1 - 0.25**2) * rng.standard_normal(size)
    sitting = _sitting(members, summer)
    by_name = {gcse.subject: gcse for gcse in parameters.gcse}
    triple = rng.random(size) < _entry(by_name["Biology"], bands)
    total, count = np.zeros(size), np.zeros(size)
    for gcse in parameters.gcse:
        if gcse.subject in _SEPARATE_SCIENCES:
            entered = triple
        elif gcse.subject == "Combined Science":
            entered = ~triple & (rng.random(size) < 0.97)
        else:
            entered = rng.random(size) < _entry(gcse, bands)
        draws = ndtr(sqrt(0.5) * (shared + rng.standard_normal(size)) + book.effect).tolist()
        order = sorted(range(len(gcse.grades)), key=lambda index: _points(gcse.grades[index]))
        values: list[str | None] = [None] * size
        for place in np.flatnonzero(entered & sitting).tolist():
            shares = gcse.per_10k_by_band[bands[place]]
            grade = gcse.grades[order[_quantile([shares[index] for index in order], draws[place])]]
            values[place] = "U" if grade.startswith("U") else grade
            total[place] += _points(grade)
            count[place] += 1
        book.add(
            members, (f"GCSE {gcse.subject}", "GRADE"), _set("GCSE Results", summer), _results_day(summer, 20), values
        )
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), -1.0)
    return mean


def _entry(gcse: Gcse, bands: npt.NDArray[np.int64]) -> FloatArray:
    """Chance that a pupil of each band enters a subject."""
    rates: FloatArray = np.array(gcse.entry_per_1k_by_band)[bands] / 1000
    return rates


def _points(grade: str) -> float:
    """Points of a GCSE grade; a pair of combined science counts as the mean of the two."""
    return 0.0 if grade.startswith("U") else sum(int(digit) for digit in grade) / len(grade)


def _quantile(shares: list[int], draw: float) -> int:
    """Place at which running totals of ``shares`` reach the share ``draw`` of their sum."""
    goal, running = draw * sum(shares), 0
    for place, share in enumerate(shares):
        running += share
        if goal <= running:
            return place
    return len(shares) - 1


def _a_level(book: _Book, summer: int, members: list[Pupil], points: FloatArray) -> None:
    """Three A levels for everybody who stayed, graded by the band of their GCSE points."""
    subjects = attainment_parameters().a_level
    weights = np.array([subject.entries for subject in subjects], dtype=np.float64)
    taken: dict[int, list[tuple[Pupil, str]]] = {}
    for place in np.flatnonzero(_sitting(members, summer)).tolist():
        # Somebody who joined for the sixth form brings average GCSEs.
        band = min(int(points[place]), 9) if points[place] >= 0 else 5
        for number in book.rng.choice(len(weights), 3, replace=False, p=weights / weights.sum()).tolist():
            subject = subjects[number]
            grade = subject.grades[_quantile(subject.per_10k_by_band[band], float(book.rng.random()))]
            taken.setdefault(number, []).append((members[place], grade))
    for number, rows in sorted(taken.items()):
        aspect, day = (f"A level {subjects[number].subject}", "GRADE"), _results_day(summer, 13)
        book.add(
            [pupil for pupil, _ in rows], aspect, _set("A Level Results", summer), day, [grade for _, grade in rows]
        )


def _current(book: _Book, year: int, nc_year: int, members: list[Pupil]) -> None:
    """Teacher judgements each term and a standardised reading test each year."""
    if not RECEPTION < nc_year <= LAST_COMPULSORY:
        return
    terms = (("Autumn", date(year, 12, 12)), ("Spring", date(year + 1, 3, 26)), ("Summer", date(year + 1, 6, 27)))
    for term, day in terms:
        present = _on_roll(members, day)
        result_set = (f"{term} {year}/{year + 1}", date(year, 9, 1), date(year + 1, 8, 31))
        if nc_year <= LAST_PRIMARY:
            for subject in _PRIMARY_SUBJECTS:
                book.add(
                    present,
                    (f"{subject} TA", "GRADE"),
                    result_set,
                    day,
                    _judge(_draws(book.rng, present, 0.85), 0.28, 0.84),
                )
        else:
            for subject in _SECONDARY_SUBJECTS:
                # Working-at grades climb towards the GCSE: about half a grade a year from Year 7 on.
                centre = 2.6 + 0.5 * (nc_year - 7) + {"Autumn": 0.0, "Spring": 0.15, "Summer": 0.3}[term]
                grades = np.clip(np.round(centre + 1.7 * _normal(_draws(book.rng, present, 0.85))), 1, 9)
                book.add(present, (f"{subject} working at", "GRADE"), result_set, day, _whole(grades))
    day = date(year + 1, 5, 12)
    if nc_year <= 9:
        present = _on_roll(members, day)
        scores = np.clip(np.round(100 + 15 * _normal(_draws(book.rng, present, 0.85))), 69, 141)
        result_set = (f"Reading test {year}/{year + 1}", date(year, 9, 1), date(year + 1, 8, 31))
        book.add(present, ("Reading test standardised score", "NUMERIC"), result_set, day, _whole(scores))


def _normal(draws: FloatArray) -> FloatArray:
    scores: FloatArray = ndtri(np.clip(draws, 1e-4, 1 - 1e-4))
    return scores
