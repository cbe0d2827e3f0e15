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
from reports.attendance.visit import open_visit
from reports.pages import page_routes
from reports.sections import ATTENDANCE

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
ROUTES = [
    Route("/attendance", schools.chooser),
    Route("/attendance/compare", compare.comparison),
    Route("/schools/{school_id:int}/attendance/pupils.csv", pupils.download),
    *page_routes(ATTENDANCE, PAGES, open_visit),
]
