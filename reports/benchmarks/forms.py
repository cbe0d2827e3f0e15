"""Forms of target setting: a page that can be sent back with what was entered, and why it was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestration.targets.faults import TargetError, TargetsRefused
from reports.addresses import query_without
from reports.benchmarks.visit import CohortVisit, open_visit
from reports.pages import Page, reading, show
from reports.refusals import status_of
from reports.sections import BENCHMARKS
from reports.security import is_ours, read_form

#: A page of fifty pupils sends some 5 kB.
_LARGEST_FORM = 100_000
Act = Callable[[CohortVisit], tuple[str, int]]


def form_route(page: Page[CohortVisit], pages: Sequence[Page[CohortVisit]], act: Act) -> Route:
    """Return the address that a page's form is sent to: the page's own.

    ``act`` does what ``visit.entered`` asks for and returns what it did, a key of ``names.DONE``, and to how many. Then
    the page is shown anew. When it raises TargetError or TargetsRefused nothing is written, and the page is shown with
    the refusals and what was entered.
    """

    async def endpoint(request: Request) -> Response:
        form = await read_form(request, _LARGEST_FORM)
        return await run_in_threadpool(_answer, request, page, pages, act, form)

    return Route(f"/schools/{{school_id:int}}/{BENCHMARKS.slug}/{page.path or page.slug}", endpoint, methods=["POST"])


def _answer(
    request: Request, page: Page[CohortVisit], pages: Sequence[Page[CohortVisit]], act: Act, form: dict[str, str]
) -> Response:
    with reading(request, BENCHMARKS, read_only=False) as now:
        if not is_ours(request, form, now.site.signer.form_token(now.session.session_id)):
            return now.site.render("not_found.html", status=403)
        visit = replace(open_visit(request, now), entered=form)
        try:
            with now.connection.transaction():
                done, number = act(visit)
        except TargetError as error:
            return show(now, page, pages, replace(visit, refusals=[error]), status_of(error))
        except TargetsRefused as refused:
            errors = [problem.error for problem in refused.problems]
            return show(now, page, pages, replace(visit, refusals=errors), status_of(errors[0]))
    query = query_without(request.query_params, "done", "number", done=done, number=number)
    return RedirectResponse(f"{request.url.path}?{query}", 303)
