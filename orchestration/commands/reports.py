"""``mis reports``: the pages people look at, served on loopback, and links to sign in with."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import uvicorn
from psycopg.rows import TupleRow

from orchestration.runtime import warehouse_ready
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from reports.app import create_app
from reports.database import Pool
from reports.readers import find_person
from reports.signin import sign_in_link
from reports.signing import Signer
from reports.site import Site
from reports.vault import Vault

#: Who reads on a laptop on which nobody has been named yet.
LOCAL_OPERATOR = "operator@localhost"


class NoSuchPerson(RuntimeError):
    """Nobody has this address; the text says what to do."""


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
        site = Site(pool, signer, vault, address, is_synthetic=settings.wonde_url is None)
        # The log of requests would hold the tokens of sign-in links.
        config = uvicorn.Config(
            create_app(site), host="127.0.0.1", port=port, log_level="warning", access_log=False, server_header=False
        )
        try:
            uvicorn.Server(config).run()
        except KeyboardInterrupt:
            pass
        finally:
            pool.close()


def link(settings: Settings, email: str, port: int) -> str:
    """Return a sign-in link for the person with this address. Raises NoSuchPerson."""
    with warehouse_ready(settings) as warehouse, warehouse.connect() as connection:
        person = find_person(connection, email)
    if person is None:
        raise NoSuchPerson(f"Nobody has the address {email}. Add the person first: mis person add {email} --name ...")
    return sign_in_link(Signer(Vault(settings.home / "reports").secret()), _address(settings, port), person)


def _address(settings: Settings, port: int) -> str:
    return str(settings.reports_url).rstrip("/") if settings.reports_url else f"http://127.0.0.1:{port}"


def _welcome(settings: Settings, warehouse: Warehouse, signer: Signer, address: str) -> list[str]:
    """Return what to say about signing in: a link for the local operator where there is nobody else."""
    with warehouse.connect() as connection:
        others = connection.execute("select count(*) from access.person where email <> %s", [LOCAL_OPERATOR]).fetchone()
        if settings.environment != "local" or (others is not None and others[0]):
            return ["Print a sign-in link for a person: mis reports link ADDRESS"]
        person = _local_operator(connection)
        schools = connection.execute("select count(*) from access.grant_school where person_id = %s", [person])
        number = schools.fetchone()
    return [
        "NOBODY HAS BEEN GIVEN RIGHTS YET. On this machine alone there is therefore a person “Local operator”",
        f"({LOCAL_OPERATOR}), who sees ALL {number[0] if number else 0} approved schools WITH PUPILS' NAMES AND SMALL"
        " NUMBERS.",
        f"With the first real person (mis person add) it is no longer offered; mis person remove {LOCAL_OPERATOR} ends"
        " it.",
        f"Sign in, once, within 15 minutes: {sign_in_link(signer, address, person)}",
    ]


def _local_operator(connection: psycopg.Connection[TupleRow]) -> int:
    """Make the local operator, or bring their schools up to date; return their number."""
    with connection.transaction():
        row = connection.execute(
            """
            insert into access.person (email, name, can_view_named, can_view_small_groups)
            values (%s, 'Local operator', true, true)
            on conflict (email) do update set name = excluded.name
            returning person_id
            """,
            [LOCAL_OPERATOR],
        ).fetchone()
        assert row is not None
        person_id = int(row[0])
        connection.execute(
            "insert into access.grant_purpose (person_id, purpose) values (%s, 'attendance') on conflict do nothing",
            [person_id],
        )
        connection.execute(
            """
            insert into access.grant_school (person_id, school_id)
            select %s, school_id from ops.school where state = 'approved'
            on conflict do nothing
            """,
            [person_id],
        )
    return person_id
