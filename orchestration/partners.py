"""The partners that this installation extracts from, made from its settings."""

from __future__ import annotations

from urllib.parse import urljoin

from orchestration.connectors.base import Partner
from orchestration.connectors.groupcall.client import GroupcallConfig, GroupcallPartner
from orchestration.connectors.groupcall.secrets import SecretStore
from orchestration.connectors.http import Limits
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.settings import Settings


class PartnerNotConfigured(RuntimeError):
    """There is no partner to talk to; the message says what to set."""


def open_partners(settings: Settings) -> dict[str, Partner]:
    """The configured partners by name; nothing is connected yet.

    Raises:
        PartnerNotConfigured: no address or no token is set, or the token's file cannot be read.
    """
    partners: dict[str, Partner] = {}
    if settings.wonde_url is not None:
        partners["wonde"] = WondePartner(
            WondeConfig(
                base_url=settings.wonde_url,
                token=_token(settings),
                page_size=settings.page_size,
                limits=_limits(settings),
                history_from=settings.history_from,
            )
        )
    if settings.groupcall_url is not None:
        assert settings.groupcall_relying_party is not None
        partners["groupcall"] = GroupcallPartner(
            GroupcallConfig(
                base_url=settings.groupcall_url,
                token_url=settings.groupcall_token_url or urljoin(settings.groupcall_url, "/api/oauth/GetToken"),
                relying_party=settings.groupcall_relying_party,
                schools=SecretStore(settings.groupcall_secrets).all,
                limits=_limits(settings),
                amendment_days=settings.amendment_days,
                history_from=settings.history_from,
            )
        )
    if not partners:
        raise PartnerNotConfigured(
            "No partner is configured. Set MIS_WONDE_URL and MIS_WONDE_TOKEN_FILE, or MIS_GROUPCALL_URL and"
            " MIS_GROUPCALL_RELYING_PARTY; or start with `mis run`, `mis up` or `mis exec`, which bring the sandbox"
            " with them."
        )
    return partners


def _limits(settings: Settings) -> Limits:
    return Limits(
        concurrency=settings.partner_concurrency,
        school_concurrency=settings.school_concurrency,
        requests_per_second=settings.requests_per_second,
        request_timeout=settings.request_timeout,
        max_attempts=settings.max_attempts,
    )


def _token(settings: Settings) -> str:
    if settings.wonde_token is not None:
        return settings.wonde_token.get_secret_value()
    if settings.wonde_token_file is None:
        raise PartnerNotConfigured("MIS_WONDE_URL is set but no token: set MIS_WONDE_TOKEN_FILE (or MIS_WONDE_TOKEN).")
    try:
        return settings.wonde_token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise PartnerNotConfigured(f"The token file cannot be read: {error}. Check MIS_WONDE_TOKEN_FILE.") from error
