"""``mis notices``: listen for what partners tell us, on loopback, behind whatever terminates TLS."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from orchestration.settings import Settings, get_settings

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the receiver on 127.0.0.1.")]


def notices(
    port: Port = 3200,
    host: Annotated[
        str, typer.Option(help="Where to listen; another than loopback only inside a container.")
    ] = "127.0.0.1",
) -> None:
    """Receive partners' notices (Wonde's webhooks, Groupcall's approvals) until Ctrl-C, and say at which address.

    Nothing depends on it: what a notice tells is also found by the next poll of the partners' lists.
    """
    from orchestration.connectors.groupcall.secrets import SecretStore
    from orchestration.notices import groupcall, wonde
    from orchestration.notices.app import create_app
    from orchestration.notices.handling import handle
    from orchestration.partners import open_partners
    from orchestration.runtime import partner_ready, warehouse_ready
    from orchestration.serving import serve_until_stopped

    with warehouse_ready(get_settings()) as warehouse, partner_ready(get_settings()):
        settings = get_settings()
        secret = _secret(settings)
        app = create_app(
            secret,
            lambda notice: handle(warehouse, open_partners(settings), settings, notice),
            {
                "wonde": wonde.parse,
                "groupcall": partial(groupcall.parse, store=SecretStore(settings.groupcall_secrets)),
            },
        )
        for name in ("wonde", "groupcall"):
            typer.echo(f"{name}: http://127.0.0.1:{port}/notices/{secret}/{name}")
        serve_until_stopped(app, host, port)


def _secret(settings: Settings) -> str:
    """The secret part of the address, made once and kept where only this user reads it."""
    path: Path = settings.home / "notices" / "secret"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
