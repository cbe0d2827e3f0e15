"""What students and employees have in common on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.identity import Kind
from sandbox.pupils import Pupil
from sandbox.staff import Employee
from sandbox.view import SchoolView
from sandbox.wonde.wire import Row, local_date


def student_id(view: SchoolView, number: int) -> str:
    """Partner id of a pupil's enrolment."""
    return view.partner_id(Kind.STUDENT, 300040 + number)


def student_reference(view: SchoolView, number: int) -> Row:
    """A pupil as it appears inside a class, group or exclusion."""
    pupil = view.data.pupils[number]
    return {
        "id": student_id(view, number),
        "upi": pupil.upi,
        "mis_id": pupil.mis_id,
        "surname": pupil.surname,
        "forename": pupil.forename,
    }


def base(view: SchoolView, identifier: str, person: Pupil | Employee) -> Row:
    """Name, sex and birth of a person.

    Gender is upper case as in live data, lower case where the MIS sends birth as text.
    """
    gender = "FEMALE" if person.female else "MALE"
    return {
        "id": identifier,
        "upi": person.upi,
        "mis_id": person.mis_id,
        "title": person.title,
        "initials": person.forename[:1] + person.surname[:1],
        "surname": person.surname,
        "forename": person.forename,
        "middle_names": person.middle_names,
        "legal_surname": person.surname,
        "legal_forename": person.legal_forename,
        "gender": gender.lower() if view.mis.birth_text else gender,
        "gender_identity": None,
        "date_of_birth": person.birth.isoformat() if view.mis.birth_text else local_date(person.birth),
    }


def hide(
    view: SchoolView, row: Row, resource: str, properties: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
) -> None:
    """Put null for every property of ``resource`` whose scope is switched off."""
    for scope in view.denied:
        if not scope.startswith(f"{resource}.") or scope not in properties:
            continue
        for include, keys in properties[scope]:
            for key in keys:
                if include in ("", key):
                    if key in row:
                        row[key] = None
                elif row.get(include):
                    row[include]["data"][key] = None
