"""The HTTP side: token endpoints, information, and answers made of named result sets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox import row_faults
from sandbox.answers import reply, under_faults
from sandbox.groupcall import information
from sandbox.groupcall.endpoints import ENDPOINTS, Endpoint
from sandbox.groupcall.scopes import check
from sandbox.groupcall.snapshots import Encoded, Snapshots
from sandbox.groupcall.tokens import Claims, Tokens
from sandbox.groupcall.wire import Request, Row, XodError, encode, exception_body, local
from sandbox.pages import Window, window
from sandbox.schools import School
from sandbox.site import Site
from sandbox.view import SchoolView

BASE = "/api/v1"
TOKEN_PATHS = ("/api/oauth/GetToken", "/idaas/sts/STS/GetToken")
_OFFLINE = "The connection of this school is offline"
#: Answers kept so that reading one page by page works it out once.
_ANSWERS_KEPT = 12
#: Parameters that shape an answer without deciding which rows there are.
_SHAPE = frozenset({"page", "pagesize", "select", "changedrows"})
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Service:
    """Groupcall's side of one sandbox."""

    def __init__(self, site: Site, tokens: Tokens) -> None:
        self._site, self._tokens = site, tokens
        self._usage = information.Usage()
        self._snapshots = Snapshots(site.directory / f"groupcall-snapshots-{site.world.parameters.key}")
        self._kept: OrderedDict[str, tuple[SchoolView, Encoded]] = OrderedDict()

    def routes(self) -> list[BaseRoute]:
        """Routes of the token endpoints and of everything below ``/api/v1/``."""
        found: list[BaseRoute] = [
            Route(path, partial(self._answer, handler=self._get_token), methods=["POST"]) for path in TOKEN_PATHS
        ]
        return [
            *found,
            Route(f"{BASE}/{{rest:path}}", partial(self._answer, handler=self._get), methods=["GET"]),
            Route(f"{BASE}/{{rest:path}}", partial(self._answer, handler=self._refuse_write), methods=_METHODS[1:]),
        ]

    async def _answer(self, http: HttpRequest, *, handler: Callable[[HttpRequest, bytes], bytes]) -> Response:
        body = await http.body()

        def respond() -> Response:
            try:
                return reply(self._site, 200, handler(http, body))
            except XodError as error:
                return reply(self._site, error.status, encode(exception_body(error.message)))

        return await under_faults(self._site, http, _path(http), respond)

    # -- tokens and information ----------------------------------------------------------------------------------------

    def _get_token(self, http: HttpRequest, body: bytes) -> bytes:
        return encode(self._tokens.issue(body))

    def _refuse_write(self, http: HttpRequest, body: bytes) -> bytes:
        self._tokens.claims(http.headers)
        raise XodError("This interface is read only", 405)

    def _get(self, http: HttpRequest, body: bytes) -> bytes:
        school, claims = self._tokens.claims(http.headers)
        parts = http.path_params["rest"].strip("/").split("/")
        if parts[0].lower() == "school" and len(parts) in (3, 4):
            return self._data(http, school, parts[1:])
        if len(parts) == 1 and (answer := self._information(parts[0].lower(), school, claims)) is not None:
            return encode(answer)
        raise XodError(f"No endpoint at {http.url.path}", 404)

    def _information(self, name: str, school: School, claims: Claims) -> Row | None:
        party = self._tokens.relying_party
        if name == "tokendetails":
            return information.token_details(claims, party, self._site.denied(school))
        if name == "scopes":
            return information.all_scopes()
        if name == "queries":
            return information.catalogue()
        if name == "usage":
            return self._usage.answer(school.estab, party, self._site.clock.today)
        if name == "gdprids":
            return information.opted_out(school.estab, party)
        return None

    # -- data of a school ----------------------------------------------------------------------------------------------

    def _data(self, http: HttpRequest, school: School, parts: list[str]) -> bytes:
        estab, name, *identifier = parts
        endpoint = ENDPOINTS.get(name.lower())
        if estab != school.estab:
            raise XodError(f"The token is not one of estab {estab}", 401)
        if endpoint is None:
            raise XodError(f"No endpoint {name}", 404)
        self._usage.count(estab, self._site.clock.today)
        offline = self._site.state(school) == "offline"
        if offline and endpoint.name == "Health":
            return encode({"Health": [{"Area": "Connection", "Status": "Error", "Message": _OFFLINE, "Checked": None}]})
        if offline:
            raise XodError(_OFFLINE)
        view = self._site.cached_view(school)
        check(view, endpoint.needs)
        parameters: dict[str, str] = {}
        for key, value in http.query_params.multi_items():
            known = parameters.get(key.lower())
            # Options may be given one by one.
            parameters[key.lower()] = f"{known},{value}" if known and key.lower() == "options" else value
        return self._sets(view, endpoint, Request("".join(identifier), parameters), _path(http))

    def _sets(self, view: SchoolView, endpoint: Endpoint, request: Request, path: str) -> bytes:
        everything = rows = self._encoded(view, endpoint, request)
        answer: dict[str, Any] = {}
        if request.given("changedRows"):
            rows, answer = self._changes(view, endpoint, request.text("changedRows"), rows)
        main = next(iter(rows))
        rows = rows | {main: self._damaged(view, endpoint, rows[main], everything[main])}
        page = 1
        if request.given("pageSize"):
            size = request.number("pageSize", 1000)
            here = window(self._site.faults, path, page=request.number("page", 1), size=size, total=len(rows[main]))
            page = here.page
            rows = rows | {main: rows[main][here.rows]}
            answer["__pagination__"] = [_pagination(here, size)]
        if request.given("select"):
            wanted = {name.lower() for name in request.listed("select")}
            rows = rows | {main: [(key, _selected(raw, wanted)) for key, raw in rows[main]]}
        answer["meta"] = [] if page > 1 and view.mis.meta_once else [self._meta(view)]
        sets = b",".join(
            encode(name) + b":[" + b",".join(raw for _, raw in found) + b"]" for name, found in rows.items()
        )
        return b"{" + sets + b"," + encode(answer)[1:]

    def _changes(
        self, view: SchoolView, endpoint: Endpoint, asked: str, rows: Encoded
    ) -> tuple[Encoded, dict[str, Any]]:
        """What has changed since a snapshot, and what the answer says about it."""
        changes = self._snapshots.compare(f"{view.school.estab}/{endpoint.name}", asked, rows)
        tracking = {
            "SnapshotDate": local(view.clock.now),
            "SnapshotRP": self._tokens.relying_party,
            "PreviousChangedRows": None if asked == "*" else asked,
            "RequestedChangedRows": asked,
            "NextChangedRows": changes.following,
            "NextUrl": f"?changedRows={changes.following}",
        }
        return changes.rows, (changes.deleted or {}) | {"__changedRows__": [tracking]}

    def _encoded(self, view: SchoolView, endpoint: Endpoint, request: Request) -> Encoded:
        """Every row of the answer as JSON with its key; kept for the pages that follow."""
        filters = sorted(item for item in request.parameters.items() if item[0] not in _SHAPE)
        key = f"{view.school.estab}/{endpoint.name}/{request.identifier}?{filters}"
        kept = self._kept.get(key)
        # A view is thrown away when anything about its school changes.
        if kept is None or kept[0] is not view:
            sets = endpoint.sets(view, request)
            kept = view, {name: [(_key(row), encode(row)) for row in rows] for name, rows in sets.items()}
            self._kept[key] = kept
            if len(self._kept) > _ANSWERS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept[1]

    def _damaged(
        self, view: SchoolView, endpoint: Endpoint, rows: list[tuple[str, bytes]], everything: list[tuple[str, bytes]]
    ) -> list[tuple[str, bytes]]:
        """Rows of the main set as faults leave them; places are those in ``everything``."""
        active = self._site.faults.rows(view.school.id, endpoint.name)
        if not active:
            return rows
        named = {place: everything[place][0] for place in row_faults.places_named(active) if place < len(everything)}
        return [("", raw) for raw in row_faults.apply(active, [raw for _, raw in rows], named, identifier="Id")]

    def _meta(self, view: SchoolView) -> Row:
        at = local(view.clock.now + self._site.faults.skew)
        return {"Id": 1, "MIS": view.mis.connector, "Version": "4", "DateTime": at}


def _path(http: HttpRequest) -> str:
    """What faults know a request by."""
    return http.url.path.removeprefix(f"{BASE}/").lstrip("/")


def _pagination(here: Window, size: int) -> Row:
    return {
        "PageSize": size,
        "PageNumber": here.page,
        "PageCount": max(1, -(-here.total // size)),
        "RowCount": here.total,
        # Filled on the last page too.
        "NextPage": f"?page={here.page + 1}&pageSize={size}",
    }


def _key(row: Row) -> str:
    """What a row is known by: its id; codes of attendance have none."""
    return str(row["Id"] if "Id" in row else row.get("Mark"))


def _selected(raw: bytes, wanted: set[str]) -> bytes:
    row: Row = msgspec.json.decode(raw)
    return encode({name: value for name, value in row.items() if name.lower() in wanted})
