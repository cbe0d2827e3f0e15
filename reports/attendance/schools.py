"""The chooser of schools: those the reader may see, and no others."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reports.attendance.queries import schools as queries
from reports.attendance.queries import sources
from reports.pages import reading
from reports.paging import paged
from reports.sections import ATTENDANCE

#: From here on a list of links is searched, not read.
_SEARCH_FROM = 15


def chooser(request: Request) -> Response:
    """Show the reader's schools, or go straight to the only one."""
    with reading(request, ATTENDANCE) as now:
        granted = queries.granted(now.db, now.reader.school_ids) if now.db.has("school", "school_name") else []
        if len(granted) == 1:
            return RedirectResponse(f"/schools/{granted[0]['school_id']}/attendance/overview", 303)
        wanted = request.query_params.get("name", "").strip()
        found = [row for row in granted if wanted.lower() in row["school_name"].lower()]
        page = paged(found, request.query_params)
        shown = [row["school_id"] for row in page.rows]
        has_years = now.db.has(sources.year_relation(now.db), "attendance_rate", "persistent_absence_rate")
        context = {
            "paged": page,
            "has_years": has_years,
            "latest": queries.latest(now.db, shown) if has_years else {},
            "wanted": wanted,
            "has_search": len(granted) >= _SEARCH_FROM,
            "granted": len(granted),
        }
        return now.site.render("attendance/schools.html", now.context() | context)
