"""The attendance pages, and their addresses."""

from __future__ import annotations

from starlette.routing import Route

from reports.attendance import (
    areas,
    compare,
    groups,
    overview,
    patterns,
    pupil,
    pupils,
    reasons,
    registers,
    risk,
    schools,
    similar,
    suspensions,
)
from reports.pages import school_endpoint

PAGES = (
    overview.PAGE,
    patterns.PAGE,
    reasons.PAGE,
    groups.PAGE,
    pupils.PAGE,
    pupil.PAGE,
    suspensions.PAGE,
    registers.PAGE,
    similar.PAGE,
    areas.PAGE,
    risk.PAGE,
)
_MENU = tuple(page for page in PAGES if page.in_menu)

ROUTES = [
    Route("/", schools.chooser),
    Route("/attendance/compare", compare.comparison),
    Route("/schools/{school_id:int}/attendance/pupils.csv", pupils.download),
    *(
        Route(f"/schools/{{school_id:int}}/attendance/{page.path or page.slug}", school_endpoint(page, _MENU))
        for page in PAGES
    ),
]
