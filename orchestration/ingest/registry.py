"""Keeps ``ops.school`` and ``ops.school_scope`` in step with a partner's lists."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from orchestration.connectors.base import Partner, School, Scope
from orchestration.connectors.errors import SchoolNotAvailable, ScopeNotGranted
from orchestration.ingest import watermarks
from orchestration.warehouse.connection import Warehouse

_LOG = logging.getLogger(__name__)


class RegistryError(Exception):
    """The partner's lists cannot be right, so nothing was changed."""


@dataclass(frozen=True, slots=True)
class RegisteredSchool:
    """A row of ``ops.school``."""

    school_id: int
    partner: str
    partner_school_id: str
    name: str
    urn: int | None
    la_code: str | None
    establishment_number: str | None
    phase: str | None
    mis: str | None
    timezone: str
    state: str
    state_since: datetime
    has_custom_codes: bool

    def as_source(self) -> School:
        """The school as its connector knows it. Raises nothing: the state was received from there."""
        return School(
            partner=self.partner,
            partner_school_id=self.partner_school_id,
            name=self.name,
            urn=self.urn,
            la_code=self.la_code,
            establishment_number=self.establishment_number,
            phase=self.phase,
            mis=self.mis,
            timezone=self.timezone,
            state=self.state,  # type: ignore[arg-type]  # the column's check constraint is the Literal
            has_custom_codes=self.has_custom_codes,
        )


_COLUMNS = (
    "school_id, partner, partner_school_id, name, urn, la_code, establishment_number, phase, mis, timezone, state,"
    " state_since, has_custom_codes"
)


def read(conn: psycopg.Connection[Any], school_ids: list[int]) -> dict[int, RegisteredSchool]:
    """The schools with these ids, by id; unknown ids are left out."""
    with conn.cursor(row_factory=class_row(RegisteredSchool)) as cursor:
        cursor.execute(f"select {_COLUMNS} from ops.school where school_id = any(%s)".encode(), (school_ids,))
        return {school.school_id: school for school in cursor}


def sync(warehouse: Warehouse, partner: Partner) -> list[RegisteredSchool]:
    """Ask the partner for its schools and their scopes, record both, and return every school of the partner.

    A school that is in no list any more becomes ``offline``; none is ever deleted. When a school grants a scope that it
    did not grant before, every category of it is due for a full extract: what changed before the grant was never shown
    to us, and an incremental one would not bring it.

    Raises:
        RegistryError: the partner lists no school at all although some are known.
        PartnerError: the partner did not answer.
    """
    schools, scopes = asyncio.run(_ask(partner))
    with warehouse.connect() as conn:
        # Two syncs at once (a sensor and a run) would otherwise write states in an order of their own.
        conn.execute("select pg_advisory_xact_lock(hashtext('mis.registry'), 0)")
        known = conn.execute("select count(*) from ops.school where partner = %s", (partner.name,)).fetchone()
        if not schools and known and known[0]:
            raise RegistryError(
                f"{partner.name} lists no school in any state, but {known[0]} are known. Nothing was changed. Check "
                "the partner's address and token (`mis doctor`), then try again."
            )
        for school in schools:
            _upsert(conn, school)
        conn.execute(
            "update ops.school set state = 'offline', state_since = now()"
            " where partner = %s and state <> 'offline' and partner_school_id <> all(%s)",
            (partner.name, [school.partner_school_id for school in schools]),
        )
        with conn.cursor(row_factory=class_row(RegisteredSchool)) as cursor:
            cursor.execute(f"select {_COLUMNS} from ops.school where partner = %s order by 1".encode(), (partner.name,))
            registered = cursor.fetchall()
        ids = {school.partner_school_id: school.school_id for school in registered}
        newly_granted = [ids[key] for key, granted in scopes.items() if _record_scopes(conn, ids[key], granted)]
        watermarks.require_full(conn, newly_granted)
    return registered


async def _ask(partner: Partner) -> tuple[list[School], dict[str, list[Scope]]]:
    """The partner's schools, and the scopes of the approved ones by the partner's id."""
    async with partner:
        schools = await partner.schools()
        approved = [school for school in schools if school.state == "approved"]
        scopes = await asyncio.gather(*(_scopes(partner, school) for school in approved))
    return schools, {
        school.partner_school_id: granted
        for school, granted in zip(approved, scopes, strict=True)
        if granted is not None
    }


async def _scopes(partner: Partner, school: School) -> list[Scope] | None:
    try:
        return await partner.scopes(school)
    except (SchoolNotAvailable, ScopeNotGranted) as error:
        # Revoked between the two questions: the next sync sees it in the lists. The other schools go on.
        _LOG.warning("scopes of %s %s not read: %s", partner.name, school.partner_school_id, error)
        return None


def _upsert(conn: psycopg.Connection[Any], school: School) -> None:
    conn.execute(
        """
        insert into ops.school as known (
            partner, partner_school_id, name, urn, la_code, establishment_number, phase, mis, timezone,
            has_custom_codes, state, state_since, seen_at
        ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, false), %s, now(), now())
        on conflict (partner, partner_school_id) do update set
            name = excluded.name,
            urn = excluded.urn,
            la_code = excluded.la_code,
            establishment_number = excluded.establishment_number,
            phase = excluded.phase,
            mis = excluded.mis,
            timezone = excluded.timezone,
            has_custom_codes = coalesce(%s, known.has_custom_codes),
            state = excluded.state,
            state_since = case when known.state = excluded.state then known.state_since else excluded.state_since end,
            seen_at = excluded.seen_at
        """,
        (
            school.partner,
            school.partner_school_id,
            school.name,
            school.urn,
            school.la_code,
            school.establishment_number,
            school.phase,
            school.mis,
            school.timezone,
            school.has_custom_codes,
            school.state,
            school.has_custom_codes,
        ),
    )


def _record_scopes(conn: psycopg.Connection[Any], school_id: int, scopes: list[Scope]) -> bool:
    """Record what a school grants now; True when something is granted that was not before."""
    before = dict(
        conn.execute("select scope, granted from ops.school_scope where school_id = %s", (school_id,)).fetchall()
    )
    conn.execute(
        """
        insert into ops.school_scope (school_id, scope, granted, seen_at)
        select %s, scope, granted, now() from unnest(%s::text[], %s::boolean[]) as asked (scope, granted)
        on conflict (school_id, scope) do update set granted = excluded.granted, seen_at = excluded.seen_at
        """,
        (school_id, [scope.name for scope in scopes], [scope.granted for scope in scopes]),
    )
    # A scope that is not listed any more is not granted: left as it was, an old grant would look like a present one.
    conn.execute(
        "update ops.school_scope set granted = false, seen_at = now()"
        " where school_id = %s and granted and scope <> all(%s)",
        (school_id, [scope.name for scope in scopes]),
    )
    return any(scope.granted and not before.get(scope.name, False) for scope in scopes)
