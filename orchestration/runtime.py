"""Everything in place for a command: warehouse, migrations, a partner, Dagster's home, and their environment."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.connectors.groupcall.secrets import SchoolSecret, SecretStore
from orchestration.dbt.runner import ensure_manifest
from orchestration.partners import PartnerNotConfigured
from orchestration.settings import Settings, get_settings
from orchestration.warehouse.connection import Warehouse, warehouse
from orchestration.warehouse.migrate import migrate
from orchestration.warehouse.roles import ensure_roles

if TYPE_CHECKING:
    from sandbox import Sandbox

#: Nothing of ours reports to anybody. dagster.yaml and dbt_project.yml say so too; these cover what reads neither.
_NO_TELEMETRY = {"DO_NOT_TRACK": "1", "DAGSTER_DISABLE_TELEMETRY": "1", "GX_ANALYTICS_ENABLED": "false"}


@contextmanager
def warehouse_ready(settings: Settings) -> Iterator[Warehouse]:
    """Lease the warehouse, bring migrations and roles up to date; children and dbt find it in the environment."""
    with warehouse(settings) as leased:
        migrate(leased)
        with leased.connect() as connection:
            for warning in ensure_roles(connection):
                logging.getLogger(__name__).warning(warning)
        os.environ.update({**_NO_TELEMETRY, **leased.env()})
        yield leased


@contextmanager
def platform_ready(settings: Settings) -> Iterator[Warehouse]:
    """As :func:`warehouse_ready`, and a partner (else the sandbox), Dagster's home, dbt's manifest."""
    with warehouse_ready(settings) as leased, partner_ready(settings):
        os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
        ensure_manifest(settings)
        yield leased


@contextmanager
def partner_ready(settings: Settings) -> Iterator[None]:
    """Start the sandbox when no partner is configured, and point this process and its children to it."""
    if settings.has_partner:
        yield
        return
    if settings.environment != "local":
        raise PartnerNotConfigured(
            f"MIS_ENVIRONMENT={settings.environment} needs MIS_WONDE_URL or MIS_GROUPCALL_URL: synthetic schools do not"
            " belong on a server."
        )
    from sandbox import running

    with running(
        schools=settings.sandbox_schools,
        seed=settings.sandbox_seed,
        size=settings.sandbox_size,
        today=settings.sandbox_today,
        directory=settings.home / "sandbox",
    ) as partner:
        configured = _configuration(settings, partner)
        os.environ.update(configured)
        get_settings.cache_clear()
        try:
            yield
        finally:
            for name in configured:
                del os.environ[name]
            get_settings.cache_clear()


def _configuration(settings: Settings, sandbox: Sandbox) -> dict[str, str]:
    """The environment in which the running sandbox is the configured partner, or both."""
    configured: dict[str, str] = {}
    if settings.sandbox_partner != "groupcall":
        configured |= {"MIS_WONDE_URL": sandbox.url, "MIS_WONDE_TOKEN": sandbox.token}
    if settings.sandbox_partner != "wonde":
        folder = settings.home / "sandbox" / "groupcall"
        store = SecretStore(folder)
        for estab, secret in sandbox.groupcall_secrets().items():
            store.put(SchoolSecret(estab, f"School {estab}", secret, (), datetime.now(UTC)))
        configured |= {
            "MIS_GROUPCALL_URL": sandbox.groupcall_url,
            "MIS_GROUPCALL_RELYING_PARTY": sandbox.groupcall_relying_party,
            "MIS_GROUPCALL_SECRETS_DIR": str(folder),
        }
    return configured


def dagster_home(settings: Settings) -> Path:
    """Dagster's home under ``.mis``, with the project's dagster.yaml in it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.project_root / "dagster.yaml", home / "dagster.yaml")
    return home.resolve()


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """This process's Dagster instance, on a pool of connections: without it each event opens 3 to 5."""
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=10)
        yield instance
