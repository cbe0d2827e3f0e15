"""What a refusal means. XoD says most of it inside HTTP 200, in the words of ``ExceptionMessage`` (source_apis.md 2.2).

The words for a wrong secret, an unknown relying party and "something went wrong" were recorded (R); those for a bad
token, a missing scope and a lost change hash are not public, so they are recognised by what they are about (I).
"""

from __future__ import annotations

from collections.abc import Callable

from orchestration.connectors.errors import (
    PartnerError,
    PartnerUnavailable,
    RequestRefused,
    ResourceNotSupplied,
    SchoolNotAvailable,
    SchoolPaused,
    ScopeNotGranted,
)

#: Of a partner's explanation of a refusal, so many characters are shown.
_SAID_LENGTH = 200


class TokenRefused(PartnerError):
    """The partner does not take a school's token. Handled inside the connector: another is asked for, once."""


def of_exchange(said: str, where: str) -> PartnerError:
    """What it means that no token was given for a secret. Words that say nothing known are taken for passing trouble,
    because taking them for a withdrawal would stop the school's reading for good.
    """
    return _meaning(said, _OF_EXCHANGE, _passing)(said, where, 200)


def of_data(said: str, where: str) -> PartnerError:
    """What it means that an answer with HTTP 200 has an exception in place of data."""
    return _meaning(said, _OF_DATA, _refused)(said, where, 200)


def of_status(status: int, where: str, *, exchange: bool) -> PartnerError:
    """What an HTTP status other than 200 means; XoD's own use of them is not documented (I). The body is not quoted.

    That a school has withdrawn is said in words, with HTTP 200 (R). A bare status at the exchange is the trouble of
    something in between: taken for a withdrawal it would hide the school and start its deletion clock.
    """
    match status:
        case 401 if not exchange:
            return _token("", where, status)
        case 403 if not exchange:
            return _not_granted("", where, status)
        case 404 if not exchange:
            return ResourceNotSupplied("The partner does not supply this.", where=where, status=status)
        case _:
            return _refused("", where, status)


def _shown(said: str) -> str:
    return said[:_SAID_LENGTH] or "no reason given"


def _paused(said: str, where: str, status: int) -> PartnerError:
    return SchoolPaused(
        f"The school's authorisation is paused ({_shown(said)}). Ask the school to finish its approval.",
        where=where,
        status=status,
    )


def _withdrawn(said: str, where: str, status: int) -> PartnerError:
    return SchoolNotAvailable(
        f"The partner gives no token for the school's secret ({_shown(said)}). Either the school has withdrawn its "
        "authorisation, or it has made a new one with a new secret, which has to be received and stored.",
        where=where,
        status=status,
    )


def _not_granted(said: str, where: str, status: int) -> PartnerError:
    return ScopeNotGranted(
        f"The school does not share this with us ({_shown(said)}). Ask the school to approve the scope.",
        where=where,
        status=status,
    )


def _token(said: str, where: str, status: int) -> PartnerError:
    return TokenRefused(f"The partner does not take the token ({_shown(said)}).", where=where, status=status)


def _passing(said: str, where: str, status: int) -> PartnerError:
    return PartnerUnavailable(
        f"The partner, or its link to the school, is in trouble ({_shown(said)}); extract again later, and ask the "
        "partner if it lasts.",
        where=where,
        status=status,
    )


def _refused(said: str, where: str, status: int) -> PartnerError:
    return RequestRefused(
        f"The partner refused the request ({_shown(said)}). Repeating will not help; compare the address and the "
        "parameters with the partner's documentation.",
        where=where,
        status=status,
    )


_Explain = Callable[[str, str, int], PartnerError]
_Words = tuple[tuple[tuple[str, ...], _Explain], ...]

_OF_EXCHANGE: _Words = (
    (("paused",), _paused),
    (("relying party", "secret", "revoked"), _withdrawn),
)

# The first that fits counts: a lost hash and a missing scope may be told in a sentence that names the token too.
_OF_DATA: _Words = (
    (("changedrows", "snapshot", "hash"), _refused),
    (("paused",), _paused),
    (("scope", "permission", "not authorised", "not authorized"), _not_granted),
    (("relying party", "secret", "revoked"), _withdrawn),
    (("token",), _token),
    (("went wrong", "offline", "unavailable", "timeout", "timed out", "try again", "busy"), _passing),
)


def _meaning(said: str, known: _Words, otherwise: _Explain) -> _Explain:
    lower = said.lower()
    return next((explain for words, explain in known if any(word in lower for word in words)), otherwise)
