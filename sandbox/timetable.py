"""Subjects, teaching classes, periods and rooms, a set for each academic year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

import msgspec

from sandbox.pupils import Pupil
from sandbox.schools import LAST_COMPULSORY, School

#: (code, name) of a subject, and the names that results carry are the parameters' own.
SUBJECTS: tuple[tuple[str, str], ...] = (
    ("En", "English"), ("Ma", "Mathematics"), ("Sc", "Science"), ("Bi", "Biology"), ("Ch", "Chemistry"),
    ("Ph", "Physics"), ("Hi", "History"), ("Ge", "Geography"), ("Re", "Religious Studies"), ("Fr", "French"),
    ("Sp", "Spanish"), ("Ar", "Art and Design"), ("Mu", "Music"), ("Dr", "Drama"), ("Dt", "Design & Technology"),
    ("Co", "Computer Science"), ("Pe", "Physical Education"), ("Bu", "Business"), ("Ps", "Psychology"),
    ("So", "Sociology"), ("Ec", "Economics"), ("Fn", "Food Preparation & Nutrition"),
)  # fmt: skip
SUBJECT_NUMBER = {code: number for number, (code, _) in enumerate(SUBJECTS)}
FORM_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
ROOMS = 40
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

_Blocks = tuple[tuple[tuple[str, ...], int], ...]


class TeachingClass(msgspec.Struct, frozen=True):
    """A class of one academic year. ``members`` are pupil numbers, on roll or not; ``slots`` are weekday * 5 +
    period."""

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
    for year in years:
        for nc_year in range(7, school.last_year + 1):
            cohort = [
                pupil
                for pupil in pupils
                if pupil.nc_year(year, years[0]) == nc_year
                and pupil.admission <= date(year + 1, 8, 31)
                and (pupil.leaving is None or pupil.leaving >= date(year, 9, 1))
            ]
            _Cohort(rng, year, nc_year, cohort, classes).timetable()
    return classes


@dataclass(frozen=True)
class _Cohort:
    """One NC year of one academic year, whose classes are added to ``classes``."""

    rng: Random
    year: int
    nc_year: int
    pupils: list[Pupil]
    classes: list[TeachingClass]

    def timetable(self) -> None:
        """Make the classes."""
        if self.nc_year <= 9:
            self._by_form()
        else:
            self._by_block(_UPPER if self.nc_year <= LAST_COMPULSORY else _SIXTH)

    def _add(self, label: str, subject: str, members: list[Pupil], slots: list[int]) -> None:
        if not members:
            return
        number = len(self.classes)
        self.classes.append(
            TeachingClass(
                number=number,
                year=self.year,
                nc_year=self.nc_year,
                code=f"{self.nc_year}{label}/{subject}",
                subject=SUBJECT_NUMBER[subject],
                members=[pupil.number for pupil in members],
                slots=sorted(slots),
                room=number % ROOMS,
            )
        )

    def _by_form(self) -> None:
        """Years 7 to 9 are taught in their forms, the week of each form shuffled."""
        week = [subject for subject, periods in _LOWER.items() for _ in range(periods)]
        for form in sorted({pupil.form for pupil in self.pupils}):
            members = [pupil for pupil in self.pupils if pupil.form == form]
            order = list(range(len(week)))
            self.rng.shuffle(order)
            for subject in _LOWER:
                slots = [slot for slot, place in enumerate(order) if week[place] == subject]
                self._add(FORM_LETTERS[form], subject, members, slots)

    def _by_block(self, blocks: _Blocks) -> None:
        """Years 10 to 13: core subjects in sets by attainment, options by choice, a block at a time."""
        slots = list(range(len(WEEKDAYS) * PERIODS_A_DAY))
        self.rng.shuffle(slots)
        ranked = sorted(self.pupils, key=lambda pupil: -pupil.ability)
        for choices, periods in blocks:
            mine, slots = slots[:periods], slots[periods:]
            takers: dict[str, list[Pupil]] = {choice: [] for choice in choices}
            for pupil in ranked:
                # The choice stays the same in the second year of a course.
                takers[Random(f"{pupil.mis_id}/{choices[0]}").choice(choices)].append(pupil)
            label = choices[0][0].lower()
            for choice, members in takers.items():
                triple = round(len(members) * _TRIPLE_SCIENCE) if choice == "Sc" else 0
                for place, science in enumerate(_SCIENCES):
                    # Triple scientists have the science block split three ways.
                    self._sets(label, science, members[:triple], mine[place::3])
                self._sets(label, choice, members[triple:], mine)

    def _sets(self, label: str, subject: str, members: list[Pupil], slots: list[int]) -> None:
        """As many classes as the members need, best first, all at the same time."""
        sets = max(1, -(-len(members) // (_SET_SIZE if self.nc_year <= LAST_COMPULSORY else _SIXTH_SIZE)))
        for number in range(sets):
            share = members[number * len(members) // sets : (number + 1) * len(members) // sets]
            self._add(f"{label}{number + 1}", subject, share, slots)
