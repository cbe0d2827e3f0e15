"""The tables that the migrations make: as the categories say, described, guarded, and made once however often asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest

from orchestration.ingest.categories import CATEGORIES, PLATFORM_COLUMNS, Purpose, Table
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse, WarehouseError
from orchestration.warehouse.migrate import migrate

PROJECT = Path(__file__).resolve().parents[2]
TABLES = [table for spec in CATEGORIES.values() for table in spec.all_tables]
OWNED = ["raw", "ops", "quarantine", "access"]


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Warehouse]:
    """A database in which nothing has been migrated."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute("create database nothing_yet")
        yield Warehouse(cluster.url("nothing_yet"), cluster.url("nothing_yet"))
        admin.execute("drop database nothing_yet with (force)")


@pytest.fixture(scope="module")
def reader(module_warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    with module_warehouse.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def writer(module_warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """A session whose changes are undone; school 1 is there."""
    with module_warehouse.connect() as connection:
        connection.execute(
            "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
            " values (1, 'wonde', 'A1', 'Elm School', 'approved')"
        )
        yield connection
        connection.rollback()


def catalogue(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """Every relation of the owned schemas, with the number of its file and of the transaction that described it."""
    with warehouse.connect() as connection:
        return connection.execute(
            "select c.oid, c.relname, c.relfilenode, c.xmin::text from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace where n.nspname = any(%s) order by 1",
            [OWNED],
        ).fetchall()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_raw_table_is_as_its_category_says(reader: psycopg.Connection, table: Table) -> None:
    found = reader.execute(
        """
        select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum)
        from pg_attribute a
        where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """,
        [f"raw.{table.name}"],
    ).fetchall()
    long_names = {"timestamptz": "timestamp with time zone"}
    needed = {*table.key, "extract_id"}
    assert sorted(found) == sorted(
        [
            ("school_id", "integer", True, "The school the row belongs to: ops.school."),
            *(
                (
                    field.name,
                    long_names.get(field.sql_type, field.sql_type),
                    field.name in needed,
                    field.description or None,
                )
                for field in (*table.fields, *PLATFORM_COLUMNS)
            ),
        ]
    )
    key = reader.execute(
        """
        select array_agg(a.attname::text order by k.n)
        from pg_constraint c
        cross join unnest(c.conkey) with ordinality as k (attnum, n)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
        where c.conrelid = %s::regclass and c.contype = 'p'
        """,
        [f"raw.{table.name}"],
    ).fetchone()
    assert key == (["school_id", *table.key],)
    described = reader.execute("select obj_description(%s::regclass)", [f"raw.{table.name}"]).fetchone()
    assert described == (table.description,)


def test_raw_holds_the_tables_of_the_categories_and_no_other(reader: psycopg.Connection) -> None:
    found = reader.execute("select tablename::text from pg_tables where schemaname = 'raw'").fetchall()
    assert {name for (name,) in found} == {table.name for table in TABLES}


def test_the_marks_carry_their_key_and_what_an_extract_changed_and_no_other_index(reader: psycopg.Connection) -> None:
    """It is the largest table: every further index is paid for with every mark."""
    found = reader.execute(
        "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
        " where i.indrelid = 'raw.attendance_mark'::regclass order by c.relname"
    ).fetchall()
    assert found == [("attendance_mark_by_extract",), ("attendance_mark_pkey",)]


def test_every_table_and_column_of_the_platform_is_described(reader: psycopg.Connection) -> None:
    found = reader.execute(
        """
        select c.oid::regclass::text || coalesce('.' || a.attname, '')
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        cross join lateral (
            select null as attname, 0 as attnum
            union all
            select attname, attnum from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
        ) a
        where n.nspname in ('ops', 'quarantine', 'access') and c.relkind = 'r' and c.relname <> 'alembic_version'
            and case when a.attnum = 0 then obj_description(c.oid) else col_description(c.oid, a.attnum) end is null
        """
    ).fetchall()
    assert found == []


def test_the_schemas_that_others_fill_are_there_and_described(reader: psycopg.Connection) -> None:
    found = reader.execute(
        "select nspname::text from pg_namespace where obj_description(oid, 'pg_namespace') is not null"
    ).fetchall()
    expected = {*OWNED, "landing", "reference", *(purpose.value for purpose in Purpose)}
    assert {name for (name,) in found} >= expected


def test_a_second_migration_changes_nothing(warehouse: Warehouse) -> None:
    before = catalogue(warehouse)
    migrate(warehouse)
    assert catalogue(warehouse) == before != []


def test_processes_that_migrate_at_once_all_end_well(empty: Warehouse) -> None:
    program = """
import sys
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(Warehouse(sys.argv[1], sys.argv[1]))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty.url], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4
    with empty.connect() as connection:
        versions = PROJECT / "orchestration" / "warehouse" / "migrations" / "versions"
        latest = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
        assert connection.execute("select version_num from ops.alembic_version").fetchall() == [(latest,)]


def test_a_migration_that_fails_leaves_nothing_behind(empty: Warehouse) -> None:
    with empty.connect() as connection:
        connection.execute("create schema access")
    with pytest.raises(Exception, match='schema "access" already exists'):
        migrate(empty)
    with empty.connect() as connection:
        found = connection.execute("select count(*) from pg_namespace where nspname in ('ops', 'raw')").fetchone()
        connection.execute("drop schema access")
    assert found == (0,)
    migrate(empty)


def test_a_user_without_rights_is_told_which(cluster: Cluster, empty: Warehouse) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute("create role guest login password 'guest'")
        url = f"postgresql://guest:guest@{cluster.url('nothing_yet').split('@')[1]}"
        with pytest.raises(WarehouseError, match=r"guest@.*permission denied.*alter database \.\.\. owner"):
            migrate(Warehouse(url, url))
        admin.execute("drop role guest")


EXTRACT = """
    with source as (
        insert into ops.source (school_id, partner) values (1, 'file')
        on conflict (school_id, partner, partner_school_id, mis) where ended_at is null
            do update set partner = 'file'
        returning source_id
    )
    insert into ops.extract (run_id, school_id, source_id, category, mode, state)
    select 'r', 1, source_id, 'basic', {mode}, {state} from source
"""
GATE = (
    "insert into ops.gate_result"
    " (run_id, stage, suite, relation, rule_id, severity, outcome, message, what_to_do, owner)"
    " values ('r', {stage}, 's', 't', 'T-1', {severity}, {outcome}, 'm', 'w', 'o')"
)
ROW = (
    "insert into quarantine.row"
    " (school_id, category, table_name, extract_id, row_key, rules, messages, payload, payload_kind, state)"
    " values (1, 'basic', 'pupil', 1, '{{\"pupil_id\": \"A\"}}', '{{T-1}}', '{{m}}', '{{}}', {kind}, {state})"
)
RELEASE = (
    "insert into ops.release (purpose, schema_name, state, run_id, relations)"
    " values ({purpose}, {schema}, {state}, 'r', '[]')"
)


@pytest.mark.parametrize(
    ("statement", "good", "bad"),
    [
        ("update ops.school set state = {state}", {"state": "offline"}, {"state": "asleep"}),
        (EXTRACT, {"mode": "full", "state": "held"}, {"mode": "partial"}),
        (EXTRACT, {"mode": "incremental", "state": "running"}, {"state": "done"}),
        (GATE, {"stage": "mart", "severity": "info", "outcome": "error"}, {"stage": "staging"}),
        (GATE, {"stage": "raw", "severity": "critical", "outcome": "failed"}, {"severity": "fatal"}),
        (GATE, {"stage": "core", "severity": "warning", "outcome": "passed"}, {"outcome": "skipped"}),
        (ROW, {"kind": "landing", "state": "open"}, {"kind": "page"}),
        (ROW, {"kind": "source", "state": "superseded"}, {"state": "closed"}),
        (RELEASE, {"purpose": "tracking", "schema": "s1", "state": "rolled_back"}, {"purpose": "marketing"}),
        (RELEASE, {"purpose": "tracking", "schema": "s1", "state": "superseded"}, {"state": "draft"}),
    ],
)
def test_words_outside_the_list_are_refused(
    writer: psycopg.Connection, statement: str, good: dict[str, str], bad: dict[str, str]
) -> None:
    def run(values: dict[str, str]) -> None:
        quoted = {name: f"'{value}'" for name, value in values.items()}
        writer.execute(statement.format(**quoted).encode())

    run(good)
    with pytest.raises(psycopg.errors.CheckViolation):
        run(good | {"schema": "s2"} | bad)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (
            "insert into ops.school (partner, partner_school_id, name, state) values ('wonde', 'A1', 'Elm', 'pending')",
            psycopg.errors.UniqueViolation,
        ),
        (
            "insert into ops.connection (school_id, application, partner, partner_school_id, state)"
            " values (2, 'mis', 'wonde', 'A2', 'pending')",
            psycopg.errors.ForeignKeyViolation,
        ),
        (
            EXTRACT.format(mode="'full'", state="'held'").replace("1, source_id", "2, source_id"),
            psycopg.errors.ForeignKeyViolation,
        ),
        (
            "insert into ops.watermark (school_id, category, extract_id) values (1, 'basic', -1)",
            psycopg.errors.ForeignKeyViolation,
        ),
        (
            "insert into ops.extract_table (extract_id, table_name) values (-1, 'pupil')",
            psycopg.errors.ForeignKeyViolation,
        ),
        ("insert into access.grant_school (person_id, school_id) values (-1, 1)", psycopg.errors.ForeignKeyViolation),
        ("insert into raw.pupil (school_id, pupil_id) values (1, 'A')", psycopg.errors.NotNullViolation),
    ],
)
def test_what_belongs_to_nothing_is_refused(
    writer: psycopg.Connection, statement: str, refusal: type[psycopg.Error]
) -> None:
    with pytest.raises(refusal):
        writer.execute(statement.encode())


def test_one_open_quarantine_entry_for_a_row_and_any_number_of_closed_ones(writer: psycopg.Connection) -> None:
    for state in ("resolved", "superseded", "superseded", "open"):
        writer.execute(ROW.format(kind="'landing'", state=f"'{state}'").encode())
    with pytest.raises(psycopg.errors.UniqueViolation):
        writer.execute(ROW.format(kind="'landing'", state="'open'").encode())


def test_one_published_release_of_a_purpose(writer: psycopg.Connection) -> None:
    for purpose, schema, state in [
        ("tracking", "t1", "superseded"),
        ("tracking", "t2", "published"),
        ("attendance", "a1", "published"),
    ]:
        writer.execute(RELEASE.format(purpose=f"'{purpose}'", schema=f"'{schema}'", state=f"'{state}'").encode())
    with pytest.raises(psycopg.errors.UniqueViolation):
        writer.execute(RELEASE.format(purpose="'tracking'", schema="'t3'", state="'published'").encode())


@pytest.mark.parametrize(
    ("la_code", "establishment_number", "laestab"),
    [("301", "4001", "3014001"), ("301", "12", "3010012"), (None, "4001", None), ("301", None, None)],
)
def test_laestab_is_seven_digits_or_unknown(
    writer: psycopg.Connection, la_code: str | None, establishment_number: str | None, laestab: str | None
) -> None:
    found = writer.execute(
        "update ops.school set la_code = %s, establishment_number = %s returning laestab",
        [la_code, establishment_number],
    ).fetchone()
    assert found == (laestab,)


def test_a_person_who_goes_takes_their_grants_along(writer: psycopg.Connection) -> None:
    writer.execute("insert into access.person (email, name) values ('a@example.org', 'A')")
    writer.execute("insert into access.grant_school select person_id, 1 from access.person")
    writer.execute("insert into access.grant_purpose select person_id, 'attendance' from access.person")
    writer.execute("delete from access.person")
    assert writer.execute("select count(*) from access.grant_school").fetchone() == (0,)
    assert writer.execute("select count(*) from access.grant_purpose").fetchone() == (0,)


def test_each_test_has_a_warehouse_of_its_own(new_warehouse: Callable[[], AbstractContextManager[Warehouse]]) -> None:
    with new_warehouse() as one, new_warehouse() as other:
        with one.connect() as connection:
            connection.execute("insert into access.person (email, name) values ('a@example.org', 'A')")
        with other.connect() as connection:
            assert connection.execute("select count(*) from access.person").fetchone() == (0,)
