"""The resources of a school: which rows a request gets and how each is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from sandbox.facts import groups as facts_groups
from sandbox.facts import register, results
from sandbox.facts import staff as facts_staff
from sandbox.facts.exclusions import visible
from sandbox.timetable import SUBJECTS, TeachingClass
from sandbox.view import SchoolView
from sandbox.wonde import assessment, attendance, exclusions, groups, staff, students
from sandbox.wonde.paging import Request
from sandbox.wonde.wire import Row, Tree, parse_local

#: Any item that a resource's ``rows`` hands to its ``render``.
Item = Any


class Resource(NamedTuple):
    """One endpoint of a school.

    ``updated`` (None: the resource has no such filter) gives seconds UTC for ``updated_after`` and ``updated_before``.
    """

    scope: str
    rows: Callable[[SchoolView, Request], Sequence[Item]]
    render: Callable[[SchoolView, Item, Tree], Row]
    includes: Tree
    updated: Callable[[SchoolView, Item], int] | None = None
    largest_page: int = 500


def _student_updated(view: SchoolView, number: int) -> int:
    return int(view.pupil_updated[number])


def _constant(view: SchoolView, item: Item) -> int:
    return facts_groups.year_started(view)


def _classes(view: SchoolView, request: Request) -> Sequence[TeachingClass]:
    found = view.classes
    if (wanted := request.flag("has_students")) is not None:
        found = [group for group in found if bool(facts_groups.on_roll(view, group)) == wanted]
    if name := request.query.get("class_name"):
        found = [group for group in found if group.code == name]
    if subject := request.query.get("class_subject"):
        found = [
            group for group in found if subject in (groups.subject_id(view, group.subject), *SUBJECTS[group.subject])
        ]
    return found


def _groups(view: SchoolView, request: Request) -> Sequence[int]:
    # Every group here is a registration group with somebody in it.
    return (
        groups.groups(view)
        if request.query.get("type", "REGISTRATION") == "REGISTRATION" and request.flag("has_students") is not False
        else []
    )


def _subjects(view: SchoolView, request: Request) -> Sequence[int]:
    code, name = request.query.get("subject_code"), request.query.get("subject_name")
    return [
        number
        for number in facts_groups.subjects(view)
        if code in (None, SUBJECTS[number][0]) and name in (None, SUBJECTS[number][1])
    ]


def _lessons(view: SchoolView, request: Request) -> Sequence[facts_groups.Lesson]:
    # Without bounds a year of lessons would be worked out; the week up to today stands in for it.
    week_ago = datetime.combine(view.clock.today, time(0)) - timedelta(days=6)
    after, before = request.query.get("lessons_start_after"), request.query.get("lessons_start_before")
    start = parse_local("lessons_start_after", after) if after else week_ago
    end = parse_local("lessons_start_before", before) if before else start + timedelta(days=7)
    return facts_groups.lessons(view, start, end)


def _employees(view: SchoolView, request: Request) -> Sequence[int]:
    found = [view.data.employees[number] for number in facts_staff.known(view)]
    if after := request.query.get("employment_start_after"):
        found = [employee for employee in found if employee.start > parse_local("employment_start_after", after).date()]
    if before := request.query.get("employment_start_before"):
        found = [
            employee for employee in found if employee.start < parse_local("employment_start_before", before).date()
        ]
    if (wanted := request.flag("has_class")) is not None:
        teaching = {teacher.number for group in view.classes for teacher in facts_groups.class_teachers(view, group)}
        found = [employee for employee in found if (employee.number in teaching) == wanted]
    return [employee.number for employee in found]


RESOURCES: dict[str, Resource] = {
    "students": Resource(
        "students.read", lambda view, request: view.current, students.render, students.INCLUDES, _student_updated
    ),
    "students-leaver": Resource(
        "students-leaver.read", lambda view, request: view.leavers, students.render, students.INCLUDES, _student_updated
    ),
    "students-pre-admission": Resource(
        "students-pre-admission.read",
        lambda view, request: view.pre_admissions,
        students.render,
        students.INCLUDES,
        _student_updated,
    ),
    "classes": Resource("classes.read", _classes, groups.render_class, groups.CLASS_INCLUDES, _constant),
    "groups": Resource("groups.read", _groups, groups.render_group, groups.GROUP_INCLUDES, _constant),
    "subjects": Resource("subjects.read", _subjects, groups.render_subject, groups.SUBJECT_INCLUDES),
    "periods": Resource("periods.read", lambda view, request: facts_groups.periods(view), groups.render_period, {}),
    "rooms": Resource("rooms.read", lambda view, request: facts_groups.rooms(view), groups.render_room, {}),
    "lessons": Resource("lessons.read", _lessons, groups.render_lesson, groups.LESSON_INCLUDES),
    "assessment/aspects": Resource(
        "assessment.read", lambda view, request: results.aspects(view), assessment.render_aspect, {}
    ),
    "assessment/resultsets": Resource(
        "assessment.read", lambda view, request: results.result_sets(view), assessment.render_result_set, {}
    ),
    "assessment/results": Resource(
        "assessment.read",
        lambda view, request: results.known(view),
        assessment.render_result,
        assessment.RESULT_INCLUDES,
        lambda view, number: int(view.data.results.at[number]),
        largest_page=1000,
    ),
    "assessment/templates": Resource(
        "assessment.read", lambda view, request: range(len(results.TEMPLATES)), assessment.render_template, {}
    ),
    "assessment/marksheets": Resource(
        "assessment.read", lambda view, request: range(len(results.marksheets(view))), assessment.render_marksheet, {}
    ),
    "attendance-codes": Resource(
        "attendance.read", lambda view, request: attendance.codes(view), attendance.render_code, {}
    ),
    "attendance-summaries": Resource(
        "attendance.read", lambda view, request: view.current, attendance.render_summary, {}
    ),
    "attendance/absence": Resource(
        "attendance.read", lambda view, request: register.planned_absences(view), attendance.render_absence, {}
    ),
    "exclusions": Resource(
        "exclusions.read",
        lambda view, request: visible(view),
        exclusions.render,
        exclusions.INCLUDES,
        exclusions.updated,
    ),
    "employees": Resource("employees.read", _employees, staff.render, staff.INCLUDES, facts_staff.updated),
}

#: Marks are served by ``sandbox.wonde.attendance`` itself: endpoint -> whether it holds leavers' marks.
MARKS: dict[str, bool] = {"attendance/session": False, "attendance-leavers/session": True}
#: Pages of marks may be larger than those of other resources.
LARGEST_MARK_PAGE = 1000
