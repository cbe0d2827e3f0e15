"""``students``, ``students-leaver`` and ``students-pre-admission``."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.codes import AUTHORISED, POSSIBLE, UNAUTHORISED
from sandbox.facts import pupils as facts
from sandbox.facts import register
from sandbox.facts.exclusions import visible
from sandbox.facts.groups import nc_year_code
from sandbox.facts.results import of_pupil
from sandbox.identity import Kind
from sandbox.pupils import ETHNICITIES, LANGUAGES, Pupil, Span
from sandbox.schools import RECEPTION
from sandbox.view import SchoolView
from sandbox.wonde import assessment, exclusions, groups, people
from sandbox.wonde.scopes import PROPERTIES, RELATION_SCOPES
from sandbox.wonde.wire import Row, Tree, local_date, nested, utc_time

INCLUDES: Tree = {
    "education_details": {},
    "extended_details": {},
    "contact_details": {},
    "identifiers": {},
    "attendance_summary": {},
    "year": {"employees": {}},
    "house": {},
    "registration": {"employees": {}},
    "campus": {},
    "groups": {"employees": {}},
    "classes": {"subject": {}, "employees": {}},
    "siblings": {},
    "sen_needs": {},
    "sen_date_ranges": {},
    "fsm_date_ranges": {},
    "in_care_date_ranges": {},
    "exclusions": {},
    "results": {"aspect": {}, "resultset": {}},
}

_ENROLMENT_WORDS = {"C": "Single Registration", "M": "Main - Dual Registration", "S": "Subsidiary - Dual Registration"}


def render(view: SchoolView, number: int, includes: Tree) -> Row:
    """One student with the includes asked for; what the school has switched off is null."""
    pupil = view.data.pupils[number]
    row = people.base(view, people.student_id(view, number), pupil)
    row["restored_at"] = None
    row["created_at"] = utc_time(pupil.created)
    row["updated_at"] = utc_time(int(view.pupil_updated[number]))
    for name, branch in includes.items():
        scope = RELATION_SCOPES.get(name)
        row[name] = nested(_RELATIONS[name](view, pupil, branch)) if scope is None or view.granted(scope) else None
    people.hide(view, row, "students", PROPERTIES)
    return row


def _education_details(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    return {
        "admission_number": facts.admission_number(view, pupil),
        "upn": pupil.upn,
        "local_upn": None,
        "former_upn": pupil.former_upn,
        "learner_number": pupil.uln,
        "current_nc_year": nc_year_code(view.nc_year(pupil)),
        "part_time": view.nc_year(pupil) < RECEPTION,
        "part_time_rate": None,
        "admission_date": local_date(pupil.admission),
        "leaving_date": local_date(facts.left(view, pupil)),
    }


def _extended_details(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    status = facts.status(view, pupil)
    words = view.mis.described
    return {
        "ethnicity": ETHNICITIES[pupil.ethnicity][1] if words else pupil.ethnicity,
        "religion": None,
        "sen_status": facts.SEN_WORDS[status.sen] if words else status.sen,
        "first_language": LANGUAGES[pupil.language] if words else pupil.language,
        "home_language": LANGUAGES[pupil.language] if words else pupil.language,
        "in_lea_care": status.in_care,
        "ever_in_care": status.ever_in_care,
        "free_school_meals": status.fsm,
        "free_school_meals_6": status.fsm_ever_6,
        "english_as_additional_language": status.eal,
        "english_as_additional_language_status": status.proficiency or "Not applicable",
        "premium_pupil_indicator": status.premium,
        "premium_pupil_notes": None,
        "service_children_indicator": pupil.service,
        "enrolment_status": _ENROLMENT_WORDS[pupil.enrolment_status] if words else pupil.enrolment_status,
        "gifted_and_talented_status": None,
    }


def _contact_details(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    home = {
        "house_number": pupil.address.house_number,
        "house_name": None,
        "street": pupil.address.street,
        "town": pupil.address.town,
        "county": pupil.address.county,
        "postcode": pupil.address.postcode,
    }
    phone = f"07700 900{pupil.family % 1000:03d}"
    email = f"pupil{view.first_mis_id(pupil.mis_id)}@{view.school.id.lower()}.example.org"
    return {
        "phones": {"phone": phone, "primary": phone, "home": None, "work": None, "mobile": phone},
        "emails": {"email": email, "primary": email, "home": None, "work": None},
        "addresses": {"home": home, "work": None, "postal": None},
        "salutation": f"Parents of {pupil.forename} {pupil.surname}",
    }


def _identifiers(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    return {
        "barcode": None,
        "active_directory_username": None,
        "username": f"{pupil.forename[:1].lower()}{view.first_mis_id(pupil.mis_id)}",
        "passport_number": None,
    }


def _attendance_summary(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    counts = register.counts_this_year(view)[pupil.number]
    return {
        "possible_marks": int(counts[POSSIBLE].sum()),
        "authorised_absences": int(counts[AUTHORISED].sum()),
        "unauthorised_absences": int(counts[UNAUTHORISED].sum()),
    }


def _year(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    nc_year = view.nc_year(pupil)
    return groups.year_group(view, nc_year, branch)


def _house(view: SchoolView, pupil: Pupil, branch: Tree) -> Row | None:
    return groups.house(view, pupil.house) if view.school.publishes_classes else None


def _registration(view: SchoolView, pupil: Pupil, branch: Tree) -> Row | None:
    if not view.is_current[pupil.number]:
        return None
    return groups.form_reference(view, view.nc_year(pupil), pupil.form, branch)


def _groups(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    form = _registration(view, pupil, branch)
    return [form] if form else []


def _classes(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    if not view.is_current[pupil.number]:
        return []
    return [groups.render_class(view, group, branch) for group in view.classes_of.get(pupil.number, [])]


def _siblings(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [people.student_reference(view, number) for number in facts.siblings(view, pupil)]


def _sen_needs(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [
        {
            "id": view.partner_id(Kind.SEN_NEED, need.number),
            "mis_id": view.mis_id(Kind.SEN_NEED, need.number),
            "type": need.code,
            "rank": need.rank,
            "start_date": local_date(need.start),
            "end_date": None,
        }
        for need in facts.needs(view, pupil)
    ]


def _ranges(
    choose: Callable[[Pupil], list[Span]], offset: int, coded: str | None
) -> Callable[[SchoolView, Pupil, Tree], list[Row]]:
    def render_ranges(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
        rows: list[Row] = []
        for period in facts.periods(view, pupil, choose(pupil), offset):
            row: Row = {
                "id": view.partner_id(Kind.PERIOD_OF_STATUS, period.number),
                "mis_id": view.mis_id(Kind.PERIOD_OF_STATUS, period.number),
            }
            if coded:
                row[coded] = facts.SEN_WORDS[period.code] if view.mis.described else period.code
            rows.append(row | {"start_date": local_date(period.start), "end_date": local_date(period.end)})
        return rows

    return render_ranges


def _exclusions(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [
        exclusions.render(view, number, {})
        for number in visible(view)
        if view.data.register.exclusions[number].pupil == pupil.number
    ]


def _results(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [assessment.render_result(view, number, branch) for number in of_pupil(view, pupil.number)]


_RELATIONS: dict[str, Callable[[SchoolView, Pupil, Tree], object]] = {
    "education_details": _education_details,
    "extended_details": _extended_details,
    "contact_details": _contact_details,
    "identifiers": _identifiers,
    "attendance_summary": _attendance_summary,
    "year": _year,
    "house": _house,
    "registration": _registration,
    "campus": lambda view, pupil, branch: None,
    "groups": _groups,
    "classes": _classes,
    "siblings": _siblings,
    "sen_needs": _sen_needs,
    "sen_date_ranges": _ranges(lambda pupil: pupil.sen, facts.SEN_PERIODS, "status"),
    "fsm_date_ranges": _ranges(lambda pupil: pupil.fsm, facts.FSM_PERIODS, None),
    "in_care_date_ranges": _ranges(lambda pupil: pupil.care, facts.CARE_PERIODS, None),
    "exclusions": _exclusions,
    "results": _results,
}
