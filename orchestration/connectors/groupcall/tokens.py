"""One token a school: exchanged for the school's secret, kept until shortly before it expires (source_apis.md 2.1)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import msgspec

from orchestration.connectors.errors import MalformedPage, SchoolNotAvailable, SchoolPaused
from orchestration.connectors.groupcall import envelope, refusals
from orchestration.connectors.groupcall.secrets import SchoolSecret
from orchestration.connectors.http import Answer, PartnerHttp, Token
from orchestration.connectors.values import Moments

#: Seconds before its end from which a token is not used any more.
MARGIN = 300.0

_THIRD_PARTY = "XporterOnDemand"
# Of the flag that one client reads, only its likely name is known (C).
_PAUSED_FLAGS = ("authorisation_paused", "authorisationpaused")

_EXPIRES = Moments("expires")
_TEXT = msgspec.json.Decoder(str | None)
_FLAG = msgspec.json.Decoder(bool | None)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A token and the time, by the retry policy's clock, up to which it is used."""

    token: Token
    until: float


class Tokens:
    """The tokens of one event loop. Schools share nothing: each has its own token, lock and lane of requests."""

    def __init__(
        self,
        http: PartnerHttp,
        url: httpx.URL,
        relying_party: str,
        secrets: Mapping[str, SchoolSecret],
        clock: Callable[[], float],
    ) -> None:
        self._http = http
        self._url = url
        self._relying_party = relying_party
        self._secrets = secrets
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, estab: str, *, instead_of: Token | None = None) -> Token:
        """The school's token; another one where ``instead_of`` is the present one, which the partner did not take.

        Raises ``SchoolNotAvailable`` when the partner gives none for the school's secret, ``SchoolPaused`` when it says
        that the school has yet to approve, another ``PartnerError`` when it could not be asked.
        """
        async with self._locks[estab]:
            kept = self._kept.get(estab)
            if kept is None or kept.token is instead_of or self._clock() >= kept.until:
                kept = self._kept[estab] = await self._exchange(estab)
            return kept.token

    async def _exchange(self, estab: str) -> _Kept:
        if estab not in self._secrets:
            raise SchoolNotAvailable(
                f"No secret is held for school {estab}; it is stored when the school's approval is received."
            )

        def body() -> bytes:
            return msgspec.json.encode(
                {
                    "estab": estab,
                    "relyingParty": self._relying_party,
                    "password": self._secrets[estab].secret,
                    "thirdpartyid": _THIRD_PARTY,
                }
            )

        return await self._http.post(
            self._url, school=estab, body=body, read=lambda answer: self._read(answer, self._secrets[estab])
        )

    def _read(self, answer: Answer, secret: SchoolSecret) -> _Kept:
        where = self._url.path
        outside = envelope.of(answer)
        if any(outside.value(name, _FLAG.decode) for name in _PAUSED_FLAGS):
            raise SchoolPaused("The school has yet to finish its approval; ask the school to do so.", where=where)
        if outside.exception:
            # A partner may echo what it was sent.
            raise refusals.of_exchange(outside.exception.replace(secret.secret, "***"), where)
        token = outside.value("token", _TEXT.decode)
        expires = _EXPIRES[outside.fields.get("expires", b"null")]
        if not token or not token.isascii() or not token.isprintable() or expires is None:
            raise MalformedPage("The answer holds neither a token with its end nor a reason.", where=where)
        if answer.at is None:
            raise MalformedPage("The answer has no Date header, so how long the token lasts is not known.", where=where)
        lifetime = (expires - answer.at).total_seconds()
        return _Kept(Token("Idaas", token), self._clock() + lifetime - MARGIN)
