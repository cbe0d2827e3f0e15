"""Year groups, houses, registration groups, classes, subjects and lessons of the present academic year."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple

from sandbox.calendar import epoch
from sandbox.facts import register, staff
from sandbox.pupils import NIGHTLY
from sandbox.schools import RECEPTION
from sandbox.staff import Employee
from sandbox.timetable import FORM_LETTERS, PERIOD_STARTS, PERIODS_A_DAY, ROOMS, SUBJECTS, WEEKDAYS, TeachingClass
from sandbox.view import SchoolView

HOUSES = ("Alder", "Birch", "Cedar", "Damson")


def nc_year_code(nc_year: int) -> str:
    """``N1``, ``N2``, ``R``, ``1`` to ``13``."""
    return {-2: "N1", -1: "N2", RECEPTION: "R"}.get(nc_year, str(nc_year))


def year_started(view: SchoolView) -> int:
    """When this year's classes and groups were first seen, seconds UTC."""
    return epoch(date(view.year, 8, 28 if view.year > view.data.years[0] else 30), NIGHTLY)


def form_name(nc_year: int, form: int) -> str:
    """Name of a registration group: ``7B``."""
    return f"{nc_year_code(nc_year)}{FORM_LETTERS[form]}"


def form_number(view: SchoolView, nc_year: int, form: int) -> int:
    """Number of a registration group, new every year."""
    return (view.year - 2000) * 1000 + (nc_year + 2) * 30 + form


def form_staff(view: SchoolView, nc_year: int, form: int) -> list[Employee]:
    """The tutor of a registration group, if there is a teacher at all."""
    teachers = staff.teachers(view)
    return [teachers[(7 * (nc_year + 3) + form) % len(teachers)]] if teachers else []


def class_teachers(view: SchoolView, group: TeachingClass) -> list[Employee]:
    """Who teaches a class at present: somebody of the subject if there is one, a second teacher for one class in
    nine."""
    teachers = staff.teachers(view)
    if not teachers:
        return []
    own = [teacher for teacher in teachers if teacher.subject == group.subject] or teachers
    main = own[group.number % len(own)]
    second = teachers[(group.number * 7) % len(teachers)]
    return [main, second] if group.number % 9 == 0 and second is not main else [main]


def on_roll(view: SchoolView, group: TeachingClass) -> list[int]:
    """Members who are on roll now."""
    return [number for number in group.members if view.is_current[number]]


def subjects(view: SchoolView) -> range:
    """Numbers of the subjects taught."""
    return range(len(SUBJECTS)) if view.school.publishes_classes else range(0)


def periods(view: SchoolView) -> range:
    """Slots of the week (weekday * 5 + period), none where there is no timetable."""
    return range(len(WEEKDAYS) * PERIODS_A_DAY) if view.school.publishes_classes else range(0)


def period_name(slot: int) -> str:
    """``Mon:1``."""
    weekday, number = divmod(slot, PERIODS_A_DAY)
    return f"{WEEKDAYS[weekday][:3].capitalize()}:{number + 1}"


def rooms(view: SchoolView) -> range:
    """Numbers of the rooms."""
    return range(ROOMS) if view.school.publishes_classes else range(0)


def room_names(number: int) -> tuple[str, str]:
    """Code and name of a room."""
    return f"R{number + 1}", f"Room {number + 1}"


def day_number(day: date) -> int:
    """A number for each calendar day, from which those of dated periods and lessons follow."""
    return day.toordinal() - 738000


def period_instance(day: date, slot: int) -> int:
    """Number of a period on a day."""
    return day_number(day) * PERIODS_A_DAY + slot % PERIODS_A_DAY


class Lesson(NamedTuple):
    """A dated lesson: class, day and slot."""

    group: TeachingClass
    day: date
    slot: int


def lessons(view: SchoolView, after: datetime, before: datetime) -> list[Lesson]:
    """Lessons of this academic year that start at or after ``after`` and before ``before``, worked out from the
    weekly timetable."""
    by_weekday: dict[int, list[tuple[int, TeachingClass]]] = view.remember("slots", lambda: _by_weekday(view))
    found = []
    for day in register.open_days(view):
        if after.date() <= day <= before.date() and day < date(view.year + 1, 9, 1):
            for slot, group in by_weekday.get(day.weekday(), []):
                start = datetime.combine(day, time.fromisoformat(PERIOD_STARTS[slot % PERIODS_A_DAY]))
                if after <= start < before:
                    found.append(Lesson(group, day, slot))
    return found


def _by_weekday(view: SchoolView) -> dict[int, list[tuple[int, TeachingClass]]]:
    found: dict[int, list[tuple[int, TeachingClass]]] = {}
    for group in view.classes:
        for slot in group.slots:
            found.setdefault(slot // PERIODS_A_DAY, []).append((slot, group))
    for entries in found.values():
        entries.sort(key=lambda entry: (entry[0], entry[1].number))
    return found
