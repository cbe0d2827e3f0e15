"""One row of each result set in the form that XoD documents or was seen to send (source_apis.md 2.4 - 2.8), with
overrides.
"""

from __future__ import annotations

import json
from typing import Any

from orchestration.connectors.base import BadRow, Decoder, Row

Json = dict[str, Any]


def meta(moment: str = "2025-09-14T02:07:21.03") -> list[Json]:
    return [{"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": moment}]


def body(at: str | None = "2025-09-14T02:07:21.03", **sets: Any) -> bytes:
    """An answer with these result sets, as of a school-local moment; without one its ``meta`` is empty."""
    return json.dumps({**sets, "meta": meta(at) if at else []}).encode()


def decoded(decoder: Decoder, stream: str, **sets: Any) -> tuple[dict[str, list[Row]], list[BadRow]]:
    """The rows by table, and the bad rows, of one page."""
    page = decoder.decode(stream, body(**sets))
    return {rows.table: rows.rows for rows in page.rows}, page.bad


def student(**fields: Any) -> Json:
    return {
        "Id": "7010",
        "XID": "xAB12CD",
        "ExternalId": "00000000-0000-4000-8000-000000007010",
        "IdaasId": "PL-7010",
        "Forename": "Ana",
        "Surname": "Beck",
        "DisplayName": "Ana Beck",
        "AdmissionNo": "005120",
        "Gender": "F",
        "RegGroupId": "188",
        "RegGroup": "7B",
        "YearGroup": "Year  7",
        "DateofBirth": "2013-11-05",
        "UniqueLearnerNumber": None,
        "MiddleName": None,
        "EnrolmentStatus": "C",
        "LegalForename": "Anastasia",
        "LegalSurname": "Beck",
        "EntryDate": "2025-09-01",
        "LeavingDate": None,
        "SENProvision": "K",
        "FSMEligible": 1,
        "PupilPremium": 1,
        "EAL": 0,
        "FSMEver6": 1,
        "ServiceChild": "0",
        "InLeaCare": 0,
        "EverInCare": 0,
        "EthnicityCode": "WENG",
        "Ethnicity": "White - English",
        "FirstLanguage": "English",
        "FirstLanguageCode": "ENG",
        "HomeLanguage": "English",
        "HomeLanguageCode": "ENG",
        "EnglishProficiencyLevel": "Competent",
        "UPN": "L823999921001",
        "FormerUPN": None,
        "Apartment": None,
        "HouseName": "Rose Cottage",
        "HouseNo": "12",
        "Street": "Mill Lane",
        "TownOrCity": "Northmoor",
        "County": None,
        "PostCode": "ZZ1 1ZZ",
        "StudentStatus": "OnRoll",
        "LastUpdated": "2025-09-14T02:07:21.03",
        "RowHash": "D33900000000000000000000000000000000E329",
        **fields,
    }


def need(**fields: Any) -> Json:
    return {
        "Id": "100",
        "StudentMis_Id": "7010",
        "NeedTypeDescription": "Speech, Language and Communication Needs",
        "NeedTypeCode": "SLCN",
        "Rank": 1,
        "NeedNotes": None,
        "NeedStartDate": "2024-01-08",
        "NeedEndDate": None,
        "Active": 1,
        **fields,
    }


def provision(**fields: Any) -> Json:
    return {
        "Id": "9001",
        "StudentMis_Id": "7010",
        "SENProvisionCode": "K",
        "SENProvisionDescription": "SEN Support",
        "SENProvisionStartDate": "2024-01-08",
        "SENProvisionEndDate": None,
        "Active": 1,
        **fields,
    }


def entitlement_groups() -> list[Json]:
    return [
        {"Id": "100", "Shortname": "FSM", "Fullname": "Free School Meals"},
        {"Id": "101", "Shortname": "PP", "Fullname": "Pupil Premium"},
    ]


def entitlement(**fields: Any) -> Json:
    return {
        "Id": "86",
        "EntitlementGroupId": "100",
        "StudentId": "7010",
        "StartDate": "2022-05-16T00:00:00",
        "EndDate": None,
        **fields,
    }


def group(**fields: Any) -> Json:
    return {
        "Id": "9929",
        "IdaasId": "GC-9929",
        "Type": "TeachingGrp",
        "Code": "7A/Hi1",
        "Name": "7A/Hi1",
        "PrimaryStaffId": "26",
        "Staff": "JRE",
        "NumStudents": 27,
        "SubjectLocalId": "520",
        "SubjectCode": "Hi",
        "SubjectName": "History",
        "LastUpdated": "2025-09-10T01:38:21.48",
        **fields,
    }


def student_member(group_id: str = "9929", student_id: str = "7010") -> Json:
    return {"Id": f"GC-{group_id}.PL-{student_id}", "GroupId": group_id, "StudentId": student_id}


def staff_member(group_id: str = "9929", staff_id: str = "26") -> Json:
    return {"Id": f"GC-{group_id}.PWT-{staff_id}", "GroupId": group_id, "StaffId": staff_id, "StaffRole": "Teacher"}


def aspect(**fields: Any) -> Json:
    return {"Id": "702", "ExternalId": "93", "AspectType": "Grade", "Name": "KS2 Reading scaled score", **fields}


def result_set(**fields: Any) -> Json:
    return {"Id": "31", "ExternalId": "31", "Name": "KS2 Validated Result", "Supplier": "DfE", **fields}


def result(**fields: Any) -> Json:
    return {
        "Id": "1289067",
        "StudentId": "7010",
        "AspectId": "702",
        "ResultDate": "2025-07-08",
        "ResultSetId": "31",
        "Result": "104",
        "Notes": None,
        **fields,
    }


def attendance_code(**fields: Any) -> Json:
    return {
        "Mark": "M",
        "Description": "Medical/Dental appointments",
        "MeaningDescription": "Authorised Absence",
        "ShortMeaningDescription": "Authorised",
        "PhysicalMeaning": "OUT",
        **fields,
    }


def mark(**fields: Any) -> Json:
    return {
        "Id": "7010.2025-09-08.PM",
        "Date": "2025-09-08",
        "StudentId": "7010",
        "Mark": "\\",
        "Type": "S",
        "Session": "PM",
        **fields,
    }


def exclusion(**fields: Any) -> Json:
    return {
        "Id": "2318",
        "StudentId": "7010",
        "ExclusionType": "Suspension",
        "ExclusionTypeCode": "SUSP",
        "ExclusionReason": "Damage",
        "ExclusionReasonCode": "DM",
        "ExclusionSessions": 4,
        "StartDate": "2025-09-22",
        "EndDate": "2025-09-23",
        "StartSession": "AM",
        "EndSession": "PM",
        "ExclusionDays": 2,
        "LastUpdated": "2025-09-22T14:57:04.144",
        **fields,
    }


def staff(**fields: Any) -> Json:
    return {
        "Id": "26",
        "IdaasId": "PWT-26",
        "Title": "Ms",
        "StaffCode": "JRE",
        "StaffStatus": "Current",
        "Forename": "Joan",
        "Surname": "Reed",
        "WorkEmail": "j.reed@example.org",
        "IsTeacher": 1,
        "IsSupport": 0,
        "EmploymentStart": "2024-09-01",
        "EmploymentEnd": None,
        "LastUpdated": "2025-09-02T01:29:18.57",
        **fields,
    }


def contract(**fields: Any) -> Json:
    return {"Id": "5", "StaffId": "26", "EmploymentType": "Permanent", "Post": "Classroom teacher", **fields}


def role(**fields: Any) -> Json:
    return {
        "Id": "5",
        "ContractId": "5",
        "Role": "Teacher",
        "RoleStartDate": "2024-09-01",
        "RoleEndDate": None,
        **fields,
    }
