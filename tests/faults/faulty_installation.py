"""A sandbox with two small schools, an installation that reads them through one of the partners, and the truth."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestration.connectors.base import Partner, Row
from orchestration.connectors.groupcall.client import GroupcallConfig, GroupcallPartner
from orchestration.connectors.groupcall.secrets import SchoolSecret, SecretStore
from orchestration.connectors.http import Limits
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest import registry
from orchestration.ingest.categories import CATEGORIES, Category, Table
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.settings import Settings
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate
from sandbox.server import Sandbox, running

#: In the last week but one before Easter: no academic year ends, so Groupcall still has every mark.
TODAY = date(2025, 3, 24)
#: Marks before are left out, or reading them would be all that the tests do.
HISTORY_FROM = date(2025, 3, 10)
PAGE_SIZE = 12

#: Columns of ids that change when a school moves to another MIS, and what ``ops.record_alias`` calls their records.
_RENAMED = {
    "pupil_id": "pupil",
    "person_id": "person",
    "staff_id": "staff",
    "subject_id": "subject",
    "group_id": "teaching_group",
    "aspect_id": "aspect",
    "result_set_id": "result_set",
    "result_id": "result",
    "exclusion_id": "exclusion",
    "code_id": "attendance_code",
}

TABLES = tuple(table for spec in CATEGORIES.values() for table in spec.tables)
TABLE = {table.name: table for table in TABLES}

Rows = dict[tuple[Any, ...], Row]


class RetryTime:
    """The retry policy's time: it passes when the policy waits, and then at once."""

    def __init__(self) -> None:
        self._now = 0.0

    async def sleep(self, seconds: float) -> None:
        self._now += seconds

    def clock(self) -> float:
        return self._now


@dataclass
class Heard:
    """What was logged, with tracebacks, as one text a record."""

    records: list[str] = field(default_factory=list)


class _Listener(logging.Handler):
    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.INFO)
        self._heard = heard
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.records.append(self.format(record))


@contextmanager
def listening() -> Iterator[Heard]:
    """Everything that is logged from INFO up."""
    heard = Heard()
    root = logging.getLogger()
    listener, level = _Listener(heard), root.level
    root.addHandler(listener)
    root.setLevel(logging.INFO)
    try:
        yield heard
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


@dataclass
class Installation:
    """A warehouse that reads the sandbox's two schools through one partner. Schools are named by Wonde's id."""

    sandbox: Sandbox
    warehouse: Warehouse
    settings: Settings
    partner_name: str
    estabs: dict[str, str] = field(init=False)
    _mis: str = field(init=False)
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        listed = self.sandbox.get("schools")["data"]
        self.estabs = {
            school["id"]: school["la_code"].zfill(3) + school["establishment_number"].zfill(4) for school in listed
        }
        self._mis = next(school["mis"] for school in listed if school["id"] == self.disturbed)

    @property
    def disturbed(self) -> str:
        """The school that faults are for: the second, a secondary."""
        return list(self.estabs)[1]

    def partner(self, *, patient: bool) -> Partner:
        """A new connector, as each process has one. A patient one waits for slow answers, the other soon gives up."""
        time = RetryTime()
        limits = Limits(request_timeout=30.0) if patient else Limits(request_timeout=0.5, max_attempts=3)
        if self.partner_name == "wonde":
            config = WondeConfig(
                self.sandbox.url, self.sandbox.token, page_size=PAGE_SIZE, limits=limits, history_from=HISTORY_FROM
            )
            return WondePartner(config, sleep=time.sleep, clock=time.clock)
        return GroupcallPartner(
            GroupcallConfig(
                self.sandbox.groupcall_url,
                self.sandbox.groupcall_url.replace("api/v1/", "api/oauth/GetToken"),
                self.sandbox.groupcall_relying_party,
                self._secrets.all,
                page_size=PAGE_SIZE * 10,
                limits=limits,
                history_from=HISTORY_FROM,
            ),
            sleep=time.sleep,
            clock=time.clock,
        )

    def migrate(self, mis: str) -> None:
        """Move the disturbed school to another MIS. To the one that it is in would be no move that anybody tells of."""
        if mis != self._mis:
            self.sandbox.control(f"school/{self.disturbed}/migrate", {"mis": mis})
            self._mis = mis

    def fault(self, *faults: Mapping[str, Any]) -> None:
        """Put these faults, and no others, in force; ``{school}`` and ``{estab}`` are the disturbed school's."""
        names = {"school": self.disturbed, "estab": self.estabs[self.disturbed]}
        filled = [
            {
                name: value.format(**names) if name in ("path", "school") else value
                for name, value in fault.items()
                if value is not None or name == "value"
            }
            for fault in faults
        ]
        self.sandbox.control("faults", {"faults": filled})

    def faults_left(self) -> list[int | None]:
        """Of each fault in force, how many requests may still meet it; None of one that is not used up."""
        return [fault.get("times") for fault in self.sandbox.control("faults")]

    def settle(self) -> None:
        """Nothing is broken any more, the school allows everything, and the platform has learned of it."""
        self.fault()
        self.sandbox.control(f"school/{self.disturbed}/state", {"state": "approved"})
        self.sync(patient=True)

    def sync(self, *, patient: bool) -> None:
        """Receive what a school's approval brings, and bring ``ops.school`` in step."""
        for estab, secret in self.sandbox.groupcall_secrets().items():
            if estab in self.estabs.values():
                self._secrets.put(SchoolSecret(estab, f"School {estab}", secret, (), datetime(2024, 9, 1, tzinfo=UTC)))
        for school in registry.sync(self.warehouse, self.partner(patient=patient), self.settings):
            for wonde_id, estab in self.estabs.items():
                if school.partner_school_id in (wonde_id, estab):
                    self.numbers[wonde_id] = school.school_id

    def extract(
        self, category: Category, *, patient: bool, full: bool = False, accept_held: bool = False
    ) -> dict[str, SchoolOutcome]:
        """Extract a category of both schools; the outcome of each."""
        outcomes = extract_category(
            self.warehouse,
            {self.partner_name: self.partner(patient=patient)},
            self.settings,
            category,
            list(self.numbers.values()),
            run_id="faults",
            full=full,
            accept_held=accept_held,
        )
        return dict(zip(self.numbers, outcomes, strict=True))

    def digests(self) -> dict[str, str]:
        """A digest of each raw table, but for which extract wrote a row, and of the quarantine."""
        row_of = {f"raw.{table.name}": "to_jsonb(r) - 'extract_id'" for table in TABLES}
        row_of["quarantine.row"] = "jsonb_build_array(r.table_name, r.row_key, r.rules, r.payload, r.state)"
        return {
            relation: self.query(
                f"select md5(coalesce(string_agg(({row})::text, '' order by ({row})::text), '')) from {relation} as r"
            )[0][0]
            for relation, row in row_of.items()
        }

    def leftovers(self, *categories: Category) -> list[tuple[Any, ...]]:
        """What nothing may leave behind: extracts without an end, work tables, advisory locks, rows in quarantine."""
        names = [category.value for category in categories or Category]
        return [
            *self.query("select * from ops.extract where finished_at is null and category = any(%s)", names),
            *self.query("select tablename from pg_tables where schemaname = 'landing'"),
            *self.query(
                "select * from pg_locks where locktype = 'advisory'"
                " and database = (select oid from pg_database where datname = current_database())"
            ),
            *self.query("select * from quarantine.row where state = 'open' and category = any(%s)", names),
        ]

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query in the warehouse."""
        with self.warehouse.connect() as conn:
            return conn.execute(statement.encode(), parameters or None).fetchall()

    def raw(self, school: str, table: Table) -> Rows:
        """Live rows of a school's raw table by key."""
        rows = self.query(
            f"select {', '.join(table.columns)} from raw.{table.name} where school_id = %s and removed_at is null",
            self.numbers[school],
        )
        return _by_key(table, rows)

    def truth(self, school: str, category: Category) -> dict[str, Rows]:
        """What the partner has, by table and key, read to its end without faults; ids are those that raw knows."""
        landed = asyncio.run(self._walk(school, category))
        if self.partner_name == "wonde":
            self._check_walk(school, landed)
        known = {
            (record, source_id): record_id
            for record, source_id, record_id in self.query(
                "select table_name, source_record_id, record_id from ops.record_alias"
                " inner join ops.school using (school_id, source_id) where school_id = %s",
                self.numbers[school],
            )
        }
        return {
            table.name: _by_key(table, [_renamed(table, row, known) for row in landed[table.name]])
            for table in CATEGORIES[category].tables
        }

    @property
    def _secrets(self) -> SecretStore:
        return SecretStore(self.settings.home / "groupcall")

    async def _walk(self, school: str, category: Category) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {table.name: [] for table in CATEGORIES[category].tables}
        partner = self.partner(patient=True)
        decoder = partner.decoder(category)
        number = self.numbers[school]
        with self.warehouse.connect() as conn:
            known = registry.read(conn, [number])[number].as_source()
        async with partner:
            for stream in partner.streams(category, "full"):
                async for page in partner.pages(known, stream, updated_after=None):
                    decoded = decoder.decode(stream.name, page.body)
                    assert not decoded.bad
                    for part in decoded.rows:
                        if stream.completes:
                            table = TABLE[part.table]
                            completed = _by_key(table, part.rows).keys()
                            found[part.table] = [
                                row for row in found[part.table] if _key_of(table, row) not in completed
                            ]
                        found[part.table] += part.rows
        return found

    def _check_walk(self, school: str, landed: Mapping[str, list[Row]]) -> None:
        """The connector's walk is no witness for itself: what the sandbox tells aside from any list must agree."""
        for table, (columns, lists) in _TOLD_ASIDE.items():
            if table in landed:
                places = [_COLUMNS[table].index(column) for column in columns]
                told = [
                    tuple(row[name] or None for name in columns.values())
                    for address in lists
                    for row in self.sandbox.control(f"truth/{school}/rows/{address}")
                ]
                assert sorted(map(str, told)) == sorted(
                    str(tuple(row[place] for place in places)) for row in landed[table]
                ), table


#: Where the sandbox tells the rows of a table aside from its lists, and which members are which columns.
_MARKS_FROM = f"?attendance_date_after={HISTORY_FROM}"
_TOLD_ASIDE: Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "pupil": (
        {"pupil_id": "id", "forename": "forename", "surname": "surname", "middle_names": "middle_names"},
        ("students", "students-leaver"),
    ),
    "staff": ({"staff_id": "id", "forename": "forename", "surname": "surname"}, ("employees",)),
    "subject": ({"subject_id": "id", "code": "code", "name": "name"}, ("subjects",)),
    "teaching_group": ({"group_id": "id", "code": "code"}, ("classes", "groups?type=REGISTRATION")),
    "result": (
        {"result_id": "id", "pupil_id": "student", "aspect_id": "aspect", "value": "result"},
        ("assessment/results",),
    ),
    "exclusion": ({"exclusion_id": "id", "type_code": "type_code"}, ("exclusions",)),
    "attendance_mark": (
        {"mark_id": "id", "pupil_id": "student", "session": "session", "comment": "comment"},
        (f"attendance/session{_MARKS_FROM}", f"attendance-leavers/session{_MARKS_FROM}"),
    ),
}
_COLUMNS = {table.name: table.columns for table in TABLES}


def _by_key(table: Table, rows: Sequence[Row]) -> Rows:
    found = {_key_of(table, row): row for row in rows}
    assert len(found) == len(rows), f"{table.name}: a key stands twice"
    return found


def _key_of(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[table.columns.index(column)] for column in table.key)


def _renamed(table: Table, row: Row, known: Mapping[tuple[str, Any], str]) -> Row:
    return tuple(
        known.get((_RENAMED[column], value), value) if column in _RENAMED else value
        for column, value in zip(table.columns, row, strict=True)
    )


class Installations:
    """Makes installations: each begins with the same two schools on the same day, read once before if so wanted."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        """``cluster`` runs; databases are made in it."""
        self._cluster = cluster
        self._folder = folder
        self._count = 0
        self._begun: dict[str, str] = {}
        self._template = "faults_migrated"
        self._tell_server(f"create database {self._template}")
        migrate(Warehouse(cluster.url(self._template), cluster.url(self._template)))

    @contextmanager
    def new(self, partner: str, *, begun: bool) -> Iterator[Installation]:
        """One that is dropped at the end of the block; ``begun``: every category has been read."""
        if begun and partner not in self._begun:
            with self._installation(partner, self._template, keep=True) as installation:
                installation.settle()
                for category in CATEGORIES:
                    for outcome in installation.extract(category, patient=True).values():
                        assert (outcome.state, outcome.rows_quarantined) == ("loaded", 0), outcome.message
            self._begun[partner] = f"faults_{self._count}"
        with self._installation(partner, self._begun[partner] if begun else self._template) as installation:
            installation.settle()
            yield installation

    @contextmanager
    def _installation(self, partner: str, template: str, *, keep: bool = False) -> Iterator[Installation]:
        self._count += 1
        name = f"faults_{self._count}"
        folder = self._folder / "worlds" / partner
        self._tell_server(f"create database {name} template {template}")
        # Postgres logs a sequence 32 numbers ahead, and a copy's log has but the number itself: were the server killed
        # before a checkpoint, the copy's sequences would go back and give numbers twice.
        self._tell_server("checkpoint")
        try:
            with running(size=0.03, schools=2, today=TODAY, directory=folder, reset=True) as sandbox:
                yield Installation(
                    sandbox,
                    Warehouse(self._cluster.url(name), self._cluster.url(name)),
                    Settings(home=self._folder / name),
                    partner,
                )
        finally:
            if not keep:
                self._tell_server(f"drop database {name} with (force)")

    def _tell_server(self, statement: str) -> None:
        with psycopg.connect(self._cluster.url("postgres"), autocommit=True) as conn:
            conn.execute(statement.encode())
