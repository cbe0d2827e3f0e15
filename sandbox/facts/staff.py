"""Who is, was and will be employed."""

from __future__ import annotations

from datetime import date

from sandbox.staff import Employee
from sandbox.view import SchoolView


def known(view: SchoolView) -> list[int]:
    """Numbers of everybody the partner knows, those who left included."""
    return [employee.number for employee in view.data.employees if employee.created <= view.clock.now]


def teachers(view: SchoolView) -> list[Employee]:
    """Teachers employed today."""
    return view.remember(
        "teachers",
        lambda: [employee for employee in view.data.employees if employee.teacher and is_current(view, employee)],
    )


def is_current(view: SchoolView, employee: Employee) -> bool:
    """Whether employed today."""
    return employee.start <= view.clock.today and (employee.end is None or employee.end >= view.clock.today)


def ended(view: SchoolView, day: date | None) -> date | None:
    """The last day of a contract or role, if it has come."""
    return day if day and day <= view.clock.today else None


def updated(view: SchoolView, number: int) -> int:
    """When an employee's record last changed, seconds UTC."""
    employee = view.data.employees[number]
    return view.updated(employee.created, employee.events)


def teacher_number(employee: Employee) -> str | None:
    """The number that the department gives to teachers."""
    return f"{7000000 + 31 * employee.number}" if employee.teacher else None
