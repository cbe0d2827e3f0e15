"""School secrets and the tokens that they buy (source_apis.md 2.1)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any

import msgspec

from sandbox.groupcall.wire import Row, XodError, exception_body
from sandbox.schools import School
from sandbox.site import Site

#: Fixed text of every token request.
THIRD_PARTY = "XporterOnDemand"
LIFE_IN_SECONDS = 5 * 86400
_PAUSED = "The authorisation is paused until the school has finished its approval"
_UNKNOWN = "Relying Party not found for estab or secret not correct"


class TokenRequest(msgspec.Struct):
    """Body of a request for a token, names in lower case: clients write ``thirdPartyId`` and ``thirdpartyid``, and
    recordings of the real service answer both.
    """

    estab: str = ""
    relyingparty: str = ""
    password: str = ""
    thirdpartyid: str = ""


class Claims(msgspec.Struct, frozen=True):
    """What a token says: whose it is, until when (seconds UTC), and a number of its own."""

    estab: str
    expires: int
    number: str


class Tokens:
    """Secrets and tokens of one sandbox. Tokens are signed, so that a restarted sandbox knows them again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._key = sha256(f"groupcall/{site.world.parameters.seed}".encode()).digest()
        self.relying_party = f"app-{self._key.hex()[:8]}.example.org"
        self._by_estab = {school.estab: school for school in site.world.schools}

    def secret(self, school: School) -> str:
        """The school secret; a new approval gives a new one."""
        text = f"secret/{school.estab}/{self._site.approvals(school)}"
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:32]

    def issue(self, body: bytes) -> Row:
        """The answer to a request for a token; failures are exception bodies (HTTP 200) too."""
        try:
            fields = msgspec.json.decode(body, type=dict[str, Any])
            asked = msgspec.convert({name.lower(): value for name, value in fields.items()}, TokenRequest)
            school = self._by_estab.get(asked.estab)
            if (
                school is None
                or asked.relyingparty != self.relying_party
                or asked.thirdpartyid != THIRD_PARTY
                or not hmac.compare_digest(asked.password.encode(), self.secret(school).encode())
            ):
                raise XodError(_UNKNOWN)
            self._check_state(school)
        except msgspec.MsgspecError as error:
            return _failure(str(error))
        except XodError as error:
            return _failure(error.message)
        claims = Claims(school.estab, self._site.clock.now + LIFE_IN_SECONDS, token_hex(8))
        return {
            "token": self._signed(claims),
            "expires": expiry(claims),
            "Message": None,
            "ExceptionMessage": None,
        }

    def claims(self, headers: Mapping[str, str]) -> tuple[School, Claims]:
        """The school and claims of the token in a request's headers.

        Raises XodError 401 for none, a wrong one, an expired one, or one of a school that has since withdrawn (the
        status and the last are inferred).
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "idaas" or not token.strip():
            raise XodError("No token; send the header Authorization: Idaas <token>", 401)
        claims = self._read(token.strip())
        if claims is None or claims.estab not in self._by_estab:
            raise XodError("The token is not valid", 401)
        if claims.expires <= self._site.clock.now:
            raise XodError(f"The token expired at {expiry(claims)}", 401)
        school = self._by_estab[claims.estab]
        try:
            self._check_state(school)
        except XodError as error:
            raise XodError(error.message, 401) from None
        return school, claims

    def _check_state(self, school: School) -> None:
        state = self._site.state(school)
        if state in ("pending", "audited"):
            raise XodError(_PAUSED)
        if state in ("revoked", "declined"):
            raise XodError(_UNKNOWN)

    def _signed(self, claims: Claims) -> str:
        content = msgspec.json.encode(claims)
        return base64.urlsafe_b64encode(hmac.digest(self._key, content, "sha256") + content).decode()

    def _read(self, token: str) -> Claims | None:
        try:
            raw = base64.urlsafe_b64decode(token)
            if hmac.compare_digest(raw[:32], hmac.digest(self._key, raw[32:], "sha256")):
                return msgspec.json.decode(raw[32:], type=Claims)
        except (binascii.Error, ValueError, msgspec.DecodeError):
            pass
        return None


def expiry(claims: Claims) -> str:
    """``expires``: UTC with seven decimals."""
    return f"{datetime.fromtimestamp(claims.expires, UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"


def _failure(message: str) -> Row:
    return {"token": None, "expires": "0001-01-01T00:00:00"} | exception_body(message)
