"""Groupcall's approval form as a notice (source_apis.md 2.1, D): it brings the secret by which the school is read."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from orchestration.connectors.groupcall.secrets import SecretError, SecretStore, parse_approval
from orchestration.notices.notice import Notice, NoticeError


def parse(body: bytes, store: SecretStore) -> Notice:
    """Keep the secret that the form brings, and say that the school approves.

    A later form replaces an earlier secret, because a new authorisation issues a new one; a forged one could therefore
    shut a school out until the true one comes again, which is what the secret in our address is against.

    Raises ``NoticeError`` for a form that brings no secret.
    """
    try:
        form = dict(parse_qsl(body.decode(), max_num_fields=50))
        secret = parse_approval(form, datetime.now(UTC))
    except (ValueError, SecretError) as error:
        raise NoticeError(f"The body is no approval of Groupcall's: {error}") from None
    store.put(secret)
    return Notice("groupcall", "approved", secret.estab)
