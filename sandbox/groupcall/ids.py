"""Ids as the partner writes them: the MIS's own numbers, and those of the partner beside them."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID, uuid5

from sandbox.facts import groups
from sandbox.groupcall.wire import Row
from sandbox.identity import Kind
from sandbox.pupils import Pupil
from sandbox.staff import Employee
from sandbox.timetable import TeachingClass
from sandbox.view import SchoolView

_GUIDS = UUID("5f6b2d0e-8a53-4d0f-9d8e-6f1f0a6f2c11")


def student_id(view: SchoolView, number: int) -> str:
    """``Id`` of an enrolment: the person's number in the MIS.

    Where somebody left and came back, the earlier enrolment has a number of its own (inferred).
    """
    pupil = view.data.pupils[number]
    return pupil.mis_id if pupil.returned_as is None else view.mis_id(Kind.STUDENT, number)


def student_numbers(view: SchoolView) -> dict[str, int]:
    """Numbers of all enrolments by their ids."""
    return view.remember(
        "xod student numbers", lambda: {student_id(view, pupil.number): pupil.number for pupil in view.data.pupils}
    )


def person(view: SchoolView, identifier: str, prefix: str, who: Pupil | Employee) -> Row:
    """The four ids of a person. ``ExternalId`` and ``IdaasId`` belong to the person, not to the enrolment."""
    return {
        "Id": identifier,
        "XID": _xid(view, f"{prefix}-{identifier}"),
        "ExternalId": str(uuid5(_GUIDS, who.upi)),
        "IdaasId": f"{prefix}-{who.mis_id}",
    }


def group(view: SchoolView, identifier: str, prefix: str) -> Row:
    """The four ids of a group."""
    idaas = f"{prefix}-{identifier}"
    return {
        "Id": identifier,
        "XID": _xid(view, idaas),
        "ExternalId": str(uuid5(_GUIDS, f"{view.school.id}/{idaas}")),
        "IdaasId": idaas,
    }


def _xid(view: SchoolView, text: str) -> str:
    return "x" + blake2b(f"{view.school.id}/{text}".encode(), digest_size=4).hexdigest().upper()


def year_id(view: SchoolView, nc_year: int) -> str:
    """Id of a year group; Year 7 is 36."""
    return view.mis_id(Kind.YEAR, nc_year)


def house_id(view: SchoolView, house: int) -> str:
    """Id of a house."""
    return view.mis_id(Kind.HOUSE, house)


def form_id(view: SchoolView, nc_year: int, form: int) -> str:
    """Id of a registration group."""
    return view.mis_id(Kind.GROUP, groups.form_number(view, nc_year, form))


def class_id(view: SchoolView, teaching: TeachingClass) -> str:
    """Id of a teaching class."""
    return view.mis_id(Kind.CLASS, teaching.number)
