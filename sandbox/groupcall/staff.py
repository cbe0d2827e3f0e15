"""``Staff`` and ``StaffContracts`` (source_apis.md 2.8)."""

from __future__ import annotations

from datetime import date

from sandbox.facts import groups
from sandbox.facts import staff as facts
from sandbox.groupcall import ids
from sandbox.groupcall.wire import Request, Row, Sets, day_text, stamped
from sandbox.identity import Kind
from sandbox.staff import Employee, Role
from sandbox.view import SchoolView


def _known(view: SchoolView) -> list[Employee]:
    """Employments that had not ended before the previous academic year."""
    since = date(view.year - 1, 9, 1)
    known = (view.data.employees[number] for number in facts.known(view))
    return [employee for employee in known if employee.end is None or employee.end >= since]


def _status(view: SchoolView, employee: Employee) -> str:
    if facts.is_current(view, employee):
        return "Current"
    return "Future" if employee.start > view.clock.today else "Previous"


def _people(view: SchoolView) -> list[tuple[Employee, str]]:
    """One employment for each person, with its status: the present one, else the next, else the last."""
    order = {"Current": 0, "Future": 1, "Previous": 2}
    found: dict[str, tuple[Employee, str]] = {}
    for employee in _known(view):
        status = _status(view, employee)
        before = found.get(employee.mis_id)
        if before is None or order[status] <= order[before[1]]:
            found[employee.mis_id] = (employee, status)
    return sorted(found.values(), key=lambda pair: pair[0].number)


def staff(view: SchoolView, request: Request) -> Sets:
    """``Staff``: one row a person; those to come and those who left in the last two academic years by option."""
    shown = {"Current"}
    if request.option("includeFuture"):
        shown.add("Future")
    if request.option("includePrevious"):
        shown.add("Previous")
    wanted = request.text("staffStatus").lower()
    tutors = {
        teacher.number: groups.form_name(nc_year, form)
        for nc_year, form, _ in view.forms
        for teacher in groups.form_staff(view, nc_year, form)
    }
    return {
        "Staff": [
            _row(view, employee, status, tutors.get(employee.number))
            for employee, status in _people(view)
            if status in shown
            and (not wanted or status.lower() == wanted)
            and (employee.teacher or not request.option("teachersOnly"))
            and (not request.identifier or employee.mis_id == request.identifier)
            and request.is_news(facts.updated(view, employee.number))
        ]
    }


def _roles(view: SchoolView, employee: Employee) -> list[tuple[int, Role]]:
    """Roles that have begun, each with its place."""
    return [(place, role) for place, role in enumerate(employee.roles) if role.start <= view.clock.today]


def _row(view: SchoolView, employee: Employee, status: str, form: str | None) -> Row:
    row = ids.person(view, employee.mis_id, "PWT", employee)
    row |= {
        "Title": employee.title,
        "Suffix": None,
        "StaffCode": employee.staff_code,
        "StaffStatus": status,
        "Forename": employee.forename,
        "Surname": employee.surname,
        "DisplayName": f"{employee.title} {employee.forename[:1]} {employee.surname}",
        "WorkEmail": employee.email,
        "IdaasEmail": None,
        "WorkPhone": None,
    }
    if view.granted("StaffExtended"):
        row |= {
            "Gender": "F" if employee.female else "M",
            "MiddleName": employee.middle_names,
            "LegalForename": employee.legal_forename,
            "LegalSurname": employee.surname,
            "DateOfBirth": day_text(employee.birth),
            "MobilePhone": None,
        }
    if view.granted("StaffEmployment"):
        row |= {
            "PayrollNumber": None,
            # No number of this form is ever issued: the prefix QQ is kept for examples.
            "NINumber": f"QQ{employee.number:06d}A",
            "TeacherNumber": facts.teacher_number(employee),
            "EmploymentStart": day_text(employee.start),
            "EmploymentEnd": day_text(facts.ended(view, employee.end)),
            "Roles": ",".join(role.name for _, role in _roles(view, employee)),
        }
    row |= {"IsTeacher": int(employee.teacher), "IsSupport": int(not employee.teacher)}
    if view.granted("School"):
        row["RegGroup"] = form
    return stamped(row, facts.updated(view, employee.number))


def contracts(view: SchoolView, request: Request) -> Sets:
    """``StaffContracts`` and ``StaffRoles`` of employments that had not ended before the previous academic year."""
    wanted = request.text("staffId")
    held: list[Row] = []
    roles: list[Row] = []
    for employee in _known(view):
        if wanted and employee.mis_id != wanted:
            continue
        contract, updated = view.mis_id(Kind.CONTRACT, employee.number), facts.updated(view, employee.number)
        held.append(
            stamped(
                {
                    "Id": contract,
                    "StaffId": employee.mis_id,
                    "EmploymentType": employee.contract,
                    "ServiceTerm": "Teachers" if employee.teacher else "Support",
                    "Post": employee.roles[0].name,
                    "PostCategory": "Teacher" if employee.teacher else "Support",
                    "ContractStartDate": day_text(employee.start),
                    "ContractEndDate": day_text(facts.ended(view, employee.end)),
                    "ContractHoursPerWeek": 32.5,
                    "ContractWeeksPerYear": 39,
                    "ContractFTE": 1.0,
                },
                updated,
            )
        )
        roles += [
            stamped(
                {
                    "Id": view.mis_id(Kind.ROLE, 5 * employee.number + place),
                    "ContractId": contract,
                    "Role": role.name,
                    "RoleStartDate": day_text(role.start),
                    "RoleEndDate": day_text(facts.ended(view, role.end)),
                },
                updated,
            )
            for place, role in _roles(view, employee)
        ]
    return {"StaffContracts": held, "StaffRoles": roles}
