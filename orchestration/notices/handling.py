"""What a notice leads to. None is believed: the partner is asked about the school, and its answer is what is entered.

Wonde signs nothing and dates nothing (source_apis.md 1.12, C), so a notice may be forged, late, or told again. It can
therefore do no more than have us look now instead of at the next poll; handling one twice changes nothing the second
time, and one that never arrives is made up for by the poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from orchestration.connectors.base import Partner, School, Scope
from orchestration.ingest import registry
from orchestration.notices.notice import Notice, NoticeError
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


def handle(warehouse: Warehouse, partners: Mapping[str, Partner], settings: Settings, notice: Notice) -> str:
    """Look at the school, enter how it stands, and return what was found, in a sentence.

    A withdrawal is in force when this returns: an extract that is reading the school stops at its next page.

    Raises:
        NoticeError: the partner is not configured here.
        PartnerError: the partner cannot be asked now; let it deliver again.
    """
    partner = partners.get(notice.partner)
    if partner is None:
        raise NoticeError(f"{notice.partner} is not configured here, so the notice cannot be verified.")
    school, scopes = asyncio.run(_look(partner, notice.partner_school_id))
    if school is None:
        match notice.kind:
            case "revoked" | "declined":
                known = registry.withdraw(
                    warehouse, notice.partner, notice.partner_school_id, notice.kind, settings, reason=notice.reason
                )
                return f"{notice.partner_school_id} is {notice.kind}." if known else "No such school is known."
            case _:
                return f"Not confirmed: {notice.partner} does not let us read {notice.partner_school_id}."
    registry.enter(warehouse, school, scopes, settings, "webhook")
    if notice.kind == "migration":
        registry.log_migration(warehouse, settings, school, before=notice.before, after=notice.after)
        return f"{notice.partner_school_id} moves from {notice.before} to {notice.after}; it is read from {school.mis}."
    if notice.kind != school.state:
        return f"Not confirmed: {notice.partner_school_id} is {school.state} at {notice.partner}, and stays so."
    return f"{notice.partner_school_id} is {school.state}."


async def _look(partner: Partner, partner_school_id: str) -> tuple[School | None, list[Scope]]:
    async with partner:
        school = await partner.school(partner_school_id)
        approved = school is not None and school.state == "approved"
        return school, await partner.scopes(school) if school is not None and approved else []
