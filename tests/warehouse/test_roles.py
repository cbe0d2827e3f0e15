"""Roles: a purpose reads what is published for it and the reference data, and is refused everything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import psycopg
import pytest
import yaml  # type: ignore[import-untyped]
from psycopg import sql

from orchestration.ingest.categories import CATEGORIES, Category, Purpose
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate
from orchestration.warehouse.published_views import is_hidden
from orchestration.warehouse.publishing import PublishError, publish, rollback
from orchestration.warehouse.roles import (
    EVERY_SCHOOL_ROLE,
    NAMED_COLUMNS,
    NAMED_ROLE,
    OPEN_RELATIONS,
    OPERATOR_ROLE,
    READER_ROLES,
    SPECIAL_SUFFIX,
    Level,
    ensure_roles,
    reader_role,
)

EVERY_ROLE = {*READER_ROLES, NAMED_ROLE, EVERY_SCHOOL_ROLE, OPERATOR_ROLE}
MARTS = Path(__file__).parents[2] / "dbt_project" / "models" / "marts"


@pytest.fixture
def owner(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """The owner's session in a warehouse with roles, a reference table and two releases of each of two purposes."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("create table reference.attendance_code (code text)")
        connection.execute("create schema if not exists core; create table core.pupil (pupil_id text)")
        assert ensure_roles(connection) == ()
        for purpose in (Purpose.ATTENDANCE, Purpose.TRACKING):
            for run in ("first", "second"):
                connection.execute(f"create schema if not exists build_{purpose}".encode())
                connection.execute(f"create table build_{purpose}.school_year as select 1 as school_id".encode())
                connection.execute(f"create table build_{purpose}.pupil_name as select 'Ada' as forename".encode())
                publish(connection, purpose, run)
        yield connection


def may_read(connection: psycopg.Connection, role: str, relation: str) -> bool:
    """Read as the role, and tell whether the server allowed it."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("select * from {}").format(sql.Identifier(*relation.split("."))))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


@pytest.mark.parametrize(
    ("relation", "allowed"),
    [
        ("attendance.school_year", True),
        ("reference.attendance_code", True),
        ("release_attendance_2.school_year", True),
        ("attendance.pupil_name", False),
        ("release_attendance_1.pupil_name", False),
        ("release_attendance_2.pupil_name", False),
        ("tracking.school_year", False),
        ("release_tracking_2.school_year", False),
        ("raw.pupil", False),
        ("core.pupil", False),
        ("quarantine.row", False),
        ("ops.extract", False),
        ("access.person", False),
    ],
)
def test_a_purpose_reads_its_own_schema_and_the_reference(
    owner: psycopg.Connection, relation: str, allowed: bool
) -> None:
    assert may_read(owner, reader_role(Purpose.ATTENDANCE, Level.PUPILS), relation) is allowed


@pytest.fixture
def attendance(owner: psycopg.Connection) -> psycopg.Connection:
    """A release with a relation of every sort that an attendance mart may have."""
    for columns in (
        "school (school_id int, school_name text)",
        "school_day (school_id int, session_date date, is_open_day boolean)",
        "published_rate (academic_year int, absence_rate numeric)",
        "school_year (school_id int, enrolments int)",
        "pupil_year (school_id int, pupil_key bigint, absence_sessions int)",
        "pupil_name (school_id int, pupil_key bigint, forename text)",
        "group_year (school_id int, enrolments int, is_suppressed boolean)",
        "group_year_exact (school_id int, enrolments int, is_suppressed boolean)",
        "suspension_year (school_id int, exact_enrolments int, is_suppressed boolean)",
        "pupil_list (school_id int, pupil_key bigint, is_suppressed boolean)",
        "sibling (school_id int, sibling_pupil_key bigint, is_suppressed boolean)",
        "named_list (school_id int, surname text, is_suppressed boolean)",
        "alert_rule (rule_id text, pupil_key bigint)",
        "_register_year (school_id int, pupil_key bigint, marks text)",
    ):
        owner.execute(f"create table build_attendance.{columns}".encode())
    owner.execute(
        "create view build_attendance.session as select school_id, pupil_key from build_attendance._register_year"
    )
    publish(owner, Purpose.ATTENDANCE, "run", allow_breaking=True)
    return owner


@pytest.mark.parametrize(
    ("relation", "levels"),
    [
        ("school", "aggregates pupils named"),
        ("school_day", "aggregates pupils named"),
        ("published_rate", "aggregates pupils named"),
        ("group_year", "aggregates pupils named"),
        ("school_year", "pupils named"),
        ("pupil_year", "pupils named"),
        ("group_year_exact", "pupils named"),
        ("suspension_year", "pupils named"),
        ("pupil_list", "pupils named"),
        ("sibling", "pupils named"),
        ("alert_rule", "pupils named"),
        ("session", "pupils named"),
        ("_register_year", "pupils named"),
        ("pupil_name", "named"),
        ("named_list", "named"),
    ],
)
def test_each_level_reads_what_it_may(attendance: psycopg.Connection, relation: str, levels: str) -> None:
    """Closed to readers of aggregates unless known to be open: by its suppression, or by name and without pupils."""
    schemas = ["release_attendance_3"] if is_hidden(relation) else ["attendance", "release_attendance_3"]
    for schema in schemas:
        found = {
            level
            for level in Level
            if may_read(attendance, reader_role(Purpose.ATTENDANCE, level), f"{schema}.{relation}")
        }
        assert found == set(levels.split())


@pytest.mark.parametrize(
    ("relation", "levels", "special_levels"),
    [
        ("pupil", "pupils named", "pupils named"),
        ("pupil_special", "", "pupils named"),
        ("student_explorer", "pupils named", "pupils named"),
        ("student_explorer_special", "", "pupils named"),
        ("named_special", "", "named"),
        ("need_special", "", "pupils named"),
    ],
)
def test_special_category_is_for_who_has_the_right_beside_pupils_rows(
    owner: psycopg.Connection, relation: str, levels: str, special_levels: str
) -> None:
    owner.execute(
        """
        create schema build_benchmarks;
        create table build_benchmarks.pupil (school_id int, pupil_key bigint, is_disadvantaged boolean);
        create table build_benchmarks.pupil_special (school_id int, pupil_key bigint, sen_status text);
        create table build_benchmarks.student_explorer (school_id int, pupil_key bigint);
        create table build_benchmarks.student_explorer_special (school_id int, pupil_key bigint, ethnicity text);
        create table build_benchmarks.named_special (school_id int, pupil_key bigint, surname text, sen_status text);
        create table build_benchmarks.need_special (school_id int, sen_need text, is_suppressed boolean)
        """
    )
    publish(owner, Purpose.BENCHMARKS, "run")
    ensure_roles(owner)  # the start of the next command takes nothing away and adds nothing
    for special, due in ((False, levels), (True, special_levels)):
        roles = {level: reader_role(Purpose.BENCHMARKS, level, special=special) for level in Level}
        found = {level for level, role in roles.items() if may_read(owner, role, f"benchmarks.{relation}")}
        assert found == set(due.split()), special
    assert not may_read(owner, NAMED_ROLE, f"benchmarks.{relation}")


def test_special_category_columns_stand_in_special_relations_alone() -> None:
    """The right is by relation: a column of ethnicity, language or SEND elsewhere would go round it."""
    special = {"ethnicity_code", "ethnicity_group", "first_language", "is_eal", "sen_status", "sen_need"}
    special |= {"is_looked_after", "is_service_child"}
    for path in (MARTS / "benchmarks").glob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            if not model["name"].endswith(SPECIAL_SUFFIX):
                assert special.isdisjoint(column["name"] for column in model["columns"]), model["name"]


def test_the_special_category_right_changes_no_other_purpose() -> None:
    for purpose in set(Purpose) - {Purpose.BENCHMARKS}:
        for level in Level:
            assert reader_role(purpose, level, special=True) == reader_role(purpose, level)
    aggregates = reader_role(Purpose.BENCHMARKS, Level.AGGREGATES, special=True)
    assert aggregates == reader_role(Purpose.BENCHMARKS, Level.AGGREGATES)


def test_targets_are_read_as_they_stand_by_readers_of_pupils_rows(owner: psycopg.Connection) -> None:
    for relation in ("targets.current_target", "targets.target_entry"):
        readers = {role for role in EVERY_ROLE if may_read(owner, role, relation)}
        assert readers == {
            reader_role(Purpose.BENCHMARKS, level, special=special)
            for level in (Level.PUPILS, Level.NAMED)
            for special in (False, True)
        }


def test_the_level_is_of_one_purpose(attendance: psycopg.Connection) -> None:
    for level in Level:
        assert not may_read(attendance, reader_role(Purpose.TRACKING, level), "attendance.school")
        assert may_read(attendance, reader_role(Purpose.TRACKING, level), "reference.attendance_code")
    assert not may_read(attendance, reader_role(Purpose.TRACKING, Level.NAMED), "attendance.pupil_name")


@pytest.mark.parametrize("level", Level)
def test_staff_are_read_at_every_level(level: Level) -> None:
    assert reader_role(Purpose.PROVISIONING, level) == "mis_provisioning"


@pytest.mark.parametrize(
    ("source", "view", "told"),
    [
        (
            "pupil_year (school_id int, pupil_key bigint)",
            "school_id, false as is_suppressed",
            "mis_attendance_aggregates",
        ),
        ("pupil_name (school_id int, surname text)", "school_id", "mis_attendance"),
    ],
)
def test_a_view_open_to_readers_to_whom_its_source_is_closed_is_refused(
    owner: psycopg.Connection, source: str, view: str, told: str
) -> None:
    owner.execute(f"create table build_attendance.{source}".encode())
    name = source.split(maxsplit=1)[0]
    owner.execute(f"create view build_attendance.figures as select {view} from build_attendance.{name}".encode())
    with pytest.raises(PublishError, match=f"{told} may read figures but not {name}"):
        publish(owner, Purpose.ATTENDANCE, "run", allow_breaking=True)


@pytest.mark.parametrize(
    ("relation", "allowed"),
    [
        ("ops.extract", True),
        ("quarantine.row", True),
        ("reference.attendance_code", True),
        ("attendance.school_year", False),
        ("raw.pupil", False),
        ("access.person", False),
    ],
)
def test_an_operator_reads_the_platforms_records_and_no_marts(
    owner: psycopg.Connection, relation: str, allowed: bool
) -> None:
    assert may_read(owner, OPERATOR_ROLE, relation) is allowed


@pytest.mark.parametrize(
    ("relation", "allowed"),
    [
        ("attendance.pupil_name", True),
        ("release_attendance_2.pupil_name", True),
        ("tracking.pupil_name", True),
        ("attendance.school_year", False),
        ("release_attendance_2.school_year", False),
        ("reference.attendance_code", False),
        ("raw.pupil", False),
        ("core.pupil", False),
        ("quarantine.row", False),
        ("ops.extract", False),
    ],
)
def test_the_named_role_reads_names_and_nothing_else(owner: psycopg.Connection, relation: str, allowed: bool) -> None:
    assert may_read(owner, NAMED_ROLE, relation) is allowed


def test_who_has_both_roles_reads_both_whatever_is_published(owner: psycopg.Connection) -> None:
    """A release of more columns, one of fewer, and the way back."""
    purpose = Purpose.ATTENDANCE
    both = "alice_of_the_roles_test"  # roles belong to the server, which other tests use too
    owner.execute(f"create role {both} login in role {reader_role(purpose, Level.PUPILS)}, {NAMED_ROLE}".encode())

    def check() -> None:
        for schema in ("attendance", *releases_of(owner, purpose)):
            for relation, reader in (("school_year", reader_role(purpose, Level.PUPILS)), ("pupil_name", NAMED_ROLE)):
                allowed = {role for role in EVERY_ROLE | {both} if may_read(owner, role, f"{schema}.{relation}")}
                assert allowed == {reader, both, reader_role(purpose, Level.NAMED)}

    try:
        check()
        for columns in ("forename, null as upn", "forename"):
            owner.execute("create table build_attendance.school_year as select 1 as school_id")
            owner.execute(
                f"create table build_attendance.pupil_name as select {columns} from (select 'Ada' as forename)".encode()
            )
            publish(owner, purpose, "run", allow_breaking=True)
            check()
        rollback(owner, purpose)
        check()
    finally:
        owner.execute(f"drop role {both}".encode())


def releases_of(connection: psycopg.Connection, purpose: Purpose) -> list[str]:
    found = connection.execute("select nspname from pg_namespace where nspname ~ %s", [f"^release_{purpose}_"])
    return [name for (name,) in found]


def test_names_that_an_earlier_release_let_everybody_read_are_taken_back(owner: psycopg.Connection) -> None:
    role = reader_role(Purpose.ATTENDANCE, Level.PUPILS)
    schemas = ("attendance", "release_attendance_1", "release_attendance_2")
    for schema in schemas:
        owner.execute(f"grant select on all tables in schema {schema} to {role}".encode())
        owner.execute(f"revoke all on all tables in schema {schema} from {NAMED_ROLE}".encode())
    assert may_read(owner, role, "attendance.pupil_name")
    assert ensure_roles(owner) == ()
    for schema in schemas:
        assert not may_read(owner, role, f"{schema}.pupil_name")
        assert may_read(owner, NAMED_ROLE, f"{schema}.pupil_name")
        assert may_read(owner, role, f"{schema}.school_year")


def test_a_mart_that_takes_names_in_is_closed_with_its_publication(owner: psycopg.Connection) -> None:
    owner.execute("create table build_attendance.pupil_name as select 'Ada' as forename")
    owner.execute("create table build_attendance.school_year as select 1 as school_id, 'A1' as upn")
    publish(owner, Purpose.ATTENDANCE, "run")
    assert not may_read(owner, reader_role(Purpose.ATTENDANCE, Level.PUPILS), "attendance.school_year")
    assert may_read(owner, NAMED_ROLE, "attendance.school_year")


def declared_marts() -> dict[Purpose, dict[str, list[str]]]:
    """The columns of every mart, by purpose and published name, from the contracts that dbt enforces."""
    found: dict[Purpose, dict[str, list[str]]] = {purpose: {} for purpose in Purpose}
    for file in MARTS.glob("*/*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            purpose, name = model["name"].split("__", 1)
            found[Purpose(purpose)][name] = [column["name"] for column in model["columns"]]
    return found


def publish_declared(connection: psycopg.Connection, purpose: Purpose, marts: dict[str, list[str]]) -> None:
    """Publish an empty table for each mart of a purpose."""
    connection.execute(f"create schema build_{purpose}".encode())
    types = {"school_id": "int"}
    for name, columns in marts.items():
        listed = ", ".join(f"{column} {types.get(column, 'text')}" for column in columns)
        connection.execute(f"create table build_{purpose}.{name} ({listed})".encode())
    publish(connection, purpose, "run")


def test_every_mart_is_read_by_those_it_is_for(warehouse: Warehouse) -> None:
    """Names are for the named role in every purpose but provisioning, whose names are of staff."""
    with warehouse.connect(autocommit=True) as connection:
        ensure_roles(connection)
        for purpose, marts in declared_marts().items():
            publish_declared(connection, purpose, marts)
            for name, columns in marts.items():
                names_pupils = purpose != Purpose.PROVISIONING and not {"forename", "surname", "upn"}.isdisjoint(
                    columns
                )
                due = {NAMED_ROLE if names_pupils else reader_role(purpose, Level.PUPILS)}
                if purpose != Purpose.PROVISIONING:
                    due.add(reader_role(purpose, Level.NAMED))
                    due |= {reader_role(purpose, Level.NAMED, special=True)}
                    due |= set() if names_pupils else {reader_role(purpose, Level.PUPILS, special=True)}
                    if name.endswith("_special"):
                        due = {role for role in due if role.endswith("_special")}
                    if name in OPEN_RELATIONS[purpose] or "is_suppressed" in columns:
                        due.add(reader_role(purpose, Level.AGGREGATES))
                schema = f"release_{purpose}_1" if is_hidden(name) else purpose.value
                readers = {role for role in EVERY_ROLE if may_read(connection, role, f"{schema}.{name}")}
                assert readers == due, f"{purpose}.{name}"
                assert names_pupils == (name == "pupil_name"), f"{purpose}.{name}"


def test_whole_schools_are_open_to_readers_of_aggregates_and_single_sessions_are_not(warehouse: Warehouse) -> None:
    """What the pages of a governor need is open; what counts few pupils of one day, or hides nothing, is closed."""
    needed = {
        *("school", "school_day", "group_year", "group_period", "suspension_year", "weekday_year"),
        *("school_comparison", "similar_school", "school_characteristics", "area_year", "area_group_year"),
    }
    with warehouse.connect(autocommit=True) as connection:
        ensure_roles(connection)
        marts = declared_marts()[Purpose.ATTENDANCE]
        publish_declared(connection, Purpose.ATTENDANCE, marts)
        role = reader_role(Purpose.ATTENDANCE, Level.AGGREGATES)
        found = {name for name in marts if not is_hidden(name) and may_read(connection, role, f"attendance.{name}")}
    assert needed <= found
    closed = {"school_session", "school_week", "school_year", "school_year_before", "school_pattern"}
    assert closed <= marts.keys() - found


def test_no_column_names_a_pupil_by_another_name() -> None:
    """A column that sounds like a name must be one of those that close a relation, or stand here as harmless."""
    harmless = {"school_name", "group_name", "subject_name", "area_name", "la_name", "region_name", "trust_name"}
    marts = declared_marts()
    del marts[Purpose.PROVISIONING]
    columns = {column for relations in marts.values() for listed in relations.values() for column in listed}
    telling = {
        "name",
        "names",
        "forename",
        "surname",
        "initials",
        "upn",
        "upi",
        "person",
        "birth",
        "address",
        "postcode",
        "email",
    }
    sounding = {column for column in columns if telling & set(column.split("_"))}
    assert sounding - harmless <= NAMED_COLUMNS
    (pupil,) = (table for table in CATEGORIES[Category.BASIC].tables if table.name == "pupil")
    assert {field.name for field in pupil.fields} >= NAMED_COLUMNS


def test_a_role_writes_nothing(owner: psycopg.Connection) -> None:
    for role in EVERY_ROLE:
        for schema in ("attendance", "reference", "ops", "public"):
            may_create = owner.execute("select has_schema_privilege(%s, %s, 'create')", [role, schema]).fetchone()
            assert may_create == (False,)
    owner.execute("set role mis_attendance")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("delete from attendance.school_year")


def test_a_seed_that_dbt_makes_anew_can_still_be_read(owner: psycopg.Connection) -> None:
    owner.execute("drop table reference.attendance_code")
    owner.execute("create table reference.attendance_code (code text, valid_from date)")
    assert may_read(owner, reader_role(Purpose.BENCHMARKS, Level.PUPILS), "reference.attendance_code")


def test_nobody_logs_in_as_a_role(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "select rolname, rolcanlogin or rolsuper from pg_roles where rolname like 'mis\\_%'"
    ).fetchall()
    assert dict(found) == dict.fromkeys(EVERY_ROLE, False)


def test_asked_again_it_writes_nothing(owner: psycopg.Connection) -> None:
    with owner.transaction():
        assert ensure_roles(owner) == ()
        # A transaction has a number of its own only once it has written.
        assert owner.execute("select pg_current_xact_id_if_assigned()").fetchone() == (None,)


def test_what_was_taken_away_is_granted_again(owner: psycopg.Connection) -> None:
    role = reader_role(Purpose.ATTENDANCE, Level.PUPILS)
    for taken, relation in (
        ("select on attendance.school_year", "attendance.school_year"),
        ("usage on schema release_attendance_2", "release_attendance_2.school_year"),
        ("select on reference.attendance_code", "reference.attendance_code"),
    ):
        owner.execute(f"revoke {taken} from {role}".encode())
        assert not may_read(owner, role, relation)
        assert ensure_roles(owner) == ()
        assert may_read(owner, role, relation)


def test_a_server_that_lets_us_create_no_roles(tmp_path: Path) -> None:
    """Warned and told what to ask for; publication works meanwhile; the roles get their rights once they exist."""
    server = Cluster(tmp_path)
    with server.lease(), psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("create role platform login password 'platform'")
        admin.execute("create database platform owner platform")
        url = f"postgresql://platform:platform@{server.url('platform').split('@')[1]}"
        warehouse = Warehouse(url, url)
        migrate(warehouse)
        with warehouse.connect(autocommit=True) as connection:
            (warning,) = ensure_roles(connection)
            assert "platform may not create roles" in warning
            connection.execute("create schema build_attendance create table session (school_id int)")
            publish(connection, Purpose.ATTENDANCE, "run")
            for role in EVERY_ROLE:
                assert f"create role {role} nologin;" in warning
                admin.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
            assert ensure_roles(connection) == ()
        with psycopg.connect(server.url("platform"), autocommit=True) as connection:
            assert may_read(connection, reader_role(Purpose.ATTENDANCE, Level.PUPILS), "attendance.session")
    rmtree(tmp_path)
