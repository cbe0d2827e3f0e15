"""What can go wrong while reading from a partner, as types that the extract loop can tell apart.

Every message says what to do next. None carries a header, a token or a row's values, so an error may be logged and
shown.
"""

from __future__ import annotations


class PartnerError(Exception):
    """Anything that kept a partner's data from being read; the base of the tree.

    ``where`` is the path of the request without host and query (``schools/A1/students``); ``status`` the HTTP status if
    there was an answer.
    """

    def __init__(self, message: str, *, where: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.where = where
        self.status = status

    def __str__(self) -> str:
        facts = [part for part in (self.where, f"HTTP {self.status}" if self.status is not None else "") if part]
        return f"{self.args[0]} [{', '.join(facts)}]" if facts else str(self.args[0])


class Unauthorised(PartnerError):
    """The token was refused (HTTP 401): it is wrong or it was revoked. Not worth repeating for any school."""


class ScopeNotGranted(PartnerError):
    """The school does not share this resource with us (HTTP 403)."""


class SchoolNotAvailable(PartnerError):
    """The school is unknown, not approved any more, or has revoked access (HTTP 404 for the school itself)."""


class SchoolPaused(SchoolNotAvailable):
    """The school has not finished its approval, or has paused it; it may yet let us read."""


class ResourceNotSupplied(PartnerError):
    """The school is there, but its MIS does not supply this resource (HTTP 404 for the resource alone)."""


class InvalidInclude(PartnerError):
    """The school's MIS does not know an include (HTTP 400). Handled inside the connector, and reported as a notice.

    ``include`` is the one that the partner named, or None when it did not say which.
    """

    def __init__(self, message: str, *, include: str | None, where: str = "", status: int | None = None) -> None:
        super().__init__(message, where=where, status=status)
        self.include = include


class RequestRefused(PartnerError):
    """Any other answer that repeating will not change: HTTP 400, a redirect, an unexpected status."""


class ForeignAddress(PartnerError):
    """The partner pointed to another host than the configured one; following it would hand our token to that host."""


class PartnerUnavailable(PartnerError):
    """The partner did not give a usable answer within the allowed attempts and time (429, 5xx, timeouts, resets).

    ``retry_after``: seconds that the partner asked us to wait, if it did.
    """

    def __init__(
        self, message: str, *, where: str = "", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, where=where, status=status)
        self.retry_after = retry_after


class MalformedPage(PartnerError):
    """An answer that is no page: not JSON, no list of rows, a page already read in this walk, no time of its own."""
