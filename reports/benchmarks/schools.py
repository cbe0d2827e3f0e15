"""The reader's schools, each leading to its estimates and targets."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reports.benchmarks.queries import cohorts as queries
from reports.pages import reading
from reports.paging import paged
from reports.sections import BENCHMARKS


def chooser(request: Request) -> Response:
    """Show the reader's schools, or go straight to the only one."""
    with reading(request, BENCHMARKS) as now:
        granted = queries.schools(now.db, now.reader.school_ids) if now.db.has("school", "school_name") else []
        if len(granted) == 1:
            return RedirectResponse(BENCHMARKS.address(granted[0]["school_id"]), 303)
        wanted = request.query_params.get("name", "").strip()
        found = [row for row in granted if wanted.lower() in row["school_name"].lower()]
        context = {"paged": paged(found, request.query_params), "wanted": wanted}
        return now.site.render("benchmarks/schools.html", now.context() | context)
