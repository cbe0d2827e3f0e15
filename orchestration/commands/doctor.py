"""``mis doctor``: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import httpx
import psycopg
from pydantic import ValidationError

from orchestration.connectors.groupcall.secrets import SecretStore
from orchestration.settings import Settings, get_settings
from orchestration.warehouse.cluster import ClusterError
from orchestration.warehouse.connection import WarehouseError

_MIN_FREE_GIB = 2
_SUPPORTED = ((3, 11), (3, 14))


@dataclass(frozen=True)
class Finding:
    """One examined thing: what was found, and the remedy when it is not well."""

    what: str
    ok: bool
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return asdict(self)


def examine() -> list[Finding]:
    """Look at everything the platform stands on. Nothing is changed but that the warehouse is started and migrated."""
    findings = [_python(), _bytecode()]
    try:
        settings = get_settings()
    except ValidationError as error:
        return [
            *findings,
            Finding("settings", False, str(error), "Correct the variables named above (docs/operators-guide.md)."),
        ]
    findings.append(Finding("settings", True, f"environment {settings.environment}, data in {settings.home}"))
    return [
        *findings,
        *(_guarded(check, settings) for check in (_disk, _warehouse, _manifest, _suites, _estimates)),
        *_partners(settings),
    ]


def _guarded(check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    # The doctor must not die of what it examines.
    try:
        return check(settings)
    except Exception as error:
        return Finding(
            check.__name__.strip("_"), False, f"{type(error).__name__}: {error}", "The message says what to mend."
        )


def _python() -> Finding:
    here = sys.version_info[:2]
    return Finding(
        "python",
        _SUPPORTED[0] <= here < _SUPPORTED[1],
        f"{here[0]}.{here[1]}",
        "Install Python 3.11, 3.12 or 3.13, remove .venv and run `make run PYTHON=python3.12`.",
    )


def _bytecode() -> Finding:
    blocked = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    return Finding(
        "bytecode",
        not blocked,
        "not kept: each start compiles every library again (20 s)" if blocked else "kept",
        "Unset PYTHONDONTWRITEBYTECODE.",
    )


def _disk(settings: Settings) -> Finding:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free / 2**30
    return Finding(
        "disk",
        free >= _MIN_FREE_GIB,
        f"{free:.0f} GiB free for {settings.home}",
        f"Free {_MIN_FREE_GIB} GiB, or set MIS_HOME to a larger disk.",
    )


def _warehouse(settings: Settings) -> Finding:
    from orchestration.runtime import warehouse_ready

    try:
        with warehouse_ready(settings) as warehouse, warehouse.connect() as connection:
            row = connection.execute(
                "select current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))"
            ).fetchone()
    except (psycopg.OperationalError, WarehouseError, ClusterError) as error:
        return Finding(
            "warehouse",
            False,
            str(error).strip(),
            "Check DATABASE_URL, or .mis/postgres/postgres.log for the embedded server.",
        )
    assert row is not None
    return Finding("warehouse", True, f"PostgreSQL {row[0]}, {row[1]}, migrations at head")


def _manifest(settings: Settings) -> Finding:
    from orchestration.dbt.runner import DbtError, ensure_manifest

    try:
        ensure_manifest(settings)
    except DbtError as error:
        return Finding("dbt project", False, str(error), "Mend the model or YAML file that the message names.")
    return Finding("dbt project", True, "parses")


def _suites(settings: Settings) -> Finding:
    from orchestration.quality.suites import SuiteError, load_suite

    paths = sorted(settings.expectations_dir.rglob("*.json"))
    try:
        rules = sum(len(load_suite(path).rules) for path in paths)
    except SuiteError as error:
        return Finding("gates", False, str(error), "Mend the suite that the message names.")
    return Finding("gates", True, f"{rules} rules in {len(paths)} suites")


def _estimates(settings: Settings) -> Finding:
    from orchestration.estimate_runs import offered
    from orchestration.runtime import warehouse_ready
    from orchestration.warehouse.estimate_lookups import runs

    with warehouse_ready(settings) as warehouse, warehouse.connect() as connection:
        used = [f"{run.stage} {run.reference_year} {run.release}" for run in runs(connection) if run.in_use]
        new = [f"{run.run_id} ({run.stage} {run.reference_year})" for run in offered(connection)]
    told = f"in use: {', '.join(used)}" if used else "no look-ups yet: `mis run` makes them"
    offers = f"; offered, see `mis estimates compare`: {', '.join(new)}" if new else ""
    return Finding("estimates", True, told + offers)


def _partners(settings: Settings) -> list[Finding]:
    if not settings.has_partner:
        return [
            Finding(
                "partner",
                True,
                "none configured: the sandbox is used (set MIS_WONDE_URL and MIS_WONDE_TOKEN_FILE for a real one)",
            )
        ]
    findings = []
    if settings.wonde_url is not None:
        token = settings.wonde_token is not None or settings.wonde_token_file is not None
        findings.append(
            _reached(
                "wonde",
                settings.wonde_url,
                None if token else "Set MIS_WONDE_TOKEN_FILE to a file that holds the token.",
                f"token {'set' if token else 'missing'}",
            )
        )
    if settings.groupcall_url is not None:
        secrets, damaged = SecretStore(settings.groupcall_secrets).read()
        findings.append(
            _reached(
                "groupcall",
                settings.groupcall_url,
                str(damaged[0]) if damaged else None,
                f"secrets of {len(secrets)} schools in {settings.groupcall_secrets}",
            )
        )
    return findings


def _reached(partner: str, url: str, to_mend: str | None, told: str) -> Finding:
    """Whether a partner's address answers. No token is sent: any answer shows that it is right and reachable."""
    try:
        status = httpx.get(url, timeout=10).status_code
    except httpx.HTTPError as error:
        remedy = f"Check MIS_{partner.upper()}_URL and this machine's network."
        return Finding(partner, False, f"{url}: {error}", remedy)
    return Finding(partner, to_mend is None, f"{url} answers (HTTP {status}); {told}", to_mend or "")
