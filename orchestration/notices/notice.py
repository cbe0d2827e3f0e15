"""One notice of a partner, as every partner's are understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["approved", "revoked", "declined", "migration"]


class NoticeError(ValueError):
    """A notice that cannot be understood; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a partner says has happened to a school. ``before`` and ``after`` are MISs, for a migration."""

    partner: str
    kind: Kind
    partner_school_id: str
    reason: str | None = None
    before: str | None = None
    after: str | None = None
