"""``Students``: pupils on roll, leavers and newcomers in one set; columns by scope (source_apis.md 2.4)."""

from __future__ import annotations

from datetime import date

from sandbox.codes import AUTHORISED, CODES, NUMBER, POSSIBLE, UNAUTHORISED
from sandbox.facts import groups, register
from sandbox.facts import pupils as facts
from sandbox.groupcall import ids
from sandbox.groupcall.scopes import meets
from sandbox.groupcall.wire import Request, Row, Sets, day_text, stamped
from sandbox.pupils import ETHNICITIES, LANGUAGES, Pupil
from sandbox.view import SchoolView

_PRESENT = [number for number in POSSIBLE if CODES[number].kind == "PRESENT"]
_ACTIVITY = [number for number in POSSIBLE if CODES[number].kind == "APPROVED_EDUCATIONAL_ACTIVITY"]


def recent_leavers(view: SchoolView) -> list[int]:
    """Numbers of the enrolments that ended in the current or the previous academic year."""
    since = date(view.year - 1, 9, 1)
    return [number for number in view.leavers if (view.data.pupils[number].leaving or date.min) >= since]


def with_leavers(view: SchoolView, request: Request) -> list[int]:
    """Numbers of the pupils on roll, and with ``includeLeavers`` of the recent leavers, in order."""
    return sorted([*view.current, *recent_leavers(view)]) if request.option("includeLeavers") else list(view.current)


def _asked(view: SchoolView, request: Request) -> list[tuple[int, str]]:
    """Enrolments with their status, in order of number."""
    found = [(number, "OnRoll") for number in view.current]
    if request.option("includeLeavers"):
        found += [(number, "Leaver") for number in recent_leavers(view)]
    if request.option("includePreAdmissions"):
        found += [(number, "PreAdmission") for number in view.pre_admissions]
    if request.given("studentStatus"):
        found = [
            (number, status) for number, status in found if status.lower() == request.text("studentStatus").lower()
        ]
    wanted_year = request.text("yearGroupId")
    return sorted(
        (number, status)
        for number, status in found
        if request.is_news(int(view.pupil_updated[number]))
        and (not request.identifier or ids.student_id(view, number) == request.identifier)
        and (not wanted_year or ids.year_id(view, view.nc_year(view.data.pupils[number])) == wanted_year)
    )


def students(view: SchoolView, request: Request) -> Sets:
    """``Students`` and ``StudentSiblings``."""
    asked = _asked(view, request)
    kin: list[Row] = []
    if request.option("includeSiblingsResultset"):
        for number, _ in asked:
            own = ids.student_id(view, number)
            kin += [
                {"Id": f"{own}.{other}", "StudentId": own, "SiblingStudentId": other}
                for other in _sibling_ids(view, number)
            ]
    return {"Students": [_row(view, number, status, request) for number, status in asked], "StudentSiblings": kin}


def _sibling_ids(view: SchoolView, number: int) -> list[str]:
    return [ids.student_id(view, other) for other in facts.siblings(view, view.data.pupils[number])]


def year_group(nc_year: int) -> str:
    """``Year  7``: the year is padded to two places."""
    return f"Year {groups.nc_year_code(nc_year):>2}"


def _row(view: SchoolView, number: int, status: str, request: Request) -> Row:
    pupil = view.data.pupils[number]
    nc_year, on_roll = view.nc_year(pupil), bool(view.is_current[number])
    row = ids.person(view, ids.student_id(view, number), "PL", pupil)
    row |= {
        "Forename": pupil.forename,
        "Surname": pupil.surname,
        "DisplayName": f"{pupil.forename} {pupil.surname}",
    }
    if view.granted("Student"):
        row["AdmissionNo"] = facts.admission_number(view, pupil)
    housed = view.school.publishes_classes
    row |= {
        "Gender": "F" if pupil.female else "M",
        "RegGroupId": ids.form_id(view, nc_year, pupil.form) if on_roll else None,
        "RegGroup": groups.form_name(nc_year, pupil.form) if on_roll else None,
        "YearGroupId": ids.year_id(view, nc_year),
        "YearGroup": year_group(nc_year),
        "HouseGroupId": ids.house_id(view, pupil.house) if housed else None,
        "HouseGroup": groups.HOUSES[pupil.house] if housed else None,
        "WorkEmail": None,
        "IdaasEmail": None,
    }
    if request.option("includeSiblingsList"):
        row["StudentSiblingIds"] = ",".join(_sibling_ids(view, number))
    row |= _by_scope(view, pupil)
    if request.option("includeGroupIds") and view.granted("School"):
        row["GroupIds"] = ",".join(_group_ids(view, pupil)) if on_roll else ""
    if request.option("includeAttStats") and view.granted("Attendance"):
        row |= _attendance_stats(view, number)
    row["StudentStatus"] = status
    return stamped(row, int(view.pupil_updated[number]))


def _by_scope(view: SchoolView, pupil: Pupil) -> Row:
    """The columns beyond names and groups; those of a scope that is not granted are absent."""
    status = facts.status(view, pupil)
    demographic = ("StudentDemographic",)
    row: Row = {}
    if view.granted("StudentExtended"):
        left = facts.left(view, pupil)
        row |= {
            "DateofBirth": day_text(pupil.birth),
            "UniqueLearnerNumber": pupil.uln,
            "MiddleName": pupil.middle_names,
            "EnrolmentStatus": pupil.enrolment_status,
            "Boarder": 0,
            "LegalForename": pupil.legal_forename,
            "LegalSurname": pupil.surname,
            "EntryDate": day_text(pupil.admission),
            "LeavingDate": day_text(left),
            "Destination": None,
            "DestinationStartDate": None,
            "ReasonForLeaving": None,
        }
    if view.granted("SEN"):
        row["SENProvision"] = status.sen
    if view.granted("StudentFunding"):
        row |= {
            "FSMEligible": int(status.fsm),
            "FsmEndDate": None,
            "UniformAllowance": 0,
            "PupilPremium": int(status.premium),
            "YSSA": 0,
            "FSMEver6": int(status.fsm_ever_6),
            "Gifted": 0,
        }
    if meets(view, ("StudentDemographic", "StudentFunding")):
        row["EAL"] = int(status.eal)
    if view.granted("StudentFamily"):
        row |= {
            "ServiceChild": str(int(pupil.service)),
            "ServiceChildSource": None,
            "InLeaCare": int(status.in_care),
            "LeaCareAuthority": view.school.la_code if status.in_care else None,
            "EverInCare": int(status.ever_in_care),
            "IsYoungCarer": 0,
        }
    if meets(view, demographic, ("StudentEthnicity",)):
        row |= {
            "EthnicityCode": pupil.ethnicity,
            "Ethnicity": ETHNICITIES[pupil.ethnicity][1],
            "EthnicitySource": "P",
        }
    if meets(view, demographic, ("StudentReligion",)):
        row |= {"ReligionCode": None, "Religion": None}
    if meets(view, demographic):
        language = LANGUAGES[pupil.language]
        row |= {
            "HomeLanguage": language,
            "HomeLanguageCode": pupil.language,
            "FirstLanguage": language,
            "FirstLanguageCode": pupil.language,
            "FirstLanguageSource": "P",
            "EnglishProficiencyLevel": status.proficiency,
            "NationalIdentity": None,
            "Nationality": None,
            "AsylumStatus": None,
            "PostCode": pupil.address.postcode,
            "ModeOfTravel": None,
            "IsTraveller": 0,
            "TravellerSource": None,
        }
    if view.granted("UPN"):
        row |= {"UPN": pupil.upn, "FormerUPN": pupil.former_upn}
    if view.granted("Address"):
        home = pupil.address
        row |= {
            "ParentalSalutation": f"Parents of {pupil.forename} {pupil.surname}",
            "AddressBlock": f"{home.house_number} {home.street}\n{home.town}\n{home.county}\n{home.postcode}",
            "HouseNo": home.house_number,
            "HouseName": None,
            "Apartment": None,
            "Street": home.street,
            "District": None,
            "TownOrCity": home.town,
            "County": home.county,
            "PostCode": home.postcode,
            "Country": "United Kingdom",
        }
    return row


def _group_ids(view: SchoolView, pupil: Pupil) -> list[str]:
    nc_year = view.nc_year(pupil)
    found = [ids.year_id(view, nc_year), ids.form_id(view, nc_year, pupil.form)]
    if view.school.publishes_classes:
        found.append(ids.house_id(view, pupil.house))
    return found + [ids.class_id(view, teaching) for teaching in view.classes_of.get(pupil.number, [])]


def _attendance_stats(view: SchoolView, number: int) -> Row:
    counts = register.counts_this_year(view)[number]

    def total(*codes: int) -> int:
        return int(counts[list(codes)].sum())

    return {
        "AttStatsStartDate": day_text(date(view.year, 9, 1)),
        "AttStatsEndDate": day_text(view.clock.today),
        "NumPossMarks": total(*POSSIBLE),
        "NumPresMarks": total(*_PRESENT),
        "NumAEAMarks": total(*_ACTIVITY),
        "NumAuthAbsMarks": total(*AUTHORISED),
        "NumUnauthAbsMarks": total(*UNAUTHORISED),
        "NumMissMarks": total(NUMBER["-"]),
        "NumLateMarks": total(NUMBER["L"], NUMBER["U"]),
        "NumLateBeforeRegMarks": total(NUMBER["L"]),
    }
