"""``employees``."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.facts import staff as facts
from sandbox.identity import Kind
from sandbox.staff import Employee
from sandbox.view import SchoolView
from sandbox.wonde import people
from sandbox.wonde.scopes import PROPERTIES
from sandbox.wonde.wire import Row, Tree, local_date, nested, utc_time

INCLUDES: Tree = {
    "employment_details": {},
    "contracts": {},
    "roles": {},
    "contact_details": {},
    "extended_details": {},
    "identifiers": {},
}


def employee_id(view: SchoolView, number: int) -> str:
    """Partner id of an employment."""
    return view.partner_id(Kind.EMPLOYEE, 100003 + number)


def reference(view: SchoolView, employee: Employee) -> Row:
    """An employee as it appears inside a class or group."""
    return {
        "id": employee_id(view, employee.number),
        "upi": employee.upi,
        "mis_id": employee.mis_id,
        "surname": employee.surname,
        "forename": employee.forename,
    }


def render(view: SchoolView, number: int, includes: Tree) -> Row:
    """One employee."""
    employee = view.data.employees[number]
    row = people.base(view, employee_id(view, number), employee)
    row["restored_at"] = None
    row["created_at"] = utc_time(employee.created)
    row["updated_at"] = utc_time(facts.updated(view, number))
    for name in includes:
        row[name] = nested(_RELATIONS[name](view, employee))
    people.hide(view, row, "employees", PROPERTIES)
    return row


def _employment_details(view: SchoolView, employee: Employee) -> Row:
    return {
        "current": facts.is_current(view, employee),
        "teaching_staff": employee.teacher,
        "teacher_number": facts.teacher_number(employee),
        "staff_code": employee.staff_code,
        "employment_start_date": local_date(employee.start),
        "employment_end_date": local_date(facts.ended(view, employee.end)),
        "local_authority_start_date": None,
        "employee_payroll_number": None,
        "qualified_teacher_status": employee.teacher,
        "qualified_teacher_status_route": None,
        "higher_level_teaching_assistant_status": False,
        "role_text": employee.roles[0].name,
    }


def _contract_id(view: SchoolView, employee: Employee) -> str:
    return view.partner_id(Kind.CONTRACT, 100001 + employee.number)


def _contracts(view: SchoolView, employee: Employee) -> list[Row]:
    return [
        {
            "id": _contract_id(view, employee),
            "mis_id": view.mis_id(Kind.CONTRACT, employee.number),
            "start_date": local_date(employee.start),
            "end_date": local_date(facts.ended(view, employee.end)),
            "employment_type": employee.contract,
        }
    ]


def _roles(view: SchoolView, employee: Employee) -> list[Row]:
    return [
        {
            "id": view.partner_id(Kind.ROLE, 100001 + 5 * employee.number + place),
            "mis_id": view.mis_id(Kind.ROLE, 5 * employee.number + place),
            "role": role.name,
            "role_code": role.code,
            "contract": _contract_id(view, employee),
            "start_date": local_date(role.start),
            "end_date": local_date(facts.ended(view, role.end)),
        }
        for place, role in enumerate(employee.roles)
        if role.start <= view.clock.today
    ]


def _contact_details(view: SchoolView, employee: Employee) -> Row:
    return {
        "phones": {"phone": None, "primary": None, "home": None, "work": None, "mobile": None},
        "emails": {"email": employee.email, "primary": employee.email, "home": None, "work": employee.email},
        "addresses": {"home": None, "work": None, "postal": None},
        "salutation": f"{employee.title} {employee.surname}",
    }


_RELATIONS: dict[str, Callable[[SchoolView, Employee], object]] = {
    "employment_details": _employment_details,
    "contracts": _contracts,
    "roles": _roles,
    "contact_details": _contact_details,
    "extended_details": lambda view, employee: {"religion": None, "ethnicity": None},
    "identifiers": lambda view, employee: {
        "barcode": None,
        "username": employee.staff_code.lower(),
        "passport_number": None,
    },
}
