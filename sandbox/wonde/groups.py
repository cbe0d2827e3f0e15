"""``classes``, ``groups``, ``subjects``, ``periods``, ``rooms`` and ``lessons``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sandbox.calendar import academic_year_name, epoch
from sandbox.identity import Kind, partner_id
from sandbox.pupils import NIGHTLY
from sandbox.staff import Employee
from sandbox.timetable import (
    FORM_LETTERS,
    PERIOD_ENDS,
    PERIOD_STARTS,
    PERIODS_A_DAY,
    ROOMS,
    SUBJECTS,
    WEEKDAYS,
    TeachingClass,
)
from sandbox.wonde import people, staff, students
from sandbox.wonde.scopes import RELATION_SCOPES
from sandbox.wonde.view import SchoolView
from sandbox.wonde.wire import Row, Tree, local_time, nested, utc_time

_STUDENT_RELATIONS: Tree = {
    "education_details": {},
    "extended_details": {},
    "contact_details": {},
    "year": {},
    "registration": {},
    "house": {},
}
_EMPLOYEE_RELATIONS: Tree = {"contact_details": {}, "employment_details": {}}
CLASS_INCLUDES: Tree = {
    "subject": {},
    "students": _STUDENT_RELATIONS,
    "employees": _EMPLOYEE_RELATIONS,
    "lessons": {"room": {}, "period": {}},
}
GROUP_INCLUDES: Tree = {"students": _STUDENT_RELATIONS, "employees": _EMPLOYEE_RELATIONS}
SUBJECT_INCLUDES: Tree = {"classes": {"lessons": {"room": {}, "period": {}}}}
LESSON_INCLUDES: Tree = {"class": {}, "employee": {}, "period": {}, "room": {}}
HOUSES = ("Alder", "Birch", "Cedar", "Damson")


def year_started(view: SchoolView) -> int:
    """When this year's classes and groups were first seen."""
    return (
        epoch(date(view.year, 8, 28), NIGHTLY)
        if view.year > view.data.years[0]
        else epoch(date(view.year, 8, 30), NIGHTLY)
    )


# -- years, houses, registration groups --------------------------------------------------------------------------------


def year_group(view: SchoolView, nc_year: int, branch: Tree) -> Row:
    """The ``year`` of a student."""
    code = students.nc_year_code(nc_year)
    name = {"N1": "Nursery 1", "N2": "Nursery 2", "R": "Reception"}.get(code, f"Year {code}")
    row: Row = {"id": partner_id(Kind.YEAR, 100007 + nc_year), "code": code, "name": name}
    return row | {"employees": nested([])} if "employees" in branch else row


def house(number: int) -> Row:
    """The ``house`` of a student."""
    return {"id": partner_id(Kind.HOUSE, 100001 + number), "code": HOUSES[number][:1], "name": HOUSES[number]}


def form_id(view: SchoolView, nc_year: int, form: int) -> str:
    """Partner id of a registration group, new every year."""
    return partner_id(Kind.GROUP, 100000 + (view.year - 2000) * 1000 + (nc_year + 2) * 30 + form)


def form_reference(view: SchoolView, nc_year: int, form: int, branch: Tree) -> Row:
    """The ``registration`` of a student."""
    name = f"{students.nc_year_code(nc_year)}{FORM_LETTERS[form]}"
    row: Row = {"id": form_id(view, nc_year, form), "code": name, "name": name}
    return (
        row | {"employees": nested(_people(view, _form_staff(view, nc_year, form), branch["employees"]))}
        if "employees" in branch
        else row
    )


def _form_staff(view: SchoolView, nc_year: int, form: int) -> list[Employee]:
    teachers = staff.teachers(view)
    return [teachers[(7 * (nc_year + 3) + form) % len(teachers)]] if teachers else []


def groups(view: SchoolView) -> Sequence[int]:
    """Places of the registration groups in ``view.forms``."""
    return range(len(view.forms))


def render_group(view: SchoolView, place: int, includes: Tree) -> Row:
    """One registration group."""
    nc_year, form, members = view.forms[place]
    reference = form_reference(view, nc_year, form, {})
    began = utc_time(year_started(view))
    row: Row = {
        "id": reference["id"],
        "mis_id": str(188 + place),
        "name": reference["name"],
        "code": reference["code"],
        "type": "REGISTRATION",
        "description": None,
        "notes": None,
        "restored_at": None,
        "created_at": began,
        "updated_at": began,
    }
    _relations(view, row, includes, members, _form_staff(view, nc_year, form))
    return row


def _relations(view: SchoolView, row: Row, includes: Tree, members: list[int], taught_by: list[Employee]) -> None:
    for name in ("students", "employees"):
        if name in includes:
            if not view.granted(RELATION_SCOPES[name]):
                row[name] = None
            elif name == "students":
                row[name] = nested([_student(view, number, includes[name]) for number in members])
            else:
                row[name] = nested(_people(view, taught_by, includes[name]))


def _student(view: SchoolView, number: int, branch: Tree) -> Row:
    return students.render(view, number, branch) if branch else people.student_reference(view, number)


def _people(view: SchoolView, taught_by: list[Employee], branch: Tree) -> list[Row]:
    return [
        (staff.render(view, teacher.number, branch) if branch else staff.reference(teacher))
        | {"meta": {"is_main_teacher": place == 0}}
        for place, teacher in enumerate(taught_by)
    ]


# -- classes and subjects ----------------------------------------------------------------------------------------------


def class_id(group: TeachingClass) -> str:
    """Partner id of a class."""
    return partner_id(Kind.CLASS, 100011 + group.number)


def subject_id(number: int) -> str:
    """Partner id of a subject."""
    return partner_id(Kind.SUBJECT, 100001 + number)


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


def render_class(view: SchoolView, group: TeachingClass, includes: Tree) -> Row:
    """One teaching class."""
    began = utc_time(year_started(view))
    row: Row = {
        "id": class_id(group),
        "mis_id": str(9929 + group.number),
        "type": "class",
        "name": group.code,
        "code": group.code,
        "description": group.code,
        "subject": subject_id(group.subject),
        "alternative": False,
        "priority": None,
        "academic_year": academic_year_name(group.year),
        "year_group": students.nc_year_code(group.nc_year),
        "restored_at": None,
        "created_at": began,
        "updated_at": began,
    }
    if "subject" in includes:
        row["subject"] = nested(_subject(group.subject)) if view.granted("subjects.read") else None
    _relations(view, row, includes, on_roll(view, group), class_teachers(view, group))
    if "lessons" in includes:
        # The week ahead: a year of lessons inside every class would not fit an answer.
        start = datetime.combine(view.clock.today, time(0))
        found = [
            lesson for lesson in lessons(view, start, start + timedelta(days=7)) if lesson.group.number == group.number
        ]
        row["lessons"] = (
            nested([render_lesson(view, lesson, includes["lessons"]) for lesson in found])
            if view.granted("lessons.read")
            else None
        )
    return row


def _subject(number: int) -> Row:
    code, name = SUBJECTS[number]
    return {"id": subject_id(number), "mis_id": str(520 + number), "code": code, "name": name, "active": True}


def subjects(view: SchoolView) -> Sequence[int]:
    """Numbers of the subjects taught."""
    return range(len(SUBJECTS)) if view.school.publishes_classes else range(0)


def render_subject(view: SchoolView, number: int, includes: Tree) -> Row:
    """One subject."""
    began = utc_time(epoch(date(view.data.years[0], 8, 28), NIGHTLY))
    row = _subject(number) | {"created_at": began, "updated_at": began}
    if "classes" in includes:
        mine = [group for group in view.classes if group.subject == number]
        row["classes"] = (
            nested([render_class(view, group, includes["classes"]) for group in mine])
            if view.granted("classes.read")
            else None
        )
    return row


# -- periods, rooms, lessons -------------------------------------------------------------------------------------------


def render_period(view: SchoolView, slot: int, includes: Tree) -> Row:
    """One period of the week; ``slot`` is weekday * 5 + period."""
    weekday, number = divmod(slot, PERIODS_A_DAY)
    day = WEEKDAYS[weekday]
    return {
        "id": partner_id(Kind.PERIOD, 100001 + slot),
        "mis_id": str(191 + slot),
        "name": f"{day[:3].capitalize()}:{number + 1}",
        "description": f"{day.capitalize()} period {number + 1}",
        "day": day,
        "day_number": weekday + 1,
        "start_time": PERIOD_STARTS[number],
        "end_time": PERIOD_ENDS[number],
    }


def periods(view: SchoolView) -> Sequence[int]:
    """Slots of the week, none where there is no timetable."""
    return range(len(WEEKDAYS) * PERIODS_A_DAY) if view.school.publishes_classes else range(0)


def render_room(view: SchoolView, number: int, includes: Tree) -> Row:
    """One room."""
    return {
        "id": partner_id(Kind.ROOM, 100001 + number),
        "mis_id": str(24 + number),
        "code": f"R{number + 1}",
        "name": f"Room {number + 1}",
    }


def rooms(view: SchoolView) -> Sequence[int]:
    """Numbers of the rooms."""
    return range(ROOMS) if view.school.publishes_classes else range(0)


class Lesson(NamedTuple):
    """A dated lesson: class, day and slot."""

    group: TeachingClass
    day: date
    slot: int


def lessons(view: SchoolView, after: datetime, before: datetime) -> list[Lesson]:
    """Lessons of this academic year that start at or after ``after`` and before ``before``, worked out from the
    weekly timetable."""
    by_weekday: dict[int, list[tuple[int, TeachingClass]]] = view.remember("slots", lambda: _by_weekday(view))
    open_days = view.remember(
        "open days",
        lambda: sorted(
            {session.day for session in view.data.register.sessions if session.day >= date(view.year, 9, 1)}
        ),
    )
    found = []
    for day in open_days:
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


def render_lesson(view: SchoolView, lesson: Lesson, includes: Tree) -> Row:
    """One lesson; relations are ids unless included."""
    group, day, slot = lesson
    number = (day.toordinal() - 738000) * 10000 + group.number
    teacher = next(iter(class_teachers(view, group)), None)
    began = utc_time(year_started(view))
    room, period = render_room(view, group.room, {}), render_period(view, slot, {})
    row: Row = {
        "id": partner_id(Kind.LESSON, number * 25 + slot),
        "mis_id": str(46000 + number),
        "room": room["id"],
        "period": period["id"],
        "period_instance_id": (day.toordinal() - 738000) * PERIODS_A_DAY + slot % PERIODS_A_DAY,
        "employee_id": staff.employee_id(teacher.number) if teacher else None,
        "alternative": False,
        "day_number": day.weekday() + 1,
        "start_at": local_time(day, PERIOD_STARTS[slot % PERIODS_A_DAY]),
        "end_at": local_time(day, PERIOD_ENDS[slot % PERIODS_A_DAY]),
        "created_at": began,
        "updated_at": began,
    }
    if "room" in includes:
        row["room"] = nested(room) if view.granted("rooms.read") else None
    if "period" in includes:
        row["period"] = nested(period) if view.granted("periods.read") else None
    if "class" in includes:
        row["class"] = nested(render_class(view, group, {})) if view.granted("classes.read") else None
    if "employee" in includes:
        row["employee"] = (
            nested(staff.reference(teacher) if teacher else None) if view.granted("employees.read") else None
        )
    return row
