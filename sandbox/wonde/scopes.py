"""What a school may allow: resources and, within people, single properties.

The identities of whole resources have the documented form ``<resource>.read``. Those of properties are ours
(source_apis.md 1.4 knows that permissions are per property and not how they are spelled).
"""

from __future__ import annotations

#: Scope of a whole resource -> its name in the permissions list.
RESOURCES: dict[str, str] = {
    "students.read": "Students read",
    "students-leaver.read": "Students leaver read",
    "students-pre-admission.read": "Students pre-admission read",
    "classes.read": "Classes read",
    "groups.read": "Groups read",
    "subjects.read": "Subjects read",
    "lessons.read": "Lessons read",
    "periods.read": "Periods read",
    "rooms.read": "Rooms read",
    "assessment.read": "Assessment read",
    "attendance.read": "Attendance read",
    "exclusions.read": "Exclusions read",
    "employees.read": "Employees read",
}

#: Scope of a property -> (include it sits in, or "" for the row itself; keys that become null).
#: A key equal to the include's own name takes the whole relation away.
PROPERTIES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "students.date_of_birth.read": (("", ("date_of_birth",)),),
    "students.gender.read": (("", ("gender", "gender_identity")),),
    "students.upn.read": (("education_details", ("upn", "local_upn", "former_upn")),),
    "students.learner_number.read": (("education_details", ("learner_number",)),),
    "students.contact_details.read": (("contact_details", ("contact_details",)),),
    "students.ethnicity.read": (("extended_details", ("ethnicity",)),),
    "students.language.read": (
        (
            "extended_details",
            (
                "first_language",
                "home_language",
                "english_as_additional_language",
                "english_as_additional_language_status",
            ),
        ),
    ),
    "students.sen.read": (
        ("extended_details", ("sen_status",)),
        ("sen_needs", ("sen_needs",)),
        ("sen_date_ranges", ("sen_date_ranges",)),
    ),
    "students.free_school_meals.read": (
        ("extended_details", ("free_school_meals", "free_school_meals_6")),
        ("fsm_date_ranges", ("fsm_date_ranges",)),
    ),
    "students.pupil_premium.read": (("extended_details", ("premium_pupil_indicator", "premium_pupil_notes")),),
    "students.in_care.read": (
        ("extended_details", ("in_lea_care", "ever_in_care")),
        ("in_care_date_ranges", ("in_care_date_ranges",)),
    ),
    "students.service_children.read": (("extended_details", ("service_children_indicator",)),),
    "students.enrolment_status.read": (("extended_details", ("enrolment_status",)),),
    "employees.upi.read": (("", ("upi",)),),
    "employees.date_of_birth.read": (("", ("date_of_birth",)),),
    "employees.contact_details.read": (("contact_details", ("contact_details",)),),
    "employees.employment_details.read": (("employment_details", ("employment_details",)),),
    "employees.contracts.read": (("contracts", ("contracts",)),),
    "employees.roles.read": (("roles", ("roles",)),),
}

#: Relations that are another resource: without its scope they are null.
RELATION_SCOPES: dict[str, str] = {
    "classes": "classes.read",
    "subject": "subjects.read",
    "groups": "groups.read",
    "registration": "groups.read",
    "students": "students.read",
    "employees": "employees.read",
    "exclusions": "exclusions.read",
    "results": "assessment.read",
    "lessons": "lessons.read",
    "room": "rooms.read",
    "period": "periods.read",
}

ALL: tuple[str, ...] = (*RESOURCES, *PROPERTIES)


def title(scope: str) -> str:
    """What the permissions list calls a scope."""
    return RESOURCES.get(scope) or scope.replace(".", " ").replace("_", " ").capitalize()
