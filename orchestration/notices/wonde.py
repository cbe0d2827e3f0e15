"""Wonde's webhooks as notices (source_apis.md 1.12, D): JSON bodies told apart by ``payload_type``."""

from __future__ import annotations

import msgspec

from orchestration.notices.notice import Kind, Notice, NoticeError

_KINDS: dict[str, Kind] = {
    "schoolApproved": "approved",
    "accessRevoked": "revoked",
    "accessDeclined": "declined",
    "schoolMigration": "migration",
}


class _Body(msgspec.Struct):
    payload_type: str
    school_id: str | None = None
    revoke_reason: str | None = None
    decline_reason: str | None = None
    migrate_from: str | None = None
    migrate_to: str | None = None


def parse(body: bytes) -> Notice | None:
    """The notice in a webhook's body; None for a kind that does not concern us (write-backs, kinds of the future).

    The school's own token, which ``schoolApproved`` carries, is not looked at: the application's token reads every
    school that approved. Raises ``NoticeError`` for a body that is none of Wonde's.
    """
    try:
        told = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoticeError(f"The body is no webhook of Wonde's: {error}") from None
    kind = _KINDS.get(told.payload_type)
    if kind is None:
        return None
    if not told.school_id:
        raise NoticeError(f"A {told.payload_type} without school_id names no school.")
    return Notice(
        partner="wonde",
        kind=kind,
        partner_school_id=told.school_id,
        reason=told.revoke_reason or told.decline_reason,
        before=told.migrate_from,
        after=told.migrate_to,
    )
