"""The scopes that a school is asked to authorise, by the category that needs them (names: source_apis.md 2.3, R).

Where the partner's catalogue and its prose name different scopes for the same fields, both are asked for: ethnicity
(StudentDemographic, StudentEthnicity), contracts (StaffContractual, StaffEmployment), entitlements (StudentFunding,
StudentHistory).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.ingest.categories import Category


@dataclass(frozen=True, slots=True)
class AskedScope:
    """A scope by the partner's name, and what we read with it."""

    name: str
    gives: str


_SCHOOL = AskedScope("School", "the school's name and phase; groups and their subjects; the structure of assessment")
_STUDENT = AskedScope("Student", "who is on roll: names, sex, year, admission number, whether a leaver")
_STAFF = AskedScope("Staff", "names, work e-mail, whether current, whether a teacher")
_EXTENDED = AskedScope(
    "StudentExtended", "date of birth, legal names, ULN, admission and leaving date, enrolment status"
)

ASKED: Mapping[Category, tuple[AskedScope, ...]] = {
    Category.BASIC: (
        _SCHOOL,
        _STUDENT,
        _EXTENDED,
        AskedScope("UPN", "UPN and former UPN"),
        AskedScope("Address", "address"),
    ),
    Category.DEMOGRAPHICS: (
        _STUDENT,
        _EXTENDED,
        AskedScope("StudentDemographic", "languages, proficiency in English, ethnicity"),
        AskedScope("StudentEthnicity", "ethnicity"),
        AskedScope("StudentFunding", "free school meals, pupil premium, EAL, entitlements"),
        AskedScope("StudentHistory", "dated entitlements: periods of free school meals"),
        AskedScope("StudentFamily", "looked-after and service children"),
        AskedScope("SEN", "SEN provision, now and dated"),
        AskedScope("SENTypes", "special educational needs"),
    ),
    Category.TIMETABLE: (_SCHOOL, _STUDENT, _STAFF),
    Category.ASSESSMENT: (_SCHOOL, AskedScope("AssessmentResults", "results")),
    Category.ATTENDANCE: (
        AskedScope("Attendance", "register codes and session marks"),
        AskedScope("StudentExclusions", "suspensions and permanent exclusions"),
    ),
    Category.STAFF: (
        _STAFF,
        AskedScope("StaffEmployment", "dates of employment; the national insurance number in it is never asked for"),
        AskedScope("StaffContractual", "roles held"),
    ),
}

#: Every scope once, in the order of the categories.
NAMES: tuple[str, ...] = tuple(dict.fromkeys(scope.name for scopes in ASKED.values() for scope in scopes))
