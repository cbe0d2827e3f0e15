"""Notices that partners send to the platform of their own accord: Wonde's webhooks and Groupcall's approval form.

Wonde's bodies are documented (source_apis.md 1.12) but for the form of the two times of a migration, which are texts
in UTC here. Neither partner signs anything. A delivery that fails is tried three times in all: reported for Wonde,
inferred for Groupcall.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from sandbox.groupcall.scopes import SCOPES
from sandbox.groupcall.tokens import THIRD_PARTY, Tokens
from sandbox.schools import School
from sandbox.site import Site

_TRIES = 3
_PAUSE_IN_SECONDS = 0.2
_PATIENCE_IN_SECONDS = 5.0


class Delivery(msgspec.Struct):
    """One notice on its way: what it was, how often it was tried, and whether it was taken (None: still on its way)."""

    what: str
    school: str
    url: str
    tries: int = 0
    delivered: bool | None = None


class Notices:
    """Delivers beside the requests that the sandbox answers. Where to is forgotten on a restart."""

    def __init__(self, site: Site, tokens: Tokens) -> None:
        self._site, self._tokens = site, tokens
        self.webhooks: str | None = None
        self.approvals: str | None = None
        self.deliveries: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def state_changed(self, school: School, state: str) -> None:
        """Tell of a school's new state, as far as anybody wants to know."""
        if state == "approved":
            self._webhook(school, "schoolApproved", {"school_token": self._site.school_token(school)})
            self._approval(school)
        elif state == "revoked":
            self._webhook(school, "accessRevoked", {"revoke_reason": "Asked for by a test"})
        elif state == "declined":
            self._webhook(school, "accessDeclined", {"decline_reason": "Asked for by a test"})

    def migrated(self, school: School, before: str, after: str) -> None:
        """Tell of a school's change of MIS."""
        at = f"{datetime.fromtimestamp(self._site.clock.now, UTC):%Y-%m-%d %H:%M:%S}"
        body = {
            "payload_type": "schoolMigration",
            "school_id": school.id,
            "school_name": school.name,
            "migrate_from": before,
            "migrate_to": after,
            "scheduled_at": at,
            "completed_at": at,
        }
        self._send("schoolMigration", school, self.webhooks, json=body)

    def _webhook(self, school: School, what: str, more: dict[str, str]) -> None:
        body = {
            "payload_type": what,
            "school_id": school.id,
            "school_name": school.name,
            "school_la_code": school.la_code,
            "school_urn": str(school.urn),
            "school_establishment_number": school.establishment_number,
        }
        self._send(what, school, self.webhooks, json=body | more)

    def _approval(self, school: School) -> None:
        denied = self._site.denied(school)
        form = {
            "schoolSecret": self._tokens.secret(school),
            "schoolId": school.estab,
            "schoolEmail": f"office@{school.id.lower()}.example.org",
            "schoolName": school.name,
            "templateScopes": ",".join(SCOPES),
            "scopes": ",".join(scope for scope in SCOPES if scope not in denied),
            "thirdParty": THIRD_PARTY,
            "partnerId": self._tokens.relying_party,
        }
        self._send("approval", school, self.approvals, data=form)

    def _send(self, what: str, school: School, url: str | None, **content: Any) -> None:
        if url is None:
            return
        delivery = Delivery(what, school.id, url)
        self.deliveries.append(delivery)
        task = asyncio.get_running_loop().create_task(_deliver(delivery, content))
        # The loop itself holds tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _deliver(delivery: Delivery, content: dict[str, Any]) -> None:
    async with httpx.AsyncClient(timeout=_PATIENCE_IN_SECONDS, trust_env=False) as client:
        while delivery.tries < _TRIES:
            if delivery.tries:
                await asyncio.sleep(_PAUSE_IN_SECONDS)
            delivery.tries += 1
            try:
                answer = await client.post(delivery.url, **content)
            except (httpx.HTTPError, httpx.InvalidURL):
                continue
            if answer.is_success:
                delivery.delivered = True
                return
    delivery.delivered = False
