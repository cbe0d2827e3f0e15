"""The pages of estimates, target setting and the student explorer, and their addresses."""

from __future__ import annotations

from starlette.routing import Route

from reports.benchmarks import (
    calibration,
    class_sheet,
    explorer,
    groups,
    policies,
    pupils,
    schools,
    subjects,
    target_setting,
)
from reports.benchmarks.forms import form_route
from reports.benchmarks.visit import open_visit
from reports.pages import page_routes
from reports.sections import BENCHMARKS

PAGES = (
    subjects.PAGE,
    groups.PAGE,
    class_sheet.PAGE,
    target_setting.PAGE,
    pupils.PAGE,
    explorer.PAGE,
    policies.PAGE,
    calibration.PAGE,
)
_FORMS = (
    (class_sheet.PAGE, class_sheet.act),
    (target_setting.PAGE, target_setting.act),
    (policies.PAGE, policies.act),
)

ROUTES = [
    Route("/benchmarks", schools.chooser),
    *(form_route(page, PAGES, act) for page, act in _FORMS),
    *page_routes(BENCHMARKS, PAGES, open_visit),
]
