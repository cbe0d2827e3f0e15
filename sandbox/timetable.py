"""Subjects, teaching classes, periods and rooms, a set for each academic year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random

import msgspec

from sandbox.pupils import Pupil
from sandbox.schools import School

#: (code, name) of a subject, and the names that results carry are the parameters' own.
SUBJECTS: tuple[tuple[str, str], ...] = (
    ("En", "English"), ("Ma", "Mathematics"), ("Sc", "Science"), ("Bi", "Biology"), ("Ch", "Chemistry"), ("Ph", "Physics"),
    ("Hi", "History"), ("Ge", "Geography"), ("Re", "Religious Studies"), ("Fr", "French"), ("Sp", "Spanish"),
    ("Ar", "Art and Design"), ("Mu", "Music"), ("Dr", "Drama"), ("Dt", "Design & Technology"), ("Co", "Computer Science"),
    ("Pe", "Physical Education"), ("Bu", "Business"), ("Ps", "Psychology"), ("So", "Sociology"), ("Ec", "Economics"),
    ("Fn", "Food Preparation & Nutrition"),
)  # fmt: skip
SUBJECT_NUMBER = {code: number for number, (code, _) in enumerate(SUBJECTS)}
PERIODS_A_DAY = 5
PERIOD_STARTS = ("09:00:00", "10:00:00", "11:20:00", "12:20:00", "14:10:00")
PERIOD_ENDS = ("10:00:00", "11:00:00", "12:20:00", "13:20:00", "15:10:00")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

#: Periods a week of each subject in Years 7 to 9, taught by form; they add up to 25.
_LOWER = {"En": 4, "Ma": 4, "Sc": 4, "Hi": 2, "Ge": 2, "Re": 1, "Fr": 2, "Ar": 1, "Mu": 1, "Dr": 1, "Dt": 1, "Pe": 2}
#: Blocks of Years 10 and 11: everybody has one class of each block at the same time.
_UPPER = (
    (("En",), 4), (("Ma",), 4), (("Sc",), 5), (("Pe",), 2), (("Hi", "Ge"), 3), (("Fr", "Sp", "Bu", "Co"), 3),
    (("Ar", "Dr", "Mu", "Fn", "Dt", "Re"), 4),
)  # fmt: skip
_SIXTH = ((("Ma", "Bi", "En", "Ps"), 5), (("Ch", "Hi", "So", "Co"), 5), (("Ph", "Ge", "Ec", "Ar"), 5))
_SET_SIZE, _SIXTH_SIZE = 27, 18
_TRIPLE_SCIENCE = 0.23
_SCIENCES = ("Bi", "Ch", "Ph")

_Add = Callable[[int, int, str, str, list[Pupil], list[int]], None]
_Blocks = tuple[tuple[tuple[str, ...], int], ...]


class TeachingClass(msgspec.Struct, frozen=True):
    """A class of one academic year. ``members`` are pupil numbers, on roll or not; ``slots`` are weekday * 5 + period."""

    number: int
    year: int
    nc_year: int
    code: str
    subject: int
    members: list[int]
    slots: list[int]
    room: int


def teaching_classes(school: School, seed: int, years: list[int], pupils: list[Pupil]) -> list[TeachingClass]:
    """Classes of every year of the span; none where the school publishes registration groups alone."""
    if not school.publishes_classes:
        return []
    rng = Random(f"timetable/{seed}/{school.index}")
    classes: list[TeachingClass] = []

    def add(year: int, nc_year: int, label: str, subject: str, members: list[Pupil], slots: list[int]) -> None:
        if members:
            number = len(classes)
            code = f"{nc_year}{label}/{subject}"
            classes.append(
                TeachingClass(number, year, nc_year, code, SUBJECT_NUMBER[subject], [pupil.number for pupil in members], sorted(slots), number % 40)
            )

    for year in years:
        for nc_year in range(7, school.last_year + 1):
            cohort = [
                pupil
                for pupil in pupils
                if pupil.nc_year(year, years[0]) == nc_year
                and pupil.admission <= date(year + 1, 8, 31)
                and (pupil.leaving is None or pupil.leaving >= date(year, 9, 1))
            ]
            if nc_year <= 9:
                _lower(rng, year, nc_year, cohort, add)
            else:
                _blocks(rng, year, nc_year, cohort, _UPPER if nc_year <= 11 else _SIXTH, add)
    return classes


def _lower(rng: Random, year: int, nc_year: int, cohort: list[Pupil], add: _Add) -> None:
    """Years 7 to 9 are taught in their forms, each form with the week rotated."""
    week = [subject for subject, periods in _LOWER.items() for _ in range(periods)]
    for form in sorted({pupil.form for pupil in cohort}):
        members = [pupil for pupil in cohort if pupil.form == form]
        order = list(range(len(week)))
        rng.shuffle(order)
        for subject in _LOWER:
            add(year, nc_year, "ABCDEFGHJKLMNPQRT"[form], subject, members, [slot for slot, place in enumerate(order) if week[place] == subject])


def _blocks(rng: Random, year: int, nc_year: int, cohort: list[Pupil], blocks: _Blocks, add: _Add) -> None:
    """Years 10 to 13: core subjects in sets by attainment, options by choice, a block at a time."""
    slots = list(range(len(WEEKDAYS) * PERIODS_A_DAY))
    rng.shuffle(slots)
    ranked = sorted(cohort, key=lambda pupil: -pupil.ability)
    size = _SET_SIZE if nc_year <= 11 else _SIXTH_SIZE
    for choices, periods in blocks:
        mine, slots = slots[:periods], slots[periods:]
        takers: dict[str, list[Pupil]] = {choice: [] for choice in choices}
        for pupil in ranked:
            # The choice stays the same in the second year of a course.
            takers[Random(f"{pupil.mis_id}/{choices[0]}").choice(choices)].append(pupil)
        for choice, members in takers.items():
            triple = round(len(members) * _TRIPLE_SCIENCE) if choices == ("Sc",) else 0
            for subject, part in (*(((name, members[:triple]) for name in _SCIENCES) if triple else ()), (choice, members[triple:])):
                sets = max(1, -(-len(part) // size))
                for number in range(sets):
                    share = part[number * len(part) // sets : (number + 1) * len(part) // sets]
                    # Triple scientists have the science block split three ways.
                    when = mine[_SCIENCES.index(subject) :: 3] if choices == ("Sc",) and subject in _SCIENCES else mine
                    add(year, nc_year, f"{choices[0][0].lower()}{number + 1}", subject, share, when)
