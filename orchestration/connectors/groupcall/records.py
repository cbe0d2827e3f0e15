"""What is read of the partner's rows: the wanted columns, typed, spelt as the partner documents them; msgspec passes
over the rest (source_apis.md 2.4 - 2.8).

A column of a scope that the school did not grant is absent and reads as None. Dates stay ``Raw`` for ``values.Days``
and ``Moments``. Ids come as text though they are documented as numbers (R), so both are taken.
"""

from __future__ import annotations

import msgspec

from orchestration.connectors.values import Code as Coded
from orchestration.connectors.values import Flag, Number

_NULL = msgspec.Raw(b"null")

#: What identifies a row, or a row it belongs to.
Key = str | int


class Identified(msgspec.Struct):
    """A row of which only the key is wanted: a deleted one, an aspect to ask results for."""

    Id: Key


class Pupil(msgspec.Struct):
    Id: Key
    IdaasId: Coded = None
    Forename: str | None = None
    Surname: str | None = None
    MiddleName: str | None = None
    LegalForename: str | None = None
    LegalSurname: str | None = None
    Gender: str | None = None
    DateofBirth: msgspec.Raw = _NULL
    UPN: str | None = None
    FormerUPN: str | None = None
    UniqueLearnerNumber: Coded = None
    AdmissionNo: Coded = None
    YearGroup: Coded = None
    EntryDate: msgspec.Raw = _NULL
    LeavingDate: msgspec.Raw = _NULL
    Apartment: Coded = None
    HouseName: Coded = None
    HouseNo: Coded = None
    Street: str | None = None
    TownOrCity: str | None = None
    County: str | None = None
    PostCode: str | None = None
    StudentStatus: str | None = None
    LastUpdated: msgspec.Raw = _NULL


class Census(msgspec.Struct):
    Id: Key
    EthnicityCode: str | None = None
    Ethnicity: str | None = None
    FirstLanguageCode: str | None = None
    FirstLanguage: str | None = None
    HomeLanguageCode: str | None = None
    HomeLanguage: str | None = None
    EAL: Flag = None
    EnglishProficiencyLevel: str | None = None
    SENProvision: str | None = None
    FSMEligible: Flag = None
    FSMEver6: Flag = None
    PupilPremium: Flag = None
    InLeaCare: Flag = None
    EverInCare: Flag = None
    ServiceChild: Flag = None
    EnrolmentStatus: str | None = None
    StudentStatus: str | None = None
    LastUpdated: msgspec.Raw = _NULL


class Need(msgspec.Struct):
    Id: Key
    StudentMis_Id: Coded = None
    NeedTypeCode: str | None = None
    NeedTypeDescription: str | None = None
    Rank: Number = None
    NeedStartDate: msgspec.Raw = _NULL
    NeedEndDate: msgspec.Raw = _NULL


class Provision(msgspec.Struct):
    Id: Key
    StudentMis_Id: Coded = None
    SENProvisionCode: str | None = None
    SENProvisionDescription: str | None = None
    SENProvisionStartDate: msgspec.Raw = _NULL
    SENProvisionEndDate: msgspec.Raw = _NULL


class EntitlementGroup(msgspec.Struct):
    Id: Key
    Shortname: str | None = None
    Fullname: str | None = None


class Entitlement(msgspec.Struct):
    Id: Key
    EntitlementGroupId: Coded = None
    StudentId: Coded = None
    StartDate: msgspec.Raw = _NULL
    EndDate: msgspec.Raw = _NULL


class Group(msgspec.Struct):
    Id: Key
    Type: str | None = None
    Code: Coded = None
    Name: Coded = None
    PrimaryStaffId: Coded = None
    SubjectLocalId: Coded = None
    SubjectCode: Coded = None
    SubjectName: str | None = None
    LastUpdated: msgspec.Raw = _NULL


class StudentMember(msgspec.Struct):
    GroupId: Key
    StudentId: Key


class StaffMember(msgspec.Struct):
    GroupId: Key
    StaffId: Key


class Aspect(msgspec.Struct):
    Id: Key
    Name: str | None = None
    AspectType: str | None = None


class ResultSet(msgspec.Struct):
    Id: Key
    Name: str | None = None


class Result(msgspec.Struct):
    Id: Key
    StudentId: Coded = None
    AspectId: Coded = None
    ResultSetId: Coded = None
    Result: str | int | float | None = None
    ResultDate: msgspec.Raw = _NULL


class AttendanceCode(msgspec.Struct):
    Mark: str
    Description: str | None = None
    MeaningDescription: str | None = None


# gc=False: millions are made, none holds a cycle, and the collector would visit each.
class Mark(msgspec.Struct, gc=False):
    Id: Key
    StudentId: Key
    Date: msgspec.Raw
    Session: str | None = None
    Mark: str | None = None
    MinsLate: Number = None
    Notes: str | None = None


class Exclusion(msgspec.Struct):
    Id: Key
    StudentId: Coded = None
    ExclusionTypeCode: Coded = None
    ExclusionReasonCode: Coded = None
    ExclusionSessions: Number = None
    StartDate: msgspec.Raw = _NULL
    EndDate: msgspec.Raw = _NULL
    StartSession: str | None = None
    EndSession: str | None = None
    LastUpdated: msgspec.Raw = _NULL


class StaffPerson(msgspec.Struct):
    Id: Key
    IdaasId: Coded = None
    Title: str | None = None
    Forename: str | None = None
    Surname: str | None = None
    WorkEmail: str | None = None
    StaffStatus: str | None = None
    IsTeacher: Flag = None
    EmploymentStart: msgspec.Raw = _NULL
    EmploymentEnd: msgspec.Raw = _NULL
    LastUpdated: msgspec.Raw = _NULL


class Contract(msgspec.Struct):
    Id: Key
    StaffId: Key


class Role(msgspec.Struct):
    Id: Key
    ContractId: Key
    Role: str | None = None
    RoleStartDate: msgspec.Raw = _NULL
    RoleEndDate: msgspec.Raw = _NULL


class SchoolInfo(msgspec.Struct):
    Name: str | None = None
    Phase: str | None = None


def columns(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The partner's names of the columns that a record reads."""
    return record.__struct_encode_fields__
