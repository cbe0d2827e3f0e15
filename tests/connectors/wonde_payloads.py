"""One object of each kind in the form that Wonde was seen to send (source_apis.md 1.5 - 1.10), with overrides."""

from __future__ import annotations

import json
from typing import Any

from orchestration.connectors.base import BadRow, Decoder, Row

Json = dict[str, Any]


def local(day: str) -> Json:
    return {"date": f"{day} 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}


def utc(moment: str) -> Json:
    return {"date": moment, "timezone_type": 3, "timezone": "UTC"}


def body(*rows: Any) -> bytes:
    return json.dumps({"data": rows, "meta": {"pagination": {"next": None, "more": False}}}).encode()


def decoded(decoder: Decoder, stream: str, *rows: Any) -> tuple[dict[str, list[Row]], list[BadRow]]:
    """The rows by table, and the bad rows, of one page of ``rows``."""
    page = decoder.decode(stream, body(*rows))
    return {rows.table: rows.rows for rows in page.rows}, page.bad


def pupil(**fields: Any) -> Json:
    return {
        "id": "A2000300040",
        "upi": "0f3c2b1a9e8d7c6b5a4f3e2d1c0b9a88",
        "mis_id": "7010",
        "title": None,
        "initials": "AB",
        "surname": "Beck",
        "forename": "Ana",
        "middle_names": None,
        "legal_surname": "Beck",
        "legal_forename": "Anastasia",
        "gender": "FEMALE",
        "gender_identity": None,
        "date_of_birth": local("2013-11-05"),
        "restored_at": None,
        "created_at": utc("2025-09-02 04:10:00.000000"),
        "updated_at": utc("2025-09-14 03:55:10.000000"),
        "education_details": {"data": education()},
        "contact_details": {
            "data": {
                "phones": {"phone": None},
                "emails": {"email": None},
                "addresses": {
                    "home": {
                        "house_number": "12",
                        "house_name": "Rose Cottage",
                        "street": "Mill Lane",
                        "town": "Northmoor",
                        "county": None,
                        "postcode": "ZZ1 1ZZ",
                    },
                    "work": None,
                    "postal": None,
                },
                "salutation": None,
            }
        },
        "year": {"data": {"id": "A3000100007", "code": "8", "name": "Year 8"}},
        "registration": {"data": {"id": "A3000100071", "code": "7B", "name": "7B"}},
        "house": {"data": None},
        **fields,
    }


def education(**fields: Any) -> Json:
    return {
        "admission_number": "005120",
        "upn": "L823999921001",
        "local_upn": None,
        "former_upn": None,
        "learner_number": None,
        "current_nc_year": "7",
        "part_time": False,
        "part_time_rate": None,
        "admission_date": local("2025-09-01"),
        "leaving_date": None,
        **fields,
    }


def census(**fields: Any) -> Json:
    return {
        "ethnicity": "WBRI",
        "religion": None,
        "sen_status": "SEN Support",
        "first_language": "ENG",
        "home_language": "ENG",
        "in_lea_care": False,
        "ever_in_care": False,
        "free_school_meals": True,
        "free_school_meals_6": True,
        "english_as_additional_language": False,
        "english_as_additional_language_status": "Not applicable",
        "premium_pupil_indicator": True,
        "premium_pupil_notes": None,
        "service_children_indicator": "N",
        "enrolment_status": "C",
        "gifted_and_talented_status": None,
        **fields,
    }


def census_pupil(**fields: Any) -> Json:
    return {
        "id": "A2000300040",
        "updated_at": utc("2025-09-14 03:55:10"),
        "extended_details": {"data": census()},
        "sen_needs": {"data": []},
        "sen_date_ranges": {"data": []},
        "fsm_date_ranges": {"data": []},
        "in_care_date_ranges": {"data": []},
        **fields,
    }


def teaching_class(**fields: Any) -> Json:
    return {
        "id": "A4000100011",
        "mis_id": "9929",
        "type": "class",
        "name": "7A/Hi1",
        "code": "7A/Hi1",
        "description": "7A/Hi1",
        "subject": {"data": {"id": "A5000100001", "mis_id": "520", "code": "Hi", "name": "History", "active": True}},
        "alternative": False,
        "priority": None,
        "academic_year": "2025/2026",
        "year_group": "7",
        "updated_at": utc("2025-09-10 04:00:00.000000"),
        "employees": {"data": [{"id": "A6000100003", "surname": "Reed", "meta": {"is_main_teacher": True}}]},
        "students": {"data": [{"id": "A2000300040", "mis_id": "7010"}]},
        **fields,
    }


def group(**fields: Any) -> Json:
    return {
        "id": "A3000100071",
        "mis_id": "188",
        "name": "7B",
        "code": "7B",
        "type": "REGISTRATION",
        "description": None,
        "updated_at": utc("2025-08-28 04:00:00.000000"),
        "students": {"data": [{"id": "A2000300040"}, {"id": "A2000300041"}]},
        "employees": {"data": [{"id": "A6000100003"}]},
        **fields,
    }


def subject(**fields: Any) -> Json:
    return {
        "id": "A5000100001",
        "mis_id": "520",
        "code": "Hi",
        "name": "History",
        "active": True,
        "updated_at": utc("2025-08-28 04:00:00.000000"),
        **fields,
    }


def attendance_code(code_id: str = "A1700100003", code: str = "/", **fields: Any) -> Json:
    return {"id": code_id, "code": code, "description": "Present (AM)", "type": "PRESENT", **fields}


def mark(**fields: Any) -> Json:
    return {
        "id": "A1600100001",
        "date": local("2025-09-08"),
        "session": "AM",
        "student": "A2000300040",
        "attendance_code": "A1700100003",
        "comment": None,
        "minutes_late": None,
        "employee": None,
        "created_at": utc("2025-09-08 09:05:00.000000"),
        "updated_at": utc("2025-09-08 09:05:00.000000"),
        **fields,
    }


def exclusion(**fields: Any) -> Json:
    return {
        "id": "A1900100001",
        "mis_id": "2318",
        "type": "Suspension",
        "type_code": "SUSP",
        "reason": "Damage to property",
        "reason_code": "DM",
        "start_date": local("2025-09-22"),
        "start_session": "AM",
        "end_date": local("2025-09-23"),
        "end_session": "PM",
        "sessions": 4,
        "days": 2,
        "updated_at": utc("2025-09-22 15:00:00.000000"),
        **fields,
    }


def employee(**fields: Any) -> Json:
    return {
        "id": "A6000100003",
        "upi": "ab12cd34ef56ab12cd34ef56ab12cd34",
        "mis_id": "26",
        "title": "Ms",
        "surname": "Reed",
        "forename": "Joan",
        "gender": "FEMALE",
        "date_of_birth": None,
        "updated_at": utc("2025-09-02 04:00:00.000000"),
        "employment_details": {
            "data": {
                "current": True,
                "teaching_staff": True,
                "employment_start_date": local("2024-09-01"),
                "employment_end_date": None,
                "role_text": "Teacher",
            }
        },
        "contact_details": {"data": {"emails": {"email": "j@home.example", "work": "j.reed@school.example"}}},
        "roles": {
            "data": [
                {
                    "id": "A2300100001",
                    "mis_id": "5",
                    "role": "Classroom Teacher",
                    "role_code": "TCHR",
                    "contract": "A2200100001",
                    "start_date": None,
                    "end_date": None,
                }
            ]
        },
        **fields,
    }


def result(**fields: Any) -> Json:
    return {
        "id": "A1300100001",
        "mis_id": "1289067",
        "student": "A2000300040",
        "aspect": "A1100100001",
        "resultset": "A1200100001",
        "result": "104",
        "result_date": local("2025-07-08"),
        "collection_date": None,
        "updated_at": utc("2025-07-09 04:00:00.000000"),
        **fields,
    }
