"""Control of the sandbox by tests and demonstrations, below ``/_sandbox/``; same token as the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.answers import reply
from sandbox.calendar import academic_year, academic_year_name
from sandbox.codes import ATTENDED, AUTHORISED, CODES, NUMBER, UNAUTHORISED
from sandbox.facts import exclusions, register, results, staff
from sandbox.groupcall.tokens import Tokens
from sandbox.notices import Notices
from sandbox.schools import School
from sandbox.site import Site
from sandbox.view import SchoolView
from sandbox.wonde import app
from sandbox.wonde.wire import ApiError, encode


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    days: int = 1


class _State(msgspec.Struct, forbid_unknown_fields=True):
    state: str


class _Cache(msgspec.Struct, forbid_unknown_fields=True):
    school: str
    minutes: int


class _Address(msgspec.Struct, forbid_unknown_fields=True):
    url: str | None


class _Migration(msgspec.Struct, forbid_unknown_fields=True):
    mis: str


class _Scope(msgspec.Struct, forbid_unknown_fields=True):
    scope: str
    granted: bool


def routes(site: Site, tokens: Tokens, notices: Notices) -> list[BaseRoute]:
    """Routes of the control endpoints."""

    def route(path: str, method: str, handler: Callable[[Request, bytes], Any]) -> Route:
        async def endpoint(http: Request) -> Response:
            try:
                app.authorise(http, site.token)
                return reply(site, 200, encode({"data": handler(http, await http.body())}))
            except msgspec.ValidationError as error:
                return app.refuse(site, ApiError(422, "invalid_body", str(error)))
            except ApiError as error:
                return app.refuse(site, error)

        return Route(f"/_sandbox{path}", endpoint, methods=[method])

    def advance(http: Request, body: bytes) -> Any:
        wanted = msgspec.json.decode(body or b"{}", type=_Advance)
        return {"today": site.advance(wanted.days)}

    def set_state(http: Request, body: bytes) -> Any:
        site.set_state(_school(site, http), msgspec.json.decode(body, type=_State).state)
        return {}

    def set_scope(http: Request, body: bytes) -> Any:
        wanted = msgspec.json.decode(body, type=_Scope)
        site.set_scope(_school(site, http), wanted.scope, granted=wanted.granted)
        return {}

    def set_faults(http: Request, body: bytes) -> Any:
        return {"faults": site.set_faults(body)}

    def faults_left(http: Request, body: bytes) -> Any:
        return site.faults.in_force()

    def secrets(http: Request, body: bytes) -> Any:
        return {school.estab: tokens.secret(school) for school in site.schools()}

    def migrate(http: Request, body: bytes) -> Any:
        school, wanted = _school(site, http), msgspec.json.decode(body, type=_Migration).mis
        notices.migrated(school, site.migrate(school, wanted), wanted)
        return {}

    def set_webhooks(http: Request, body: bytes) -> Any:
        notices.webhooks = msgspec.json.decode(body, type=_Address).url
        return {}

    def set_approvals(http: Request, body: bytes) -> Any:
        notices.approvals = msgspec.json.decode(body, type=_Address).url
        return {}

    def deliveries(http: Request, body: bytes) -> Any:
        return notices.deliveries

    def set_cache(http: Request, body: bytes) -> Any:
        wanted = msgspec.json.decode(body, type=_Cache)
        site.set_cache_age(site.find(wanted.school), wanted.minutes)
        return {}

    def truth(http: Request, body: bytes) -> Any:
        about = {"counts": _counts, "attendance": _attendance}.get(http.path_params["about"])
        if about is None:
            raise ApiError(404, "resource_not_found", "There is truth about counts and about attendance")
        return about(site.any_view(_school(site, http)))

    def rows(http: Request, body: bytes) -> Any:
        view = site.any_view(_school(site, http))
        return app.all_rows(view, http.path_params["endpoint"], http.query_params)

    return [
        route("/advance", "POST", advance),
        route("/school/{school}/state", "POST", set_state),
        route("/school/{school}/scope", "POST", set_scope),
        route("/faults", "POST", set_faults),
        route("/faults", "GET", faults_left),
        route("/school/{school}/migrate", "POST", migrate),
        route("/webhooks", "POST", set_webhooks),
        route("/groupcall/approvals", "POST", set_approvals),
        route("/notices", "GET", deliveries),
        route("/groupcall/secrets", "GET", secrets),
        route("/groupcall/cache", "POST", set_cache),
        route("/truth/{school}/rows/{endpoint:path}", "GET", rows),
        route("/truth/{school}/{about}", "GET", truth),
    ]


def _school(site: Site, http: Request) -> School:
    return site.find(http.path_params["school"])


def _counts(view: SchoolView) -> dict[str, Any]:
    """How many rows each endpoint holds today."""
    shown = register.marks(view) != 0
    columns = {"session": view.current, "leavers": view.leavers}
    return {
        "today": view.clock.today,
        "students": len(view.current),
        "students-leaver": len(view.leavers),
        "students-pre-admission": len(view.pre_admissions),
        "classes": len(view.classes),
        "groups": len(view.forms),
        "employees": len(staff.known(view)),
        "exclusions": len(exclusions.visible(view)),
        "assessment/results": len(results.known(view)),
        "attendance/session": int(shown[:, columns["session"]].sum()),
        "attendance-leavers/session": int(shown[:, columns["leavers"]].sum()),
    }


def _attendance(view: SchoolView) -> list[dict[str, Any]]:
    """Marks by academic year, NC year and code, with the sums that the published definitions give."""
    shown = register.marks(view)
    years = np.array([academic_year(session.day) for session in view.data.register.sessions[: len(shown)]])
    found = []
    for year in sorted(set(years.tolist())):
        by_pupil = shown[years == year]
        nc_years: dict[int, list[int]] = {}
        for pupil in view.data.pupils:
            nc_years.setdefault(pupil.nc_year(year, view.data.years[0]), []).append(pupil.number)
        for nc_year, numbers in sorted(nc_years.items()):
            counts = np.bincount(by_pupil[:, numbers].ravel(), minlength=len(CODES))
            if counts[1:].sum():
                attended, authorised, unauthorised = (
                    int(counts[codes].sum()) for codes in (ATTENDED, AUTHORISED, UNAUTHORISED)
                )
                found.append(
                    {
                        "academic_year": academic_year_name(year),
                        "nc_year": nc_year,
                        "possible_sessions": attended + authorised + unauthorised,
                        "attended_sessions": attended,
                        "authorised_sessions": authorised,
                        "unauthorised_sessions": unauthorised,
                        "marks": {
                            code: int(counts[number]) for code, number in NUMBER.items() if number and counts[number]
                        },
                    }
                )
    return found
