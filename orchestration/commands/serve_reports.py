"""Serving the report pages on loopback, and the links to sign in with."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg.rows import TupleRow

from orchestration.access.people import Person, Rights, add, grant, people, person_by_email
from orchestration.access.target_tasks import TargetGrant, TargetTask
from orchestration.runtime import warehouse_ready
from orchestration.serving import serve_until_stopped
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from reports.app import create_app
from reports.database import Pool
from reports.sections import SECTIONS
from reports.signin import sign_in_link
from reports.signing import Signer
from reports.site import Site
from reports.vault import Vault

#: Who reads on a laptop on which nobody has been named yet.
LOCAL_OPERATOR = "operator@local.invalid"


def serve(settings: Settings, port: int, say: Callable[[str], None]) -> None:
    """Serve the pages on 127.0.0.1 until Ctrl-C or SIGTERM, having said where, and how to sign in."""
    address = _address(settings, port)
    with warehouse_ready(settings) as warehouse:
        pool = Pool(warehouse.connect)
        vault = Vault(settings.home / "reports")
        signer = Signer(vault.secret())
        say(f"Reports: {address}   (Ctrl-C stops them)")
        for line in _welcome(settings, warehouse, signer, address):
            say(line)
        site = Site(pool, signer, vault, address, is_synthetic=not settings.has_partner)
        try:
            serve_until_stopped(create_app(site), "127.0.0.1", port)
        finally:
            pool.close()


def link(settings: Settings, email: str, port: int) -> str:
    """Return a sign-in link for the person with this address. Raises PersonError for a stranger."""
    with warehouse_ready(settings) as warehouse, warehouse.connect() as connection:
        person = person_by_email(connection, email)
    signer = Signer(Vault(settings.home / "reports").secret())
    return sign_in_link(signer, _address(settings, port), person.person_id)


def _address(settings: Settings, port: int) -> str:
    return str(settings.reports_url).rstrip("/") if settings.reports_url else f"http://127.0.0.1:{port}"


def _welcome(settings: Settings, warehouse: Warehouse, signer: Signer, address: str) -> list[str]:
    """Return what to say about signing in: a link for the local operator where there is nobody else."""
    with warehouse.connect() as connection:
        others = [person for person in people(connection) if person.email != LOCAL_OPERATOR]
        if settings.environment != "local" or others:
            return ["Print a sign-in link for a person: mis reports link ADDRESS"]
        operator = _local_operator(connection)
    return [
        'NOBODY HAS BEEN GIVEN RIGHTS YET. On this machine there is therefore a person "Local operator",',
        f"{LOCAL_OPERATOR}, who sees ALL {len(operator.school_ids)} approved schools, WITH PUPILS' NAMES AND SMALL"
        " NUMBERS.",
        "It is no longer offered once there is a real person (mis person add); "
        f"mis person remove {LOCAL_OPERATOR} ends it.",
        f"Sign in, once, within 15 minutes: {sign_in_link(signer, address, operator.person_id)}",
    ]


def _local_operator(connection: psycopg.Connection[TupleRow]) -> Person:
    """Make the local operator, or give them the schools approved since: all that pages show, and every target task."""
    rows = connection.execute("select school_id from ops.school where state = 'approved'").fetchall()
    approved = tuple(school for (school,) in rows)
    rights = Rights(
        approved,
        tuple(section.purpose for section in SECTIONS),
        named=True,
        small_groups=True,
        special_category=True,
        target_grants=tuple(TargetGrant(school, task) for school in approved for task in TargetTask),
    )
    known = next((person for person in people(connection) if person.email == LOCAL_OPERATOR), None)
    if known is None:
        return add(connection, LOCAL_OPERATOR, "Local operator", rights)
    has_all = set(rights.target_grants) <= set(known.target_grants) and set(rights.purposes) <= set(known.purposes)
    return known if has_all else grant(connection, known, rights)
