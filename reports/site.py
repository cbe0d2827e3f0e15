"""What every request needs: the warehouse, the keys of sign-in, and how pages are rendered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from reports.database import Pool
from reports.formats import FILTERS
from reports.signing import Signer
from reports.vault import Vault


@dataclass(frozen=True)
class Site:
    """One running application. ``is_synthetic`` when the schools are the sandbox's, which every page then says."""

    pool: Pool
    signer: Signer
    vault: Vault
    address: str
    is_synthetic: bool

    @property
    def is_secure(self) -> bool:
        return self.address.startswith("https://")

    def render(self, template: str, context: Mapping[str, Any] | None = None, status: int = 200) -> HTMLResponse:
        """Answer with a template."""
        shared: dict[str, Any] = {
            "is_synthetic": self.is_synthetic,
            "reader": None,
            "form_token": "",
            "sections": [],
            "section": None,
        }
        html = TEMPLATES.get_template(template).render(shared | dict(context or {}))
        return HTMLResponse(html, status)


def site_of(request: Request) -> Site:
    """Return the application's site."""
    site: Site = request.app.state.site
    return site


def now() -> float:
    """Return the epoch second that tokens are judged by."""
    return time.time()


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


TEMPLATES = _templates()
