"""The page of connections: ``GET /`` shows them, ``POST /schools/{id}/again`` runs a school again.

It stands beside the Dagster UI and has, as that, no login: it listens where the UI does. The page's button is the only
thing it does; that a press of it comes from the page and not from another site is told by the origin and the host.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestration.connection_report import ConnectionStatus, statuses
from orchestration.ingest import agenda
from orchestration.rerun import RerunError
from orchestration.warehouse.connection import Warehouse

#: Connections that a page shows.
PAGE_ROWS = 100

_ZONE = ZoneInfo("Europe/London")

#: Seconds after which a page on which a school is under way looks again.
_LOOK_AGAIN = 5

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Which connections somebody wants to see."""

    school_id: int | None = None
    named: str = ""
    in_trouble: bool = False
    after: int = 0

    @classmethod
    def of(cls, request: Request) -> Question:
        """As the address has it; a number that is none is an error of the caller."""
        asked = request.query_params
        try:
            school, after = asked.get("school"), int(asked.get("after") or 0)
            return cls(int(school) if school else None, asked.get("named", "").strip(), "in_trouble" in asked, after)
        except ValueError:
            raise HTTPException(400, "A school and a place in the list are numbers.") from None

    def address(self, after: int | None = None) -> str:
        """The address of the page that answers it, from another place in the list where one is given."""
        given: dict[str, Any] = {
            "school": self.school_id,
            "named": self.named,
            "in_trouble": "yes" if self.in_trouble else None,
            "after": self.after if after is None else after,
        }
        return "/?" + urlencode({name: value for name, value in given.items() if value})


class Runs(Protocol):
    """What starts a school's extract and knows which are under way: ``orchestration.rerun.Rerun``."""

    def under_way(self) -> dict[int, str]: ...

    def start(self, school_id: int) -> str: ...

    def address_of(self, run_id: str) -> str: ...


def create_app(warehouse: Warehouse, application: str, runs: Runs, hosts: Collection[str]) -> Starlette:
    """The page over the connections of one application of ours; ``hosts`` are the names under which it may be asked
    for.
    """
    environment = Environment(
        loader=PackageLoader("orchestration.connections_page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["when"] = lambda moment: f"{moment.astimezone(_ZONE):%Y-%m-%d %H:%M}"
    environment.filters["day"] = lambda moment: f"{moment.astimezone(_ZONE):%Y-%m-%d}"
    page = environment.get_template("page.html")

    def answer(question: Question, limit: int) -> list[ConnectionStatus]:
        with warehouse.connect() as connection:
            return statuses(
                connection,
                application,
                question.school_id,
                named=question.named,
                in_trouble=question.in_trouble,
                after=question.after,
                limit=limit,
            )

    def shown(question: Question, *, problem: str = "", status: int = 200) -> Response:
        running = runs.under_way()
        if not running:
            # Of all schools, so not at each look while somebody waits for one: what is due then stays due.
            with warehouse.connect() as connection:
                agenda.refresh(connection, datetime.now(UTC))
        found = answer(question, PAGE_ROWS + 1)
        text = page.render(
            question=question,
            found=found[:PAGE_ROWS],
            # The next page begins with the school that this one may have cut in two.
            following=question.address(found[PAGE_ROWS].school_id - 1) if len(found) > PAGE_ROWS else None,
            running={school: runs.address_of(run) for school, run in running.items()},
            problem=problem,
            look_again=_LOOK_AGAIN if running.keys() & {connection.school_id for connection in found} else None,
        )
        return HTMLResponse(text, status, headers=_HEADERS)

    def pressed(school_id: int) -> Response:
        question = Question(school_id)
        found = answer(question, PAGE_ROWS)
        if not found:
            return shown(question, problem=f"There is no school {school_id}.", status=404)
        if not any(connection.may_be_read for connection in found):
            return shown(question, problem=f"School {school_id} is not approved, so nothing is read.", status=409)
        try:
            runs.start(school_id)
        except RerunError as error:
            return shown(question, problem=str(error), status=503)
        # To the school alone, without a fragment: with one the page would not look again but jump.
        return RedirectResponse(question.address(), 303)

    async def look(request: Request) -> Response:
        return await run_in_threadpool(shown, Question.of(request))

    async def again(request: Request) -> Response:
        if urlsplit(request.headers.get("origin", "")).netloc != request.headers["host"]:
            raise HTTPException(403, "Only the page of connections itself may ask for that.")
        return await run_in_threadpool(pressed, request.path_params["school_id"])

    return Starlette(
        routes=[Route("/", look), Route("/schools/{school_id:int}/again", again, methods=["POST"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )
