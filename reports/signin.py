"""Signing in by a link that works once, and the session after it.

The link opens a page with a button, and the button's form uses the link up: programs that look into mail follow links,
but send no forms.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reports.security import is_ours, read_form
from reports.signing import Signer
from reports.site import now, site_of

LINK_SECONDS = 15 * 60
SESSION_SECONDS = 8 * 60 * 60
_COOKIE = "mis_session"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. It says who; what they may see is read from the database at each request."""

    session_id: str
    person_id: int
    until: float


def sign_in_link(signer: Signer, address: str, person_id: int) -> str:
    """Return an address that signs this person in, once, within LINK_SECONDS."""
    token = signer.sign("link", {"id": _new_id(), "person": person_id, "until": now() + LINK_SECONDS})
    return f"{address}/sign-in?token={token}"


def session_of(request: Request) -> Session | None:
    """Return the request's session; None when there is none, or it has ended."""
    site = site_of(request)
    payload = site.signer.read("session", request.cookies.get(_COOKIE, ""), now())
    if payload is None or site.vault.is_spent(payload["id"]):
        return None
    return Session(payload["id"], payload["person"], payload["until"])


def ask_to_sign_in(request: Request, status: int = 401) -> Response:
    """Answer that one has to sign in, and how."""
    return site_of(request).render("sign_in.html", {"token": None}, status)


async def sign_in_page(request: Request) -> Response:
    """Show the button of a link that is still good."""
    token = request.query_params.get("token")
    site = site_of(request)
    if token is None:
        return ask_to_sign_in(request, 200)
    link = site.signer.read("link", token, now())
    if link is None or site.vault.is_spent(link["id"]):
        return _link_ended(request)
    form_token = site.signer.form_token(link["id"])
    return site.render("sign_in.html", {"token": token, "form_token": form_token})


async def sign_in(request: Request) -> Response:
    """Use the link up and begin a session."""
    site = site_of(request)
    form = await read_form(request)
    link = site.signer.read("link", form.get("token", ""), now())
    if link is None or not is_ours(request, form, site.signer.form_token(link["id"])):
        return _link_ended(request)
    if not await run_in_threadpool(site.vault.spend, link["id"], link["until"]):
        return _link_ended(request)
    await run_in_threadpool(site.vault.forget_ended, now())
    answer = RedirectResponse("/", 303)
    payload = {"id": _new_id(), "person": link["person"], "until": now() + SESSION_SECONDS}
    answer.set_cookie(
        _COOKIE,
        site.signer.sign("session", payload),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=site.is_secure,
    )
    return answer


async def sign_out(request: Request) -> Response:
    """End the session for good: a copy of its cookie is worth nothing afterwards."""
    site = site_of(request)
    session = session_of(request)
    form = await read_form(request)
    if session is not None:
        if not is_ours(request, form, site.signer.form_token(session.session_id)):
            return site.render("not_found.html", status=403)
        await run_in_threadpool(site.vault.spend, session.session_id, session.until)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(_COOKIE, httponly=True, samesite="lax", secure=site.is_secure)
    return answer


def _link_ended(request: Request) -> Response:
    return site_of(request).render("link_ended.html", status=403)


def _new_id() -> str:
    return secrets.token_urlsafe(24)
