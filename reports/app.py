"""The application: which address shows which page, and what happens when none can be shown."""

from __future__ import annotations

import logging
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from orchestration.access.reading import NotAllowed
from reports import api, attendance, benchmarks, signin
from reports.pages import NotYours, SignInNeeded, home
from reports.security import SecurityHeaders
from reports.site import Site, site_of

_log = logging.getLogger(__name__)


def create_app(site: Site) -> Starlette:
    """Return the application of ``site``, to be served by any ASGI server."""
    hosts = {"127.0.0.1", "localhost", urlsplit(site.address).hostname or "localhost"}
    app = Starlette(
        routes=[
            Route("/", home),
            *attendance.ROUTES,
            *benchmarks.ROUTES,
            *api.ROUTES,
            Route("/sign-in", signin.sign_in_page, methods=["GET"]),
            Route("/sign-in", signin.sign_in, methods=["POST"]),
            Route("/sign-out", signin.sign_out, methods=["POST"]),
            Mount("/static", StaticFiles(directory=str(files("reports") / "static"))),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            # A page elsewhere could otherwise let its own name point to this machine and read what it finds.
            Middleware(TrustedHostMiddleware, allowed_hosts=sorted(hosts)),
        ],
        exception_handlers={
            SignInNeeded: _sign_in_needed,
            NotYours: _not_found,
            404: _not_found,
            NotAllowed: _failed,
            500: _failed,
        },
    )
    app.state.site = site
    return app


def _sign_in_needed(request: Request, error: Exception) -> Response:
    return signin.ask_to_sign_in(request)


def _not_found(request: Request, error: Exception) -> Response:
    return site_of(request).render("not_found.html", status=404)


def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s could not be shown: %s", request.url.path, error)
    return site_of(request).render("failed.html", status=500)
