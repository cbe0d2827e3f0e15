"""``students``, ``students-leaver`` and ``students-pre-admission``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sandbox.codes import AUTHORISED, POSSIBLE, UNAUTHORISED
from sandbox.identity import Kind, partner_id
from sandbox.pupils import ETHNICITIES, LANGUAGES, Pupil, Span
from sandbox.schools import RECEPTION
from sandbox.wonde import assessment, attendance, exclusions, groups, people
from sandbox.wonde.scopes import PROPERTIES, RELATION_SCOPES
from sandbox.wonde.view import SchoolView
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

_SEN_WORDS = {"K": "SEN Support", "E": "Education, Health and Care Plan", "N": "No Special Educational Need"}
_ENROLMENT_WORDS = {"C": "Single Registration", "M": "Main - Dual Registration", "S": "Subsidiary - Dual Registration"}
_EAL_LEVELS = ("New to English", "Early Acquisition", "Developing Competence", "Competent", "Fluent")


def nc_year_code(nc_year: int) -> str:
    """``N1``, ``N2``, ``R``, ``1`` to ``13``."""
    return {-2: "N1", -1: "N2", RECEPTION: "R"}.get(nc_year, str(nc_year))


def render(view: SchoolView, number: int, includes: Tree) -> Row:
    """One student with the includes asked for; what the school has switched off is null."""
    pupil = view.data.pupils[number]
    row = people.base(view, people.student_id(number), pupil)
    row["restored_at"] = None
    row["created_at"] = utc_time(pupil.created)
    row["updated_at"] = utc_time(int(view.pupil_updated[number]))
    for name, branch in includes.items():
        scope = RELATION_SCOPES.get(name)
        row[name] = nested(_RELATIONS[name](view, pupil, branch)) if scope is None or view.granted(scope) else None
    people.hide(view, row, "students", PROPERTIES)
    return row


def _education_details(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    left = pupil.leaving if pupil.leaving is not None and pupil.leaving < view.clock.today else None
    return {
        "admission_number": f"{int(pupil.mis_id) - 4000:06d}",
        "upn": pupil.upn,
        "local_upn": None,
        "former_upn": pupil.former_upn,
        "learner_number": pupil.uln,
        "current_nc_year": nc_year_code(view.nc_year(pupil)),
        "part_time": view.nc_year(pupil) < RECEPTION,
        "part_time_rate": None,
        "admission_date": local_date(pupil.admission),
        "leaving_date": local_date(left),
    }


def _extended_details(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    today = view.clock.today
    sen = pupil.status_on(pupil.sen, today)
    fsm = pupil.status_on(pupil.fsm, today) is not None
    six_years = today - timedelta(days=6 * 365)
    ever = any(span.start <= today and (span.end is None or span.end >= six_years) for span in pupil.fsm)
    care = pupil.status_on(pupil.care, today) is not None
    code = sen.code if sen else "N"
    eal = pupil.language != "ENG"
    words = view.mis.described
    return {
        "ethnicity": ETHNICITIES[pupil.ethnicity][1] if words else pupil.ethnicity,
        "religion": None,
        "sen_status": _SEN_WORDS[code] if words else code,
        "first_language": LANGUAGES[pupil.language] if words else pupil.language,
        "home_language": LANGUAGES[pupil.language] if words else pupil.language,
        "in_lea_care": care,
        "ever_in_care": any(span.start <= today for span in pupil.care),
        "free_school_meals": fsm,
        "free_school_meals_6": ever,
        "english_as_additional_language": eal,
        "english_as_additional_language_status": _EAL_LEVELS[pupil.number % 5] if eal else "Not applicable",
        "premium_pupil_indicator": ever or care,
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
    email = f"pupil{pupil.mis_id}@{view.school.id.lower()}.example.org"
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
        "username": f"{pupil.forename[:1].lower()}{pupil.mis_id}",
        "passport_number": None,
    }


def _attendance_summary(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    counts = attendance.summary_counts(view)[pupil.number]
    return {
        "possible_marks": int(counts[POSSIBLE].sum()),
        "authorised_absences": int(counts[AUTHORISED].sum()),
        "unauthorised_absences": int(counts[UNAUTHORISED].sum()),
    }


def _year(view: SchoolView, pupil: Pupil, branch: Tree) -> Row:
    nc_year = view.nc_year(pupil)
    return groups.year_group(view, nc_year, branch)


def _house(view: SchoolView, pupil: Pupil, branch: Tree) -> Row | None:
    return groups.house(pupil.house) if view.school.publishes_classes else None


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
    families: dict[int, list[int]] = view.remember("families", lambda: _families(view))
    return [
        people.student_reference(view, number) for number in families.get(pupil.family, []) if number != pupil.number
    ]


def _families(view: SchoolView) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number in view.current:
        found.setdefault(view.data.pupils[number].family, []).append(number)
    return found


def _sen_needs(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [
        {
            "id": partner_id(Kind.SEN_NEED, 10 * pupil.number + rank),
            "mis_id": str(10 * pupil.number + rank),
            "type": need,
            "rank": rank,
            "start_date": local_date(start),
            "end_date": None,
        }
        for need, rank, start in pupil.needs
        if start <= view.clock.today
    ]


def _ranges(
    choose: Callable[[Pupil], list[Span]], offset: int, coded: str | None
) -> Callable[[SchoolView, Pupil, Tree], list[Row]]:
    def render_ranges(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
        rows: list[Row] = []
        for place, span in enumerate(choose(pupil)):
            if span.start > view.clock.today:
                continue
            number = 100 * pupil.number + offset + place
            ended = span.end if span.end and span.end <= view.clock.today else None
            row: Row = {"id": partner_id(Kind.PERIOD_OF_STATUS, number), "mis_id": str(number)}
            if coded:
                row[coded] = _SEN_WORDS[span.code] if view.mis.described else span.code
            rows.append(row | {"start_date": local_date(span.start), "end_date": local_date(ended)})
        return rows

    return render_ranges


def _exclusions(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [
        exclusions.render(view, number, {})
        for number in exclusions.visible(view)
        if view.data.register.exclusions[number].pupil == pupil.number
    ]


def _results(view: SchoolView, pupil: Pupil, branch: Tree) -> list[Row]:
    return [assessment.render_result(view, number, branch) for number in assessment.results_of(view, pupil.number)]


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
    "sen_date_ranges": _ranges(lambda pupil: pupil.sen, 0, "status"),
    "fsm_date_ranges": _ranges(lambda pupil: pupil.fsm, 30, None),
    "in_care_date_ranges": _ranges(lambda pupil: pupil.care, 60, None),
    "exclusions": _exclusions,
    "results": _results,
}
