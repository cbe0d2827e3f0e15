"""Schools as the lists show them, and what is known about the application's access to each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sandbox.calendar import epoch
from sandbox.schools import School
from sandbox.site import Site
from sandbox.wonde import scopes
from sandbox.wonde.wire import Row, utc_time

STATES_LISTED = ("approved", "pending", "audited", "offline", "revoked", "declined")


def school(site: Site, one: School, host: str) -> Row:
    """A row of a school list; ``host`` is the server's own name and port."""
    identifiers = {"la_code": one.la_code, "establishment_number": one.establishment_number, "urn": one.urn}
    return {
        "id": one.id,
        "name": one.name,
        "establishment_number": one.establishment_number,
        "urn": one.urn,
        "phase_of_education": one.wire_phase,
        "la_code": one.la_code,
        "timezone": "Europe/London",
        "mis": site.mis(one),
        "address": {
            "address_line_1": "1 School Lane",
            "address_line_2": None,
            "address_town": one.town,
            "address_postcode": postcode(one),
            "address_country": {"code": "GBR", "name": "England"},
        },
        "extended": {
            "allows_writeback": False,
            "has_timetables": one.publishes_classes,
            "has_lesson_attendance": False,
            "audit_approved_at": utc_time(_audited(site)),
        },
        "region": {
            "code": "GBR",
            "domain": host,
            "school_url": f"http://{host}/v1.0/schools/{one.id}",
            "identifiers": identifiers,
        },
    }


def postcode(one: School) -> str:
    """A school's postcode, in an area that does not exist."""
    return f"ZZ{1 + one.index % 99} 1ZZ"


def _audited(site: Site) -> int:
    return epoch(date(site.world.parameters.years[0], 7, 1)) + 10 * 3600


def matches(one: School, query: Mapping[str, str]) -> bool:
    """Whether a school is what a search of the register asks for."""
    has = {
        "postcode": postcode(one),
        "la_code": one.la_code,
        "establishment_number": one.establishment_number,
        "urn": str(one.urn),
    }
    return all(query.get(name, value).replace(" ", "").upper() == value.replace(" ", "") for name, value in has.items())


def meta(site: Site, one: School) -> Row:
    """Whether a school is online, approved and audited, and whether it uses its own attendance codes."""
    state = site.state(one)
    return {
        "online": state != "offline",
        "approved": state in ("approved", "offline"),
        "audited": state in ("approved", "offline", "audited"),
        "custom_attendance_codes": one.custom_codes,
    }


def permissions(site: Site, one: School, since: date) -> list[Row]:
    """Every scope that the application asks for and whether the school grants it."""
    denied = site.denied(one)
    approved = site.state(one) == "approved"
    return [
        {
            "identity": scope,
            "name": scopes.title(scope),
            "description": scopes.title(scope),
            "parent": f"{scope.split('.')[0]}.read" if scope in scopes.PROPERTIES else None,
            "group": scope.split(".")[0].replace("-", " ").capitalize(),
            "active_from": utc_time(epoch(since)),
            "optional": scope != "students.read",
            "approved": approved and scope not in denied,
            "audited": True,
            "declined": scope in denied,
        }
        for scope in scopes.ALL
    ]
