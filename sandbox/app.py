"""The application: both partners' interfaces and the control calls on one port."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.types import ASGIApp

from sandbox import control
from sandbox.groupcall.app import Service
from sandbox.groupcall.tokens import Tokens
from sandbox.notices import Notices
from sandbox.site import Site
from sandbox.wonde import app as wonde


def build(site: Site, tokens: Tokens) -> ASGIApp:
    """Every route. Wonde's come last: they answer whatever nobody else knows."""
    notices = Notices(site, tokens)
    site.on_state = notices.state_changed
    return Starlette(
        routes=[*Service(site, tokens).routes(), *control.routes(site, tokens, notices), *wonde.routes(site)]
    )
