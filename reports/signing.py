"""Signed tokens: the sign-in link, the session cookie, and what protects a form."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any


class Signer:
    """Signs small JSON objects with the installation's secret (HMAC-SHA256); the holder can read them, not change them.

    ``kind`` is signed too: a token made for one use is refused in another.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, kind: str, payload: dict[str, Any]) -> str:
        """Return ``payload`` as a token of URL-safe characters. Its ``until`` is the epoch second it ends at."""
        body = _encode(json.dumps(payload, separators=(",", ":")).encode())
        return f"{body}.{self._mac(kind, body)}"

    def read(self, kind: str, token: str, now: float) -> dict[str, Any] | None:
        """Return the payload; None when the token is not ours, was made for another use or has ended."""
        body, _, mac = token.partition(".")
        if not mac or not hmac.compare_digest(mac.encode(), self._mac(kind, body).encode()):
            return None
        try:
            payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (binascii.Error, ValueError):
            return None
        return payload if payload["until"] > now else None

    def form_token(self, session_id: str) -> str:
        """Return what a form of this session must send back: another site cannot know it."""
        return self._mac("form", session_id)

    def _mac(self, kind: str, body: str) -> str:
        return _encode(hmac.new(self._secret, f"{kind}:{body}".encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
