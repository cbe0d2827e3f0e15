"""The HTTP side: routes, authentication, lists of rows, errors."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox import row_faults
from sandbox.answers import reply, under_faults
from sandbox.codes import CODES
from sandbox.facts.register import sessions_between
from sandbox.pages import Window, window
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
    def respond() -> Response:
        try:
            authorise(http, site.token, *_school_tokens(site, http))
            return handler(site, http)
        except ApiError as error:
            return refuse(site, error)

    return await under_faults(site, http, _path(http.url.path), respond)


def refuse(site: Site, error: ApiError) -> Response:
    """The answer of an error."""
    return reply(site, error.status, encode({"error": error.error, "error_description": error.description}))


def _school_tokens(site: Site, http: HttpRequest) -> list[str]:
    """What else opens a path: the token of the school in it, while its approval lasts."""
    school = site.world.by_id.get(http.path_params.get("school", ""))
    return [site.school_token(school)] if school and site.state(school) in ("approved", "offline") else []


def authorise(http: HttpRequest, *tokens: str) -> None:
    """Check ``Bearer <token>`` or Basic with the token as user name and an empty password.

    Raises ApiError 401 if it is none of ``tokens``.
    """
    kind, _, credentials = http.headers.get("authorization", "").partition(" ")
    given = credentials.strip()
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().removesuffix(":")
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if kind.lower() not in ("bearer", "basic") or not any(
        hmac.compare_digest(given.encode(), token.encode()) for token in tokens
    ):
        raise ApiError(
            401,
            "unauthenticated",
            "Give the application's token as Bearer, or as user name of Basic with an empty password",
        )


def _path(path: str) -> str:
    """What faults know a request by."""
    return path.removeprefix(BASE + "/")


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
    size, here = _window(site, request, len(rows), resource.largest_page)
    shown = [encode(resource.render(view, row, includes)) for row in rows[here.rows]]
    active = site.faults.rows(view.school.id, endpoint)
    if active:
        everything = list(resource.rows(view, Request(request.url, "", {})))
        places = {place for place in row_faults.places_named(active) if place < len(everything)}
        named = {place: resource.render(view, everything[place], {})["id"] for place in places}
        shown = row_faults.apply(active, shown, named)
    return reply(site, 200, envelope(shown, _page_meta(request, size, here)))


def _window(site: Site, request: Request, total: int, largest: int = _MAX_LIST_PAGE) -> tuple[int, Window]:
    """The page size and the page that a request gets."""
    size = request.page_size(largest)
    path = _path(urlsplit(request.url).path)
    return size, window(site.faults, path, page=request.number("page", 1), size=size, total=total)


def _page_meta(request: Request, size: int, here: Window) -> dict[str, Any]:
    following = None if here.is_last else request.link(page=here.page + 1)
    previous = request.link(page=here.page - 1) if here.page > 1 else None
    return meta(request, size=size, page=here.page, following=following, previous=previous)


def _single(site: Site, view: SchoolView, resource: Resource, identifier: str, request: Request) -> Response:
    _check_scope(view, resource.scope)
    includes = parse_includes(request.query.get("include", ""), resource.includes, view.mis.without)
    for row in resource.rows(view, Request(request.url, "", {})):
        if resource.render(view, row, {})["id"] == identifier:
            return reply(site, 200, encode({"data": resource.render(view, row, includes), "meta": {}}))
    raise ApiError(404, "resource_not_found", f"No row with id {identifier}")


def _mark_filter(view: SchoolView, request: Request) -> attendance.MarkFilter:
    def day(name: str) -> date | None:
        return parse_local(name, request.query[name]).date() if name in request.query else None

    def moment(name: str) -> int | None:
        return parse_moment(name, request.query[name]) if name in request.query else None

    first, last = sessions_between(view, day("attendance_date_after"), day("attendance_date_before"))
    return attendance.MarkFilter(first, last, moment("updated_after"), moment("updated_before"))


def _marks(site: Site, view: SchoolView, endpoint: str, request: Request) -> Response:
    _check_scope(view, "attendance.read")
    includes = parse_includes(request.query.get("include", ""), attendance.MARK_INCLUDES, view.mis.without)
    cursor = attendance.from_cursor(request.query["cursor"]) if "cursor" in request.query else attendance.START
    size = request.page_size(LARGEST_MARK_PAGE)
    page = partial(
        attendance.mark_page,
        view,
        leavers=MARKS[endpoint],
        wanted=_mark_filter(view, request),
        size=size,
        includes=includes,
    )
    at, before = cursor.at, cursor.before
    rows, following = page(start=at)
    turn = site.faults.turn(
        _path(urlsplit(request.url).path), has_before=before is not None, has_after=following is not None
    )
    if turn < 0 and before is not None:
        at = before
        rows, following = page(start=at)
    elif turn > 0 and following is not None:
        at = following
        rows, following = page(start=at)
    active = site.faults.rows(view.school.id, endpoint)
    if active:
        places = sorted(row_faults.places_named(active))
        rows = row_faults.apply(active, rows, attendance.ids_at(view, places, leavers=MARKS[endpoint]))
    link = request.link(cursor=attendance.Cursor(following, at).text()) if following else None
    return reply(site, 200, envelope(rows, meta(request, size=size, page=1, following=link, previous=None)))


def all_rows(view: SchoolView, endpoint: str, query: Mapping[str, str]) -> list[Any]:
    """Every row that an endpoint gives for a query, includes and filters heeded, pages and faults not.

    Raises ApiError 404 for an endpoint that is no list.
    """
    request = Request("", "", query)
    if endpoint in MARKS:
        everything = attendance.mark_page(
            view,
            leavers=MARKS[endpoint],
            wanted=_mark_filter(view, request),
            start=attendance.START.at,
            size=1 << 40,
            includes=parse_includes(query.get("include", ""), attendance.MARK_INCLUDES, view.mis.without),
        )[0]
        return [msgspec.Raw(raw) for raw in everything]
    if endpoint == "deletions":
        return [row for _, row in deletions(view)]
    if endpoint not in RESOURCES:
        raise ApiError(404, "resource_not_found", f"No list {endpoint}; there are {', '.join([*RESOURCES, *MARKS])}")
    resource = RESOURCES[endpoint]
    includes = parse_includes(query.get("include", ""), resource.includes, view.mis.without)
    return [resource.render(view, row, includes) for row in _filtered(view, resource, request)]


def _deletions(site: Site, view: SchoolView, request: Request) -> Response:
    found = deletions(view)
    if kind := request.query.get("type"):
        found = [entry for entry in found if entry[1]["type"] == kind]
    if "updated_after" in request.query:
        found = [entry for entry in found if entry[0] > parse_moment("updated_after", request.query["updated_after"])]
    if "updated_before" in request.query:
        found = [entry for entry in found if entry[0] < parse_moment("updated_before", request.query["updated_before"])]
    size, here = _window(site, request, len(found))
    shown = [encode(row) for _, row in found[here.rows]]
    return reply(site, 200, envelope(shown, _page_meta(request, size, here)))


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
    size, here = _window(site, request, len(found))
    shown = [encode(lists.school(site, school, http.url.netloc)) for school in found[here.rows]]
    return reply(site, 200, envelope(shown, _page_meta(request, size, here) | {"includes": ["cbds"]}))


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
