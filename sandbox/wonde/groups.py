"""``classes``, ``groups``, ``subjects``, ``periods``, ``rooms`` and ``lessons``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sandbox.calendar import academic_year_name, epoch
from sandbox.facts import groups as facts
from sandbox.identity import Kind
from sandbox.pupils import NIGHTLY
from sandbox.staff import Employee
from sandbox.timetable import PERIOD_ENDS, PERIOD_STARTS, PERIODS_A_DAY, SUBJECTS, WEEKDAYS, TeachingClass
from sandbox.view import SchoolView
from sandbox.wonde import people, staff, students
from sandbox.wonde.scopes import RELATION_SCOPES
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


# -- years, houses, registration groups --------------------------------------------------------------------------------


def year_group(view: SchoolView, nc_year: int, branch: Tree) -> Row:
    """The ``year`` of a student."""
    code = facts.nc_year_code(nc_year)
    name = {"N1": "Nursery 1", "N2": "Nursery 2", "R": "Reception"}.get(code, f"Year {code}")
    row: Row = {"id": view.partner_id(Kind.YEAR, 100007 + nc_year), "code": code, "name": name}
    return row | {"employees": nested([])} if "employees" in branch else row


def house(view: SchoolView, number: int) -> Row:
    """The ``house`` of a student."""
    return {
        "id": view.partner_id(Kind.HOUSE, 100001 + number),
        "code": facts.HOUSES[number][:1],
        "name": facts.HOUSES[number],
    }


def form_id(view: SchoolView, nc_year: int, form: int) -> str:
    """Partner id of a registration group, new every year."""
    return view.partner_id(Kind.GROUP, 100000 + facts.form_number(view, nc_year, form))


def form_reference(view: SchoolView, nc_year: int, form: int, branch: Tree) -> Row:
    """The ``registration`` of a student."""
    name = facts.form_name(nc_year, form)
    row: Row = {"id": form_id(view, nc_year, form), "code": name, "name": name}
    return (
        row | {"employees": nested(_people(view, facts.form_staff(view, nc_year, form), branch["employees"]))}
        if "employees" in branch
        else row
    )


def groups(view: SchoolView) -> Sequence[int]:
    """Places of the registration groups in ``view.forms``."""
    return range(len(view.forms))


def render_group(view: SchoolView, place: int, includes: Tree) -> Row:
    """One registration group."""
    nc_year, form, members = view.forms[place]
    reference = form_reference(view, nc_year, form, {})
    began = utc_time(facts.year_started(view))
    row: Row = {
        "id": reference["id"],
        "mis_id": view.mis_id(Kind.GROUP, facts.form_number(view, nc_year, form)),
        "name": reference["name"],
        "code": reference["code"],
        "type": "REGISTRATION",
        "description": None,
        "notes": None,
        "restored_at": None,
        "created_at": began,
        "updated_at": began,
    }
    _relations(view, row, includes, members, facts.form_staff(view, nc_year, form))
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
        (staff.render(view, teacher.number, branch) if branch else staff.reference(view, teacher))
        | {"meta": {"is_main_teacher": place == 0}}
        for place, teacher in enumerate(taught_by)
    ]


# -- classes and subjects ----------------------------------------------------------------------------------------------


def class_id(view: SchoolView, group: TeachingClass) -> str:
    """Partner id of a class."""
    return view.partner_id(Kind.CLASS, 100011 + group.number)


def subject_id(view: SchoolView, number: int) -> str:
    """Partner id of a subject."""
    return view.partner_id(Kind.SUBJECT, 100001 + number)


def render_class(view: SchoolView, group: TeachingClass, includes: Tree) -> Row:
    """One teaching class."""
    began = utc_time(facts.year_started(view))
    row: Row = {
        "id": class_id(view, group),
        "mis_id": view.mis_id(Kind.CLASS, group.number),
        "type": "class",
        "name": group.code,
        "code": group.code,
        "description": group.code,
        "subject": subject_id(view, group.subject),
        "alternative": False,
        "priority": None,
        "academic_year": academic_year_name(group.year),
        "year_group": facts.nc_year_code(group.nc_year),
        "restored_at": None,
        "created_at": began,
        "updated_at": began,
    }
    if "subject" in includes:
        row["subject"] = nested(_subject(view, group.subject)) if view.granted("subjects.read") else None
    _relations(view, row, includes, facts.on_roll(view, group), facts.class_teachers(view, group))
    if "lessons" in includes:
        # The week ahead: a year of lessons inside every class would not fit an answer.
        start = datetime.combine(view.clock.today, time(0))
        found = [
            lesson
            for lesson in facts.lessons(view, start, start + timedelta(days=7))
            if lesson.group.number == group.number
        ]
        row["lessons"] = (
            nested([render_lesson(view, lesson, includes["lessons"]) for lesson in found])
            if view.granted("lessons.read")
            else None
        )
    return row


def _subject(view: SchoolView, number: int) -> Row:
    code, name = SUBJECTS[number]
    return {
        "id": subject_id(view, number),
        "mis_id": view.mis_id(Kind.SUBJECT, number),
        "code": code,
        "name": name,
        "active": True,
    }


def render_subject(view: SchoolView, number: int, includes: Tree) -> Row:
    """One subject."""
    began = utc_time(epoch(date(view.data.years[0], 8, 28), NIGHTLY))
    row = _subject(view, number) | {"created_at": began, "updated_at": began}
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
        "id": view.partner_id(Kind.PERIOD, 100001 + slot),
        "mis_id": view.mis_id(Kind.PERIOD, slot),
        "name": facts.period_name(slot),
        "description": f"{day.capitalize()} period {number + 1}",
        "day": day,
        "day_number": weekday + 1,
        "start_time": PERIOD_STARTS[number],
        "end_time": PERIOD_ENDS[number],
    }


def render_room(view: SchoolView, number: int, includes: Tree) -> Row:
    """One room."""
    code, name = facts.room_names(number)
    return {
        "id": view.partner_id(Kind.ROOM, 100001 + number),
        "mis_id": view.mis_id(Kind.ROOM, number),
        "code": code,
        "name": name,
    }


def render_lesson(view: SchoolView, lesson: facts.Lesson, includes: Tree) -> Row:
    """One lesson; relations are ids unless included."""
    group, day, slot = lesson
    number = facts.day_number(day) * 10000 + group.number
    teacher = next(iter(facts.class_teachers(view, group)), None)
    began = utc_time(facts.year_started(view))
    room, period = render_room(view, group.room, {}), render_period(view, slot, {})
    row: Row = {
        "id": view.partner_id(Kind.LESSON, number * 25 + slot),
        "mis_id": view.mis_id(Kind.LESSON, number),
        "room": room["id"],
        "period": period["id"],
        "period_instance_id": facts.period_instance(day, slot),
        "employee_id": staff.employee_id(view, teacher.number) if teacher else None,
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
            nested(staff.reference(view, teacher) if teacher else None) if view.granted("employees.read") else None
        )
    return row
