"""Keeps ``ops.school`` in step with the partners' lists: which schools there are, and through whom each is read.

A school is one row whoever serves it. A partner that lists a school which another serves already (the same URN, or the
same local authority and establishment number) gets a connection to it (``orchestration.ingest.connections``). Of a
school's connections one serves: the one that did, as long as it is approved, else the oldest that is. With another
partner, or another MIS, all ids of a school change: then everything is read again, and its pupils are found again
(``orchestration.ingest.rematching``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from orchestration.connectors.base import Partner, School, SchoolState, Scope
from orchestration.connectors.errors import PartnerError, PartnerUnavailable, SchoolNotAvailable, ScopeNotGranted
from orchestration.ingest import connections, sources, watermarks
from orchestration.ingest.connections import Connection, LearnedFrom
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

_LOG = logging.getLogger(__name__)


#: Two syncs at once (a sensor and a run) would otherwise write states in an order of their own.
_ONE_AT_A_TIME = b"select pg_advisory_xact_lock(hashtext('mis.registry'), 0)"


#: How long what a school grants is taken to be as it was when nobody says otherwise.
_RECENT = timedelta(hours=20)


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
    source_id: int

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
    " state_since, has_custom_codes, source_id"
)


def read(conn: psycopg.Connection[Any], school_ids: list[int]) -> dict[int, RegisteredSchool]:
    """The schools with these ids, by id; unknown ids are left out."""
    with conn.cursor(row_factory=class_row(RegisteredSchool)) as cursor:
        cursor.execute(f"select {_COLUMNS} from ops.school where school_id = any(%s)".encode(), (school_ids,))
        return {school.school_id: school for school in cursor}


def sync(warehouse: Warehouse, partner: Partner, settings: Settings, *, closely: bool = True) -> list[RegisteredSchool]:
    """Ask the partner for its schools and their scopes, record both, and return every school that it serves.

    Unless ``closely``, schools whose scopes were asked for less than a day ago are not asked for them again: of 16,000
    schools that would be as many requests at every poll.

    A school that is in no list any more becomes ``offline``; none is ever deleted. When a school grants a scope or
    takes it back, every category of it is due for a full extract: what changed before a grant was never shown to us,
    and an incremental one would neither bring it nor take away what is not ours to hold any more.

    Raises:
        RegistryError: the partner lists no school at all although some are known.
        PartnerError: the partner did not answer.
    """
    with warehouse.connect() as conn:
        recent = [] if closely else connections.looked_at_since(conn, settings.application, partner.name, _RECENT)
    schools, scopes = asyncio.run(_ask(partner, frozenset(recent)))
    with warehouse.connect() as conn:
        conn.execute(_ONE_AT_A_TIME)
        known = connections.of_partner(conn, settings.application, partner.name)
        if not schools and known:
            raise RegistryError(
                f"{partner.name} lists no school in any state, but {len(known)} are known. Nothing was changed. Check "
                "the partner's address and token (`mis doctor`), then try again."
            )
        registrar = _Registrar(conn, settings, "poll")
        listed = {
            school.partner_school_id: registrar.enter(school, known.get(school.partner_school_id)) for school in schools
        }
        registrar.enter_scopes({listed[key]: granted for key, granted in scopes.items()})
        for key in known.keys() - listed.keys():
            registrar.lost(known[key])
        connections.seen(conn, list(listed.values()), [listed[key] for key in scopes])
        with conn.cursor(row_factory=class_row(RegisteredSchool)) as cursor:
            cursor.execute(f"select {_COLUMNS} from ops.school where partner = %s order by 1".encode(), (partner.name,))
            return cursor.fetchall()


def sync_all(
    warehouse: Warehouse, partners: Mapping[str, Partner], settings: Settings, *, closely: bool = True
) -> list[RegisteredSchool]:
    """As :func:`sync`, for every partner: one that does not answer does not keep the others' lists from being read.

    Raises ``ExceptionGroup`` of what each failed with, when all of the rest is done.
    """
    schools: list[RegisteredSchool] = []
    failures: list[Exception] = []
    for partner in partners.values():
        try:
            schools += sync(warehouse, partner, settings, closely=closely)
        except (RegistryError, PartnerError) as error:
            failures.append(error)
    if failures:
        raise failures[0] if len(partners) == 1 else ExceptionGroup("partners whose lists were not read", failures)
    return sorted(schools, key=lambda school: school.school_id)


def enter(
    warehouse: Warehouse, school: School, scopes: Sequence[Scope], settings: Settings, learned_from: LearnedFrom
) -> int:
    """Enter one school as its partner has it now, and what it grants; our number of the school."""
    with warehouse.connect() as conn:
        conn.execute(_ONE_AT_A_TIME)
        known = connections.of_partner(conn, settings.application, school.partner).get(school.partner_school_id)
        registrar = _Registrar(conn, settings, learned_from)
        connection_id = registrar.enter(school, known)
        if school.state == "approved":
            registrar.enter_scopes({connection_id: list(scopes)})
        row = conn.execute("select school_id from ops.connection where connection_id = %s", (connection_id,)).fetchone()
    assert row is not None
    school_id: int = row[0]
    return school_id


def withdraw(
    warehouse: Warehouse,
    partner: str,
    partner_school_id: str,
    state: Literal["revoked", "declined"],
    settings: Settings,
    *,
    reason: str | None,
) -> bool:
    """Enter that a school has told a partner no, at once; False when there is no such school."""
    with warehouse.connect() as conn:
        conn.execute(_ONE_AT_A_TIME)
        known = connections.of_partner(conn, settings.application, partner).get(partner_school_id)
        if known is not None:
            _Registrar(conn, settings, "webhook").withdrawn(known, state, reason)
    return known is not None


def choose(conn: psycopg.Connection[Any], settings: Settings, school_id: int, partner: str) -> None:
    """Let a school be read through its approved connection to ``partner``, in the caller's transaction.

    Raises ``RegistryError`` when it has none, and when it is read through it already.
    """
    conn.execute(_ONE_AT_A_TIME)
    found = connections.of_school(conn, settings.application, school_id)
    chosen = next((c for c in found if c.partner == partner and c.state == "approved"), None)
    if chosen is None:
        raise RegistryError(
            f"School {school_id} has no approved connection through {partner}. "
            "`mis connections list` shows what it has."
        )
    registrar = _Registrar(conn, settings, "operator")
    if not registrar.let_serve(chosen):
        raise RegistryError(f"School {school_id} is read through {partner} already.")


def moved(conn: psycopg.Connection[Any], settings: Settings, school_id: int) -> None:
    """Enter that a school has moved within its MIS, so that all of its ids are others; in the caller's transaction.

    Its next extracts are full ones, and match what they bring with what ``raw`` has. Raises ``RegistryError`` for a
    school that is not known.
    """
    conn.execute(_ONE_AT_A_TIME)
    row = conn.execute("select source_id, partner, mis from ops.school where school_id = %s", (school_id,)).fetchone()
    if row is None:
        raise RegistryError(f"There is no school {school_id}. `mis connections list` lists the schools.")
    source_id, partner, mis = row
    sources.end(conn, source_id)
    _Registrar(conn, settings, "operator").settle_source(school_id)
    for connection in connections.of_school(conn, settings.application, school_id):
        if connection.partner == partner:
            connections.log(conn, connection.connection_id, "migration", before=mis, after=mis, learned_from="operator")


def know(
    conn: psycopg.Connection[Any], school_id: int, *, urn: int | None = None, has_custom_codes: bool | None = None
) -> None:
    """Enter what the serving partner does not tell of a school, in the caller's transaction; None leaves it.

    Raises ``RegistryError`` for a school that is not known.
    """
    changed = conn.execute(
        "update ops.school set urn = coalesce(%s, urn), has_custom_codes = coalesce(%s, has_custom_codes)"
        " where school_id = %s",
        (urn, has_custom_codes, school_id),
    ).rowcount
    if not changed:
        raise RegistryError(f"There is no school {school_id}. `mis connections list` lists the schools.")


def log_migration(
    warehouse: Warehouse, settings: Settings, school: School, *, before: str | None, after: str | None
) -> None:
    """Note in the ledger that a school was announced to change its MIS; the ids change when the partner lists it so."""
    with warehouse.connect() as conn:
        known = connections.of_partner(conn, settings.application, school.partner)[school.partner_school_id]
        connections.log(conn, known.connection_id, "migration", before=before, after=after, learned_from="webhook")


async def _ask(partner: Partner, recent: frozenset[str]) -> tuple[list[School], dict[str, list[Scope]]]:
    """The partner's schools, and by the partner's id the scopes of the approved ones that are not ``recent``."""
    async with partner:
        schools = await partner.schools(recent)
        approved = [s for s in schools if s.state == "approved" and s.partner_school_id not in recent]
        scopes = await asyncio.gather(*(_scopes(partner, school) for school in approved))
    return schools, {
        school.partner_school_id: granted
        for school, granted in zip(approved, scopes, strict=True)
        if granted is not None
    }


async def _scopes(partner: Partner, school: School) -> list[Scope] | None:
    try:
        return await partner.scopes(school)
    except (SchoolNotAvailable, ScopeNotGranted, PartnerUnavailable) as error:
        # Revoked between the two questions, or away: the next sync sees it. The other schools go on.
        _LOG.warning("scopes of %s %s not read: %s", partner.name, school.partner_school_id, error)
        return None


class _Registrar:
    """Enters what was learned of schools, in the caller's transaction."""

    def __init__(self, conn: psycopg.Connection[Any], settings: Settings, learned_from: LearnedFrom) -> None:
        self._conn = conn
        self._application = settings.application
        self._keep_for = settings.keep_withdrawn
        self._learned_from = learned_from

    def enter(self, school: School, connection: Connection | None) -> int:
        """Enter a school as its partner lists it; the number of its connection."""
        if connection is None:
            school_id = self._same_school(school) or self._new_school(school)
            connection = connections.open_connection(
                self._conn, school_id, self._application, school, self._learned_from
            )
        else:
            self._set_state(connection, school.state)
        serving = self._elect(connection.school_id)
        if serving.connection_id == connection.connection_id:
            self._describe(connection.school_id, school)
        self.settle_source(connection.school_id)
        return connection.connection_id

    def enter_scopes(self, granted: dict[int, list[Scope]]) -> None:
        """Enter what schools grant, by connection."""
        before = connections.scopes_of(self._conn, list(granted))
        changed = [
            number
            for number, scopes in granted.items()
            if connections.record_scopes(self._conn, number, before[number], scopes, self._learned_from)
        ]
        rows = self._conn.execute("select school_id from ops.connection where connection_id = any(%s)", (changed,))
        watermarks.require_full(self._conn, [school_id for (school_id,) in rows])

    def withdrawn(self, connection: Connection, state: SchoolState, reason: str | None) -> None:
        """Enter that a school has taken its permission back."""
        self._set_state(connection, state, reason)
        self._elect(connection.school_id)
        self.settle_source(connection.school_id)

    def lost(self, connection: Connection) -> None:
        """Enter that a school is in none of its partner's lists any more."""
        if self._set_state(connection, "offline"):
            self._elect(connection.school_id)
            self.settle_source(connection.school_id)

    def _set_state(self, connection: Connection, state: SchoolState, reason: str | None = None) -> bool:
        return connections.set_state(
            self._conn, connection, state, self._learned_from, keep_for=self._keep_for, reason=reason
        )

    def _same_school(self, school: School) -> int | None:
        """Our number of a school that is known through another partner.

        The number of an establishment is given again when a school closes, so two different URNs are two schools.
        """
        row = self._conn.execute(
            """
            select school_id from ops.school
            where partner <> %(partner)s and (
                urn = %(urn)s
                or (laestab = lpad(%(la)s, 3, '0') || lpad(%(establishment)s, 4, '0')
                    and (urn = %(urn)s) is not false)
            )
            order by urn = %(urn)s desc nulls last, school_id desc limit 1
            """,
            {
                "partner": school.partner,
                "urn": school.urn,
                "la": school.la_code,
                "establishment": school.establishment_number,
            },
        ).fetchone()
        return row[0] if row else None

    def _new_school(self, school: School) -> int:
        row = self._conn.execute(
            "insert into ops.school (partner, partner_school_id, name, timezone, state, state_since)"
            " values (%s, %s, %s, %s, %s, now())"
            " on conflict (partner, partner_school_id) do update set name = excluded.name returning school_id",
            (school.partner, school.partner_school_id, school.name, school.timezone, school.state),
        ).fetchone()
        assert row is not None
        school_id: int = row[0]
        return school_id

    def let_serve(self, chosen: Connection) -> bool:
        """Let a school be read through this connection; False when it is already."""
        row = self._conn.execute(
            "select partner, partner_school_id from ops.school where school_id = %s", (chosen.school_id,)
        ).fetchone()
        if row == (chosen.partner, chosen.partner_school_id):
            return False
        connections.log(
            self._conn,
            chosen.connection_id,
            "serving",
            before=row[0] if row else None,
            after=chosen.partner,
            learned_from=self._learned_from,
        )
        serve(self._conn, chosen)
        self.settle_source(chosen.school_id)
        return True

    def _elect(self, school_id: int) -> Connection:
        """Settle through which connection a school is read, and with it the school's state."""
        found = connections.of_school(self._conn, self._application, school_id)
        row = self._conn.execute(
            "select partner, partner_school_id from ops.school where school_id = %s", (school_id,)
        ).fetchone()
        serving = next((c for c in found if (c.partner, c.partner_school_id) == row), found[0])
        approved = [connection for connection in found if connection.state == "approved"]
        chosen = serving if serving.state == "approved" or not approved else approved[0]
        if chosen is not serving:
            connections.log(
                self._conn,
                chosen.connection_id,
                "serving",
                before=serving.partner,
                after=chosen.partner,
                learned_from="platform",
                reason=f"the connection through {serving.partner} is {serving.state}",
            )
        serve(self._conn, chosen)
        return chosen

    def _describe(self, school_id: int, school: School) -> None:
        """What the serving partner does not know stays as it was known."""
        self._conn.execute(
            """
            update ops.school set
                name = %s,
                urn = coalesce(%s, urn),
                la_code = coalesce(%s, la_code),
                establishment_number = coalesce(%s, establishment_number),
                phase = coalesce(%s, phase),
                mis = coalesce(%s, mis),
                timezone = %s,
                has_custom_codes = coalesce(%s, has_custom_codes),
                seen_at = now()
            where school_id = %s
            """,
            (
                school.name,
                school.urn,
                school.la_code,
                school.establishment_number,
                school.phase,
                school.mis,
                school.timezone,
                school.has_custom_codes,
                school_id,
            ),
        )

    def settle_source(self, school_id: int) -> None:
        """Enter which source's ids the next extract brings; where they are others than before, all is read again."""
        row = self._conn.execute(
            "select source_id, partner, partner_school_id, mis from ops.school where school_id = %s", (school_id,)
        ).fetchone()
        assert row is not None
        before, *key = row
        source_id = sources.provide(self._conn, school_id, *key)
        if source_id != before:
            self._conn.execute("update ops.school set source_id = %s where school_id = %s", (source_id, school_id))
            watermarks.require_full(self._conn, [school_id])


def serve(conn: psycopg.Connection[Any], connection: Connection) -> None:
    """Let a school be read through this connection, in the caller's transaction."""
    conn.execute(
        """
        update ops.school set
            partner = %s,
            partner_school_id = %s,
            state_since = case when state = %s then state_since else now() end,
            state = %s
        where school_id = %s
        """,
        (
            connection.partner,
            connection.partner_school_id,
            connection.state,
            connection.state,
            connection.school_id,
        ),
    )
