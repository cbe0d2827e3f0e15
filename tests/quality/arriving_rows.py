"""For each raw suite: a row that keeps every rule, and for each rule the changes with which it breaks that one alone.

The rows stand for the day ``AS_AT``. Tests read this as the specification of the rules on arriving rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

AS_AT = date(2025, 7, 18)  # a Friday


@dataclass(frozen=True)
class Case:
    """``good`` keeps every rule; ``bad[rule]`` is what to change in it to break that rule alone."""

    good: dict[str, Any]
    bad: dict[str, dict[str, Any]]


def day(year: int, month: int, number: int) -> date:
    return date(year, month, number)


RAW: dict[str, Case] = {
    "pupil": Case(
        {
            "pupil_id": "A1",
            "person_id": "7010",
            "upi": "0f3c",
            "forename": "Ana",
            "surname": "Beck",
            "sex": "F",
            "date_of_birth": day(2013, 11, 5),
            "upn": "A823999921002",
            "uln": "1234567890",
            "nc_year": "7",
            "admission_date": day(2024, 9, 2),
            "leaving_date": None,
            "postcode": "ZZ1 1ZZ",
            "is_leaver": False,
        },
        {
            "PUP-001": {"pupil_id": None},
            "PUP-002": {"date_of_birth": day(1899, 12, 31), "is_leaver": True, "leaving_date": day(2025, 7, 1)},
            "PUP-003": {"admission_date": day(2024, 9, 2), "leaving_date": day(2024, 9, 1), "is_leaver": True},
            "PUP-004": {"surname": "  "},
            "PUP-005": {"date_of_birth": None},
            "PUP-006": {"date_of_birth": day(1990, 1, 1)},
            "PUP-007": {"upn": None},
            "PUP-008": {"upn": "A82399992100"},
            "PUP-009": {"upn": "B823999921002"},
            "PUP-010": {"upn": "X82399992100A"},
            "PUP-011": {"nc_year": "Year 7"},
            "PUP-012": {"nc_year": None},
            "PUP-013": {"sex": "FEMALE"},
            "PUP-014": {"admission_date": None},
            "PUP-015": {"admission_date": day(2013, 11, 4)},
            "PUP-016": {"admission_date": day(2027, 9, 1)},
            "PUP-017": {"is_leaver": True},
            "PUP-018": {"leaving_date": day(2025, 7, 10)},
            "PUP-019": {"person_id": None},
            "PUP-020": {"postcode": "ZZ1"},
            "PUP-021": {"uln": "12345"},
        },
    ),
    "pupil_demographics": Case(
        {
            "pupil_id": "A1",
            "ethnicity": "WBRI",
            "first_language": "ENG",
            "eal": False,
            "sen_status": "K",
            "fsm": True,
            "fsm6": True,
            "in_care": True,
            "ever_in_care": True,
            "enrolment_status": "C",
        },
        {
            "DEM-001": {"pupil_id": None},
            "DEM-002": {"ethnicity": "WXYZ"},
            "DEM-003": {"ethnicity": "x" * 101},
            "DEM-004": {"sen_status": "Z"},
            "DEM-005": {"sen_status": "S"},
            "DEM-006": {"first_language": "eng"},
            "DEM-007": {"enrolment_status": "Z"},
            "DEM-008": {"fsm6": False},
            "DEM-009": {"ever_in_care": False},
            "DEM-010": {"eal": True},
        },
    ),
    "pupil_sen_need": Case(
        {
            "pupil_id": "A1",
            "need_id": "N1",
            "need_type": "SLCN",
            "rank": 1,
            "start_date": day(2023, 9, 4),
            "end_date": day(2024, 7, 19),
        },
        {
            "SEN-001": {"pupil_id": None},
            "SEN-002": {"need_id": None},
            "SEN-003": {"end_date": day(2023, 9, 3)},
            "SEN-004": {"need_type": "XYZ"},
            "SEN-005": {"need_type": None},
            "SEN-006": {"rank": 0},
            "SEN-007": {"start_date": day(1989, 12, 31)},
        },
    ),
    "pupil_status_period": Case(
        {
            "pupil_id": "A1",
            "kind": "sen",
            "period_id": "P1",
            "code": "K",
            "start_date": day(2023, 9, 4),
            "end_date": None,
        },
        {
            "PER-001": {"pupil_id": None},
            "PER-002": {"period_id": None},
            "PER-003": {"kind": None},
            "PER-004": {"end_date": day(2023, 9, 3)},
            "PER-005": {"start_date": None},
            "PER-006": {"start_date": day(2027, 1, 1)},
            "PER-007": {"code": None},
        },
    ),
    "subject": Case(
        {"subject_id": "S1", "code": "Hi", "name": "History"},
        {"SUB-001": {"subject_id": None}, "SUB-002": {"code": None, "name": None}},
    ),
    "teaching_group": Case(
        {"group_id": "G1", "kind": "CLASS", "code": "7A/Hi1", "subject_id": "S1", "academic_year": "2024/2025"},
        {
            "GRP-001": {"group_id": None},
            "GRP-002": {"kind": None},
            "GRP-003": {"kind": "CLUB"},
            "GRP-004": {"code": " "},
            "GRP-005": {"subject_id": None},
            "GRP-006": {"academic_year": "2024/2026"},
        },
    ),
    "group_pupil": Case(
        {"group_id": "G1", "pupil_id": "A1"},
        {"GPU-001": {"group_id": None}, "GPU-002": {"pupil_id": None}},
    ),
    "group_staff": Case(
        {"group_id": "G1", "staff_id": "T1"},
        {"GST-001": {"group_id": None}, "GST-002": {"staff_id": None}},
    ),
    "aspect": Case(
        {"aspect_id": "E1", "name": "KS2 reading scaled score"},
        {"ASP-001": {"aspect_id": None}, "ASP-002": {"name": None}},
    ),
    "result_set": Case(
        {"result_set_id": "R1", "name": "KS2 validated", "start_date": day(2025, 5, 1), "end_date": day(2025, 5, 31)},
        {
            "RST-001": {"result_set_id": None},
            "RST-002": {"name": ""},
            "RST-003": {"end_date": day(2025, 4, 30)},
        },
    ),
    "result": Case(
        {"result_id": "X1", "pupil_id": "A1", "aspect_id": "E1", "value": "104", "result_date": day(2025, 7, 8)},
        {
            "RES-001": {"result_id": None},
            "RES-002": {"pupil_id": None},
            "RES-003": {"aspect_id": None},
            "RES-004": {"value": "x" * 201},
            "RES-005": {"result_date": day(1989, 12, 31)},
            "RES-006": {"value": None},
            "RES-007": {"value": "Working well in class"},
            "RES-008": {"result_date": None},
            "RES-009": {"result_date": day(2025, 7, 19)},
        },
    ),
    "attendance_code": Case(
        {"code_id": "C1", "code": "/", "description": "Present", "code_type": "PRESENT"},
        {
            "ACO-001": {"code_id": None},
            "ACO-002": {"code": None},
            "ACO-003": {"code": "PRESENT"},
            "ACO-004": {"code": "ZZ", "code_type": None},
        },
    ),
    "attendance_mark": Case(
        {
            "pupil_id": "A1",
            "mark_date": AS_AT,
            "session": "AM",
            "code": "L",
            "minutes_late": 12,
            "comment": "Bus",
            "mark_id": "M1",
            "source_updated_at": datetime(2025, 7, 18, 16, tzinfo=UTC),
        },
        {
            "ATT-001": {"pupil_id": None},
            "ATT-002": {"mark_date": None},
            "ATT-003": {"mark_date": day(2026, 7, 20), "code": "C", "minutes_late": None},
            "ATT-004": {"session": None},
            "ATT-005": {"code": "%", "minutes_late": None},
            "ATT-006": {"minutes_late": 401},
            "ATT-007": {"mark_date": day(2024, 8, 19), "code": "J", "minutes_late": None},
            "ATT-008": {"mark_date": day(2024, 8, 16), "code": "J1", "minutes_late": None},
            "ATT-009": {"session": "PM", "code": "/", "minutes_late": None},
            "ATT-010": {"session": "AM", "code": "\\", "minutes_late": None},
            "ATT-011": {"code": "/"},
            "ATT-012": {"mark_date": day(2025, 7, 12)},
            "ATT-013": {"mark_date": day(2025, 7, 21)},
            "ATT-014": {"mark_date": day(2025, 7, 11), "code": "-", "minutes_late": None},
            "ATT-015": {"mark_date": day(2025, 7, 3), "code": "N", "minutes_late": None},
            "ATT-016": {"comment": "x" * 1001},
        },
    ),
    "exclusion": Case(
        {
            "exclusion_id": "Q1",
            "pupil_id": "A1",
            "type_code": "SUSP",
            "reason_code": "DM",
            "start_date": day(2025, 7, 14),
            "start_session": "PM",
            "end_date": day(2025, 7, 15),
            "end_session": "AM",
            "sessions": 2,
        },
        {
            "EXC-001": {"exclusion_id": None},
            "EXC-002": {"pupil_id": None},
            "EXC-003": {"type_code": "XXXX"},
            "EXC-004": {"start_date": None},
            "EXC-005": {"start_date": day(1999, 12, 31)},
            "EXC-006": {"end_date": day(2025, 7, 14)},
            "EXC-007": {"end_date": day(2025, 9, 30), "sessions": 91},
            "EXC-008": {"reason_code": "ZZ"},
            "EXC-009": {"sessions": None},
            "EXC-010": {"sessions": 5},
            "EXC-011": {"start_session": "MORNING"},
        },
    ),
    "prior_attendance": Case(
        {
            "pupil_id": "A1",
            "academic_year": 202324,
            "la_code": "823",
            "establishment_number": "2998",
            "sessions_possible": 380,
            "sessions_attended": 361,
            "sessions_authorised": 12,
            "sessions_unauthorised": 7,
        },
        {
            "PAT-001": {"pupil_id": None},
            "PAT-002": {"academic_year": 202325},
            "PAT-003": {"establishment_number": "X998"},
            "PAT-004": {"sessions_attended": 374, "sessions_unauthorised": -6},
            "PAT-005": {"sessions_attended": 362},
            "PAT-006": {"sessions_possible": 501, "sessions_attended": 482},
            "PAT-007": {"sessions_authorised": None},
        },
    ),
    "staff": Case(
        {
            "staff_id": "T1",
            "upi": "ab12",
            "forename": "Joan",
            "surname": "Reed",
            "email": "j.reed@northmoor.example",
            "is_current": True,
            "employment_start_date": day(2024, 9, 1),
            "employment_end_date": None,
        },
        {
            "STF-001": {"staff_id": None},
            "STF-002": {"employment_end_date": day(2024, 8, 31), "is_current": False},
            "STF-003": {"forename": None},
            "STF-004": {"is_current": None},
            "STF-005": {"employment_end_date": day(2025, 7, 17)},
            "STF-006": {"email": None},
            "STF-007": {"email": "j.reed at northmoor"},
            "STF-008": {"upi": None},
        },
    ),
    "staff_role": Case(
        {"staff_id": "T1", "role_id": "R1", "role": "Teacher", "start_date": day(2024, 9, 1), "end_date": None},
        {
            "SRO-001": {"staff_id": None},
            "SRO-002": {"role_id": None},
            "SRO-003": {"end_date": day(2024, 8, 31)},
            "SRO-004": {"role": None},
        },
    ),
}

BATCH = Case(
    {
        "table_name": "pupil",
        "mode": "full",
        "rows_landed": 100,
        "rows_quarantined": 5,
        "rows_in_raw": 100,
        "rows_known": 100,
        "granted": True,
        "all_null_columns": ["ethnicity"],
        "withheld_columns": ["ethnicity", "upn"],
        "as_at": datetime(2025, 7, 18, 18, tzinfo=UTC),
        "previous_as_at": datetime(2025, 7, 17, 18, tzinfo=UTC),
    },
    {
        "BAT-001": {"rows_landed": 0, "rows_quarantined": 0, "rows_in_raw": 20},
        "BAT-002": {"rows_landed": 49, "rows_quarantined": 0},
        "BAT-003": {"rows_quarantined": 21},
        "BAT-004": {"all_null_columns": ["ethnicity", "sen_status"]},
        "BAT-005": {"as_at": datetime(2025, 7, 17, 17, tzinfo=UTC)},
        "BAT-006": {"rows_landed": 89, "rows_quarantined": 4},
        "BAT-007": {"rows_landed": 201},
        "BAT-008": {"rows_quarantined": 6},
        "BAT-009": {"rows_known": 9},
    },
)
