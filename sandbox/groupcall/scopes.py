"""What a school may allow (names recorded, source_apis.md 2.3), and the checks that go by it."""

from __future__ import annotations

from sandbox.groupcall.wire import XodError
from sandbox.view import SchoolView

#: Scope -> (category, description).
SCOPES: dict[str, tuple[str, str]] = {
    "SchoolLite": ("School", "Name and number of the school"),
    "School": ("School", "School details, groups, timetable and assessment structure"),
    "StudentLite": ("Students", "Names, year and registration group"),
    "Student": ("Students", "As StudentLite, and admission number"),
    "StudentExtended": ("Students", "Date of birth, legal names, entry and leaving, enrolment status"),
    "StudentDemographic": ("Students", "Language, nationality and other census attributes"),
    "StudentEthnicity": ("Students", "Ethnicity; needs explicit authorisation"),
    "StudentReligion": ("Students", "Religion"),
    "StudentFunding": ("Students", "Free school meals and pupil premium"),
    "StudentFamily": ("Students", "Care, service children and young carers"),
    "StudentHistory": ("Students", "History of entitlements"),
    "StudentSchoolHistory": ("Students", "Schools attended before"),
    "SEN": ("Students", "SEN provision"),
    "SENTypes": ("Students", "Types of special need"),
    "UPN": ("Students", "UPN and former UPN"),
    "Address": ("Students", "Home address"),
    "Attendance": ("Attendance", "Session marks and codes"),
    "StudentExclusions": ("Attendance", "Suspensions and exclusions"),
    "AssessmentResults": ("Assessment", "Results"),
    "StaffLite": ("Staff", "Names and codes"),
    "Staff": ("Staff", "As StaffLite"),
    "StaffExtended": ("Staff", "Gender, date of birth, legal names"),
    "StaffEmployment": ("Staff", "Employment dates, roles, teacher number, national insurance number"),
    "StaffContractual": ("Staff", "Contracts"),
    "EndpointInfo": ("Endpoint", "Health of the school's connection"),
}

#: A requirement is any one of several scopes; an endpoint or a column may have several requirements.
Requirements = tuple[tuple[str, ...], ...]


def meets(view: SchoolView, *requirements: tuple[str, ...]) -> bool:
    """Whether the school grants one scope of every requirement."""
    return all(any(view.granted(scope) for scope in requirement) for requirement in requirements)


def check(view: SchoolView, requirements: Requirements) -> None:
    """Refuse what the school does not allow.

    Raises XodError naming the scopes of the first requirement that is not met.
    """
    for requirement in requirements:
        if not meets(view, requirement):
            raise XodError(f"Scope {' or '.join(requirement)} is not authorised for this estab")
