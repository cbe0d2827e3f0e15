"""What is read of the partner's objects: the wanted fields, typed; msgspec passes over the rest.

Dates stay ``Raw``: they come as objects or as strings, and ``values.Days`` and ``Moments`` look their bytes up. A field
that a school did not grant is null, one of an include that its MIS does not have is absent; both read as None.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from orchestration.connectors.values import Code, Flag, Number

T = TypeVar("T")

_NULL = msgspec.Raw(b"null")


class One(msgspec.Struct, Generic[T]):
    """A related object in its envelope."""

    data: T | None = None


class Many(msgspec.Struct, Generic[T]):
    """Related objects in their envelope; ``data`` null means not granted, an empty list means none."""

    data: list[T] | None = None


class Reference(msgspec.Struct):
    """A relation sent as an object: bare, or in an envelope."""

    id: str | None = None
    data: Identified | None = None


class Identified(msgspec.Struct):
    """Another object of which only the id is wanted."""

    id: str


#: A relation: an id without the include, an object with it.
Relation = str | Reference | None


class Education(msgspec.Struct):
    upn: str | None = None
    former_upn: str | None = None
    learner_number: Code = None
    admission_number: Code = None
    current_nc_year: Code = None
    part_time: Flag = None
    admission_date: msgspec.Raw = _NULL
    leaving_date: msgspec.Raw = _NULL


class Address(msgspec.Struct):
    house_number: Code = None
    house_name: str | None = None
    street: str | None = None
    town: str | None = None
    county: str | None = None
    postcode: str | None = None


class Addresses(msgspec.Struct):
    home: Address | None = None
    postal: Address | None = None


class PupilContact(msgspec.Struct):
    addresses: Addresses | None = None


class Year(msgspec.Struct):
    code: Code = None


class Pupil(msgspec.Struct):
    id: str
    upi: str | None = None
    mis_id: Code = None
    forename: str | None = None
    middle_names: str | None = None
    surname: str | None = None
    legal_forename: str | None = None
    legal_surname: str | None = None
    gender: str | None = None
    date_of_birth: msgspec.Raw = _NULL
    updated_at: msgspec.Raw = _NULL
    education_details: One[Education] | None = None
    contact_details: One[PupilContact] | None = None
    year: One[Year] | None = None


class Census(msgspec.Struct):
    ethnicity: str | None = None
    first_language: str | None = None
    home_language: str | None = None
    english_as_additional_language: Flag = None
    english_as_additional_language_status: str | None = None
    sen_status: str | None = None
    free_school_meals: Flag = None
    free_school_meals_6: Flag = None
    premium_pupil_indicator: Flag = None
    in_lea_care: Flag = None
    ever_in_care: Flag = None
    service_children_indicator: Flag = None
    enrolment_status: Code = None


class SenNeed(msgspec.Struct):
    """Inferred shape (source_apis.md 1.6, I)."""

    id: str
    type: str | None = None
    code: str | None = None
    rank: Number = None
    start_date: msgspec.Raw = _NULL
    end_date: msgspec.Raw = _NULL


class DateRange(msgspec.Struct):
    """Inferred shape (source_apis.md 1.6, I); the code of a SEN range comes as ``code``, ``status`` or ``type``."""

    id: str
    code: str | None = None
    status: str | None = None
    type: str | None = None
    start_date: msgspec.Raw = _NULL
    end_date: msgspec.Raw = _NULL


class CensusPupil(msgspec.Struct):
    id: str
    updated_at: msgspec.Raw = _NULL
    extended_details: One[Census] | None = None
    sen_needs: Many[SenNeed] | None = None
    sen_date_ranges: Many[DateRange] | None = None
    fsm_date_ranges: Many[DateRange] | None = None
    in_care_date_ranges: Many[DateRange] | None = None


class Subject(msgspec.Struct):
    id: str
    code: Code = None
    name: str | None = None
    active: Flag = None
    updated_at: msgspec.Raw = _NULL


class TeacherRole(msgspec.Struct):
    is_main_teacher: Flag = None


class GroupTeacher(msgspec.Struct):
    id: str
    meta: TeacherRole | None = None


class TeachingClass(msgspec.Struct):
    id: str
    code: Code = None
    name: str | None = None
    subject: Relation = None
    academic_year: Code = None
    year_group: Code = None
    updated_at: msgspec.Raw = _NULL
    students: Many[Identified] | None = None
    employees: Many[GroupTeacher] | None = None


class Group(msgspec.Struct):
    id: str
    type: str | None = None
    code: Code = None
    name: str | None = None
    updated_at: msgspec.Raw = _NULL
    students: Many[Identified] | None = None
    employees: Many[GroupTeacher] | None = None


class AttendanceCode(msgspec.Struct):
    id: str
    code: str | None = None
    description: str | None = None
    type: str | None = None


class CodeReference(msgspec.Struct):
    """An attendance code sent as an object: bare, or in an envelope."""

    id: str | None = None
    code: str | None = None
    data: AttendanceCode | None = None


# gc=False: millions are made, none holds a cycle, and the collector would visit each.
class Mark(msgspec.Struct, gc=False):
    id: str
    student: Relation
    date: msgspec.Raw
    session: str | None
    attendance_code: str | CodeReference | None
    comment: str | None = None
    minutes_late: Number = None
    updated_at: msgspec.Raw = _NULL


class Exclusion(msgspec.Struct):
    """The include that was asked for decides which relation is there; how a leaver's key is spelt is not documented."""

    id: str
    type_code: Code = None
    reason_code: Code = None
    start_date: msgspec.Raw = _NULL
    start_session: str | None = None
    end_date: msgspec.Raw = _NULL
    end_session: str | None = None
    sessions: Number = None
    updated_at: msgspec.Raw = _NULL
    student: Relation = None
    leaver: Relation = msgspec.field(default=None, name="student-leaver")
    leaver_underscored: Relation = msgspec.field(default=None, name="student_leaver")


class Employment(msgspec.Struct):
    current: Flag = None
    teaching_staff: Flag = None
    employment_start_date: msgspec.Raw = _NULL
    employment_end_date: msgspec.Raw = _NULL


class Emails(msgspec.Struct):
    work: str | None = None
    email: str | None = None
    primary: str | None = None


class StaffContact(msgspec.Struct):
    emails: Emails | None = None


class Role(msgspec.Struct):
    id: str
    role: str | None = None
    role_code: Code = None
    start_date: msgspec.Raw = _NULL
    end_date: msgspec.Raw = _NULL


class Employee(msgspec.Struct):
    id: str
    upi: str | None = None
    mis_id: Code = None
    title: str | None = None
    forename: str | None = None
    surname: str | None = None
    updated_at: msgspec.Raw = _NULL
    employment_details: One[Employment] | None = None
    contact_details: One[StaffContact] | None = None
    roles: Many[Role] | None = None
