"""The HTTP side: routes, authentication, lists of rows, errors."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox import faults
from sandbox.answers import reply, under_faults
from sandbox.codes import CODES
from sandbox.facts.register import sessions_between
from sandbox.site import Site
from sandbox.view import SchoolView
from sandbox.wonde import attendance, lists
from sandbox.wonde.deletions import deletions
from sandbox.wonde.paging import Request, meta
from sandbox.wonde.resources import LARGEST_MARK_PAGE, MARKS, RESOURCES, Item, Resource
from sandbox.wonde.wire import ApiError, encode, envelope, parse_includes, parse_local, parse_moment

BASE = "/v1.0"
_MAX_LIST_PAGE = 500

Handler = Callable[[Site, HttpRequest], Response]


def routes(site: Site) -> list[BaseRoute]:
    """Routes below ``/v1.0/``, and one for paths that do not exist."""
    found: list[BaseRoute] = []
    for method, path, handler in _ROUTES:
        endpoint = partial(_answer, site, handler=handler)
        # The vendor's own client puts a slash before the question mark.
        found += [Route(BASE + path + slash, endpoint, methods=[method]) for slash in ("", "/")]
    return [*found, Route("/{rest:path}", partial(_answer, site, handler=_unknown), methods=_METHODS)]


async def _answer(site: Site, http: HttpRequest, *, handler: Handler) -> Response:
    async def respond() -> Response:
        try:
            authorise(site, http)
            return handler(site, http)
        except ApiError as error:
            return refuse(site, error)

    return await under_faults(site, http.url.path.removeprefix(BASE + "/"), respond)


def refuse(site: Site, error: ApiError) -> Response:
    """The answer of an error."""
    return reply(site, error.status, encode({"error": error.error, "error_description": error.description}))


def authorise(site: Site, http: HttpRequest) -> None:
    """Check ``Bearer <token>`` or Basic with the token as user name and an empty password.

    Raises ApiError 401.
    """
    kind, _, credentials = http.headers.get("authorization", "").partition(" ")
    given = credentials.strip()
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().removesuffix(":")
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if kind.lower() not in ("bearer", "basic") or not hmac.compare_digest(given.encode(), site.token.encode()):
        raise ApiError(
            401,
            "unauthenticated",
            "Give the application's token as Bearer, or as user name of Basic with an empty password",
        )


def _request(http: HttpRequest) -> Request:
    url = http.url
    return Request(f"{url.scheme}://{url.netloc}{url.path}", url.query, http.query_params)


# -- rows of a school
# ----------------------------------------------------------------------------------------------------


def _school_resource(site: Site, http: HttpRequest) -> Response:
    view = site.view(http.path_params["school"])
    endpoint = http.path_params["resource"].strip("/")
    request = _request(http)
    if endpoint in MARKS:
        return _marks(site, view, endpoint, request)
    if endpoint == "deletions":
        return _deletions(site, view, request)
    if endpoint == "counts":
        return _counts(site, view, request)
    if endpoint in RESOURCES:
        return _rows(site, view, endpoint, RESOURCES[endpoint], request)
    parent, _, identifier = endpoint.rpartition("/")
    if parent in RESOURCES:
        return _single(site, view, RESOURCES[parent], identifier, request)
    raise ApiError(404, "resource_not_found", f"No resource {endpoint} for this school")


def _check_scope(view: SchoolView, scope: str) -> None:
    if not view.granted(scope):
        raise ApiError(403, "invalid_permissions", f"Scope {scope} not enabled")


def _filtered(view: SchoolView, resource: Resource, request: Request) -> list[Item]:
    rows = list(resource.rows(view, request))
    for name, keep in (("updated_after", int.__gt__), ("updated_before", int.__lt__)):
        if name in request.query:
            moment = parse_moment(name, request.query[name])
            if resource.updated is not None:
                updated = resource.updated
                rows = [row for row in rows if keep(updated(view, row), moment)]
    return rows


def _rows(site: Site, view: SchoolView, endpoint: str, resource: Resource, request: Request) -> Response:
    _check_scope(view, resource.scope)
    includes = parse_includes(request.query.get("include", ""), resource.includes, view.mis.without)
    rows = view.remember(f"{endpoint}?{request.filters}", lambda: _filtered(view, resource, request))
    size, page = request.page_size(resource.largest_page), request.number("page", 1)
    here = [encode(resource.render(view, row, includes)) for row in rows[(page - 1) * size : page * size]]
    active = site.faults.rows(view.school.id, endpoint)
    if active:
        everything = list(resource.rows(view, Request(request.url, "", {})))
        places = {place for fault in active for place in fault.rows if place < len(everything)}
        here = faults.apply(
            active, here, {place: resource.render(view, everything[place], {})["id"] for place in places}
        )
    return reply(site, 200, envelope(here, _page_meta(request, len(rows), size, page)))


def _page_meta(request: Request, total: int, size: int, page: int) -> dict[str, Any]:
    following = request.link(page=page + 1) if page * size < total else None
    previous = request.link(page=page - 1) if page > 1 else None
    return meta(request, size=size, page=page, following=following, previous=previous)


def _single(site: Site, view: SchoolView, resource: Resource, identifier: str, request: Request) -> Response:
    _check_scope(view, resource.scope)
    includes = parse_includes(request.query.get("include", ""), resource.includes, view.mis.without)
    for row in resource.rows(view, Request(request.url, "", {})):
        if resource.render(view, row, {})["id"] == identifier:
            return reply(site, 200, encode({"data": resource.render(view, row, includes), "meta": {}}))
    raise ApiError(404, "resource_not_found", f"No row with id {identifier}")


def _marks(site: Site, view: SchoolView, endpoint: str, request: Request) -> Response:
    _check_scope(view, "attendance.read")
    query = request.query
    includes = parse_includes(query.get("include", ""), attendance.MARK_INCLUDES, view.mis.without)
    after = (
        parse_local("attendance_date_after", query["attendance_date_after"]).date()
        if "attendance_date_after" in query
        else None
    )
    before = (
        parse_local("attendance_date_before", query["attendance_date_before"]).date()
        if "attendance_date_before" in query
        else None
    )
    first, last = sessions_between(view, after, before)
    wanted = attendance.MarkFilter(
        first,
        last,
        parse_moment("updated_after", query["updated_after"]) if "updated_after" in query else None,
        parse_moment("updated_before", query["updated_before"]) if "updated_before" in query else None,
    )
    start = attendance.from_cursor(query["cursor"]) if "cursor" in query else attendance.Position(0, 0)
    size = request.page_size(LARGEST_MARK_PAGE)
    rows, following = attendance.mark_page(
        view, leavers=MARKS[endpoint], wanted=wanted, start=start, size=size, includes=includes
    )
    active = site.faults.rows(view.school.id, endpoint)
    if active:
        places = sorted({place for fault in active for place in fault.rows})
        rows = faults.apply(active, rows, attendance.ids_at(view, places, leavers=MARKS[endpoint]))
    link = request.link(cursor=attendance.to_cursor(following)) if following else None
    return reply(site, 200, envelope(rows, meta(request, size=size, page=1, following=link, previous=None)))


def _deletions(site: Site, view: SchoolView, request: Request) -> Response:
    found = deletions(view)
    if kind := request.query.get("type"):
        found = [entry for entry in found if entry[1]["type"] == kind]
    if "updated_after" in request.query:
        found = [entry for entry in found if entry[0] > parse_moment("updated_after", request.query["updated_after"])]
    if "updated_before" in request.query:
        found = [entry for entry in found if entry[0] < parse_moment("updated_before", request.query["updated_before"])]
    size, page = request.page_size(_MAX_LIST_PAGE), request.number("page", 1)
    here = [encode(row) for _, row in found[(page - 1) * size : page * size]]
    return reply(site, 200, envelope(here, _page_meta(request, len(found), size, page)))


def _counts(site: Site, view: SchoolView, request: Request) -> Response:
    found = {}
    for name in request.includes or ["students"]:
        resource = RESOURCES.get(name)
        if resource is None:
            raise ApiError(400, "invalid_include", name)
        count = len(resource.rows(view, Request(request.url, "", {}))) if view.granted(resource.scope) else None
        found[name] = {"data": {"count": count}}
    return reply(site, 200, encode({"data": found}))


def _refuse_write(site: Site, http: HttpRequest) -> Response:
    view = site.view(http.path_params["school"])
    resource = http.path_params["resource"].strip("/").split("/")[0]
    raise ApiError(403, "invalid_permissions", f"Scope {resource}.write not enabled for {view.school.id}")


# -- schools
# -------------------------------------------------------------------------------------------------------------


def _school_list(site: Site, http: HttpRequest) -> Response:
    return _list_of_schools(site, http, "approved")


def _school_or_list(site: Site, http: HttpRequest) -> Response:
    name = http.path_params["school"]
    if name in lists.STATES_LISTED or name == "all":
        return _list_of_schools(site, http, name)
    return reply(site, 200, encode({"data": lists.school(site, site.find(name), http.url.netloc), "meta": {}}))


def _list_of_schools(site: Site, http: HttpRequest, name: str) -> Response:
    request = _request(http)
    found = site.schools() if name == "all" else site.schools(name)
    if name == "all":
        found = [school for school in found if lists.matches(school, request.query)]
    size, page = request.page_size(_MAX_LIST_PAGE), request.number("page", 1)
    here = [encode(lists.school(site, school, http.url.netloc)) for school in found[(page - 1) * size : page * size]]
    return reply(site, 200, envelope(here, _page_meta(request, len(found), size, page) | {"includes": ["cbds"]}))


def _meta(site: Site, http: HttpRequest) -> Response:
    school = site.find(http.path_params["school"])
    return reply(site, 200, encode({"data": lists.meta(site, school)}))


def _permissions(site: Site, http: HttpRequest) -> Response:
    school = site.find(http.path_params["school"])
    return reply(
        site, 200, encode({"data": lists.permissions(site, school, site.clock.today - timedelta(days=330)), "meta": {}})
    )


def _acl(site: Site, http: HttpRequest) -> Response:
    site.find(http.path_params["school"])
    return reply(site, 200, encode({"data": {"mode": "deny", "ids": []}}))


def _request_access(site: Site, http: HttpRequest) -> Response:
    school = site.find(http.path_params["school"])
    if site.state(school) != "approved":
        site.set_state(school, "pending")
    return reply(
        site, 200, encode({"success": True, "state": site.state(school), "message": "Access request recorded"})
    )


def _revoke_access(site: Site, http: HttpRequest) -> Response:
    school = site.find(http.path_params["school"])
    site.set_state(school, "revoked")
    return reply(site, 200, encode({"success": True, "state": "revoked", "message": "Access revoked"}))


def _global_codes(site: Site, http: HttpRequest) -> Response:
    rows = [encode(attendance.render_code(None, number, {})) for number in range(1, len(CODES))]
    return reply(site, 200, envelope(rows, {}))


def _unknown(site: Site, http: HttpRequest) -> Response:
    raise ApiError(404, "resource_not_found", f"No resource at {http.url.path}")


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/schools", _school_list),
    ("GET", "/schools/{school}", _school_or_list),
    ("POST", "/schools/{school}/request-access", _request_access),
    ("DELETE", "/schools/{school}/revoke-access", _revoke_access),
    ("GET", "/schools/{school}/{resource:path}", _school_resource),
    *((method, "/schools/{school}/{resource:path}", _refuse_write) for method in _METHODS[1:]),
    ("GET", "/meta/schools/{school}", _meta),
    ("GET", "/meta/schools/{school}/permissions", _permissions),
    ("GET", "/meta/schools/{school}/acl", _acl),
    ("GET", "/attendance-codes", _global_codes),
)
