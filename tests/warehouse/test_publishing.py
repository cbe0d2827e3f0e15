"""Publication: all of a release or nothing, for readers, for their views, and for whoever must go back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from orchestration.ingest.categories import Purpose
from orchestration.warehouse import published_views
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import PublishError, Release, publish, releases, rollback
from orchestration.warehouse.roles import ensure_roles

ATTENDANCE = Purpose.ATTENDANCE


@pytest.fixture
def owner(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    with warehouse.connect(autocommit=True) as connection:
        run(
            connection,
            "insert into ops.school (partner, partner_school_id, name, state)"
            " select 'wonde', n::text, 'School ' || n, 'approved' from generate_series(1, 3) n",
        )
        yield connection


def run(connection: psycopg.Connection, statement: str) -> psycopg.Cursor:
    return connection.execute(statement.encode())


def build(connection: psycopg.Connection, mark: int, purpose: Purpose = ATTENDANCE) -> None:
    """Build two tables and a view as dbt would; every row tells by ``mark`` which build it is from."""
    schema = f"build_{purpose}"
    run(connection, f"create schema if not exists {schema}")
    run(connection, f"create table {schema}.session (school_id int, mark int, primary key (school_id))")
    run(connection, f"insert into {schema}.session select n, {mark} from generate_series(1, 3) n")
    run(
        connection,
        f"create table {schema}.school_year as select 1 as school_id, {mark} as mark, 95.1::numeric(4,1) as rate",
    )
    run(connection, f"create view {schema}.pupil_day as select school_id, mark from {schema}.session")
    run(connection, f"comment on table {schema}.school_year is 'One row per school, build {mark}.'")
    run(connection, f"comment on column {schema}.school_year.rate is 'It''s a percentage.'")


def build_and_publish(connection: psycopg.Connection, mark: int) -> Release:
    build(connection, mark)
    return publish(connection, ATTENDANCE, f"run {mark}")


def marks(connection: psycopg.Connection) -> set[int]:
    """The builds that the three published views show."""
    found = run(
        connection,
        "select mark from attendance.session union all select mark from attendance.school_year"
        " union all select mark from attendance.pupil_day",
    ).fetchall()
    return {mark for (mark,) in found}


def state(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """What readers and operators see: views and comments, rows, releases, and every schema of the purpose."""
    return [
        *run(
            connection,
            "select oid::regclass::text, pg_get_viewdef(oid), obj_description(oid), reloptions::text from pg_class"
            " where relnamespace = 'attendance'::regnamespace order by 1",
        ).fetchall(),
        *run(
            connection,
            "select c.oid::regclass::text, c.relkind::text from pg_class c join pg_namespace n on n.oid = relnamespace"
            " where nspname ~ '^(build|release)_attendance' and c.relkind <> 'i' order by 1",
        ).fetchall(),
        *run(connection, "select * from ops.release order by 1").fetchall(),
        *run(connection, "select * from attendance.school_year").fetchall(),
    ]


def test_what_was_built_is_what_is_read(owner: psycopg.Connection) -> None:
    release = build_and_publish(owner, 1)
    assert marks(owner) == {1}
    assert (release.purpose, release.schema_name, release.state) == (ATTENDANCE, "release_attendance_1", "published")
    assert release.run_id == "run 1"
    assert release.relations == ("pupil_day", "school_year", "session")
    assert releases(owner) == [release]


def test_the_next_release_takes_its_place_and_the_one_before_is_kept(owner: psycopg.Connection) -> None:
    for mark in (1, 2, 3):
        build_and_publish(owner, mark)
        assert marks(owner) == {mark}
    assert [(release.schema_name, release.state, release.kept) for release in releases(owner)] == [
        ("release_attendance_3", "published", True),
        ("release_attendance_2", "superseded", True),
        ("release_attendance_1", "superseded", False),
    ]


def test_purposes_are_published_apart(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    build(owner, 7, Purpose.TRACKING)
    assert publish(owner, Purpose.TRACKING, "run").schema_name == "release_tracking_1"
    assert run(owner, "select distinct mark from tracking.session").fetchall() == [(7,)]
    assert marks(owner) == {1}
    assert [release.purpose for release in releases(owner)] == [Purpose.TRACKING, ATTENDANCE]


def test_the_build_schema_is_left_empty_for_the_next_build(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    left = run(owner, "select count(*) from pg_class where relnamespace = 'build_attendance'::regnamespace").fetchone()
    assert left == (0,)


def test_keys_and_statistics_come_along(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    found = run(
        owner,
        "select indexrelid::regclass::text, reltuples from pg_index join pg_class t on t.oid = indrelid"
        " where indrelid = 'release_attendance_1.session'::regclass",
    ).fetchall()
    assert found == [("release_attendance_1.session_pkey", 3)]


def test_readers_use_their_own_rights(owner: psycopg.Connection) -> None:
    """Of the published view and of the view of the release that it stands on."""
    build_and_publish(owner, 1)
    found = run(
        owner,
        "select relnamespace::regnamespace::text, reloptions::text from pg_class"
        " where relname = 'pupil_day' order by 1",
    ).fetchall()
    assert found == [
        ("attendance", "{security_invoker=true}"),
        ("release_attendance_1", "{security_invoker=true}"),
    ]


def test_a_purposes_role_reads_every_release(owner: psycopg.Connection) -> None:
    ensure_roles(owner)
    for mark in (1, 2):
        build_and_publish(owner, mark)
        with owner.transaction():
            run(owner, "set local role mis_attendance")
            assert marks(owner) == {mark}
    rollback(owner, ATTENDANCE)
    with owner.transaction():
        run(owner, "set local role mis_attendance")
        assert marks(owner) == {1}


def test_a_hidden_relation_is_released_and_not_published(owner: psycopg.Connection) -> None:
    """Its views read it, in every release, and after a rollback to one that has it or has not."""
    ensure_roles(owner)
    build_and_publish(owner, 1)
    for mark in (2, 3):
        build(owner, mark)
        run(owner, "drop view build_attendance.pupil_day")
        run(owner, f"create table build_attendance._register as select 1 as school_id, {mark} as mark")
        run(owner, "create view build_attendance.pupil_day as select school_id, mark from build_attendance._register")
        release = publish(owner, ATTENDANCE, "run")
        assert release.relations == ("pupil_day", "school_year", "session")
        assert run(owner, "select to_regclass('attendance._register')").fetchone() == (None,)
        assert run(owner, f"select mark from {release.schema_name}._register").fetchall() == [(mark,)]
        with owner.transaction():
            run(owner, "set local role mis_attendance")
            assert marks(owner) == {mark}
    rollback(owner, ATTENDANCE)
    assert marks(owner) == {2}
    assert run(owner, "select to_regclass('attendance._register')").fetchone() == (None,)


def test_a_hidden_relation_may_come_and_go(owner: psycopg.Connection) -> None:
    build(owner, 1)
    run(owner, "create table build_attendance._register (school_id int)")
    publish(owner, ATTENDANCE, "run")
    build_and_publish(owner, 2)
    assert marks(owner) == {2}


def test_a_materialised_view_of_schools_is_refused(owner: psycopg.Connection) -> None:
    """Its rows could not be kept from readers of another school."""
    build(owner, 1)
    run(owner, "create materialized view build_attendance.kept as select school_id from build_attendance.session")
    with pytest.raises(PublishError, match=r"kept is a materialised view with a school_id.*Make it a table"):
        publish(owner, ATTENDANCE, "run")


def test_descriptions_are_read_where_the_data_are(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    build_and_publish(owner, 2)
    view = "'attendance.school_year'::regclass"
    assert run(owner, f"select obj_description({view}), col_description({view}, 3)").fetchone() == (
        "One row per school, build 2.",
        "It's a percentage.",
    )
    build(owner, 3)
    run(owner, "comment on table build_attendance.school_year is null")
    publish(owner, ATTENDANCE, "run")
    assert run(owner, f"select obj_description({view})").fetchone() == (None,)


def test_other_peoples_views_live_on(owner: psycopg.Connection, warehouse: Warehouse) -> None:
    build_and_publish(owner, 1)
    with warehouse.connect(autocommit=True) as analyst:
        run(analyst, "create view public.low as select school_id, mark from attendance.school_year where rate < 96")
        build_and_publish(owner, 2)
        assert run(analyst, "select * from public.low").fetchall() == [(1, 2)]
        rollback(owner, ATTENDANCE)
        assert run(analyst, "select * from public.low").fetchall() == [(1, 1)]


def test_new_columns_and_another_order_break_nobody(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    run(owner, "create view public.low as select * from attendance.school_year")
    build(owner, 2)
    run(owner, "drop table build_attendance.school_year")
    run(
        owner,
        "create table build_attendance.school_year as"
        " select 4 as pupils, 94.0::numeric(4,1) as rate, 2 as mark, 1 as school_id",
    )
    publish(owner, ATTENDANCE, "run")
    read = run(owner, "select * from attendance.school_year")
    assert [column.name for column in read.description or ()] == ["school_id", "mark", "rate", "pupils"]
    assert [float(value) for value in read.fetchone() or ()] == [1, 2, 94.0, 4]
    assert len(run(owner, "select * from public.low").fetchone() or ()) == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("alter table build_attendance.school_year drop column rate", "school_year.rate is gone"),
        (
            "alter table build_attendance.school_year alter column rate type numeric(5,2)",
            r"school_year.rate was numeric\(4,1\) and is numeric\(5,2\)",
        ),
        ("drop table build_attendance.school_year", "school_year is gone"),
    ],
)
def test_a_change_that_breaks_readers_is_refused_and_changes_nothing(
    owner: psycopg.Connection, change: str, told: str
) -> None:
    build_and_publish(owner, 1)
    build(owner, 2)
    run(owner, change)
    before = state(owner)
    with pytest.raises(PublishError, match=f"{told}.*mis publish attendance --allow-breaking"):
        publish(owner, ATTENDANCE, "run")
    assert state(owner) == before
    assert marks(owner) == {1}


def test_a_change_that_breaks_readers_can_be_wanted(owner: psycopg.Connection) -> None:
    ensure_roles(owner)
    build_and_publish(owner, 1)
    run(owner, "create view public.kept as select * from attendance.session")
    build(owner, 2)
    run(owner, "alter table build_attendance.school_year alter column mark type text")
    run(owner, "drop view build_attendance.pupil_day")
    publish(owner, ATTENDANCE, "run", allow_breaking=True)
    with owner.transaction():
        run(owner, "set local role mis_attendance")
        assert run(owner, "select mark from attendance.school_year").fetchall() == [("2",)]
    assert run(owner, "select to_regclass('attendance.pupil_day')").fetchone() == (None,)
    assert run(owner, "select distinct mark from public.kept").fetchall() == [(2,)]


def test_a_wanted_break_never_takes_other_peoples_views_along(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    run(owner, "create view public.low as select rate from attendance.school_year")
    build(owner, 2)
    run(owner, "alter table build_attendance.school_year drop column rate")
    before = state(owner)
    with pytest.raises(PublishError, match=r"view low depends on view attendance\.school_year.*Drop those first"):
        publish(owner, ATTENDANCE, "run", allow_breaking=True)
    assert state(owner) == before


def test_a_view_of_somebody_elses_is_not_overwritten(owner: psycopg.Connection) -> None:
    run(owner, "create view attendance.school_year as select 'mine' as whose")
    build(owner, 1)
    with pytest.raises(PublishError, match="holds school_year, which no release has put there"):
        publish(owner, ATTENDANCE, "run")
    assert run(owner, "select whose from attendance.school_year").fetchone() == ("mine",)


@pytest.mark.parametrize("prepare", ["select 1", "create schema build_attendance"])
def test_nothing_built_is_nothing_to_publish(owner: psycopg.Connection, prepare: str) -> None:
    run(owner, prepare)
    with pytest.raises(PublishError, match="nothing in build_attendance to publish"):
        publish(owner, ATTENDANCE, "run")


def test_a_view_over_live_tables_is_refused(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    build(owner, 2)
    run(owner, "create view build_attendance.live as select pupil_id from raw.pupil")
    before = state(owner)
    with pytest.raises(PublishError, match=r"live reads raw\.pupil"):
        publish(owner, ATTENDANCE, "run")
    assert state(owner) == before


def test_rollback_returns_the_rows_of_the_release_before(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    before = run(owner, "table attendance.school_year").fetchall()
    build_and_publish(owner, 2)
    release = rollback(owner, ATTENDANCE)
    assert (release.schema_name, release.state) == ("release_attendance_1", "published")
    assert run(owner, "table attendance.school_year").fetchall() == before
    assert marks(owner) == {1}
    assert [release.state for release in releases(owner)] == ["rolled_back", "published"]


def test_what_was_rolled_back_is_kept_until_the_next_publication(owner: psycopg.Connection) -> None:
    for mark in (1, 2):
        build_and_publish(owner, mark)
    rollback(owner, ATTENDANCE)
    assert run(owner, "select distinct mark from release_attendance_2.session").fetchall() == [(2,)]
    build_and_publish(owner, 3)
    assert [(release.schema_name, release.kept) for release in releases(owner)] == [
        ("release_attendance_3", True),
        ("release_attendance_2", False),
        ("release_attendance_1", True),
    ]
    rollback(owner, ATTENDANCE)
    assert marks(owner) == {1}


def test_a_second_rollback_has_nothing_to_go_back_to(owner: psycopg.Connection) -> None:
    with pytest.raises(PublishError, match="no earlier release of attendance"):
        rollback(owner, ATTENDANCE)
    for mark in (1, 2, 3):
        build_and_publish(owner, mark)
    rollback(owner, ATTENDANCE)
    before = state(owner)
    with pytest.raises(PublishError, match="no earlier release of attendance"):
        rollback(owner, ATTENDANCE)
    assert state(owner) == before
    assert marks(owner) == {2}


def test_rollback_over_a_new_column_keeps_the_views_that_use_it(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    build(owner, 2)
    run(owner, "alter table build_attendance.school_year add column pupils int default 40")
    publish(owner, ATTENDANCE, "run")
    run(owner, "create view public.size as select school_id, pupils from attendance.school_year")
    rollback(owner, ATTENDANCE)
    assert run(owner, "select * from public.size").fetchall() == [(1, None)]
    told = run(owner, "select col_description('attendance.school_year'::regclass, 4)").fetchone()
    assert told == ("Not in release_attendance_1: always null.",)


def test_rollback_over_a_retyped_column_and_a_new_mart(owner: psycopg.Connection) -> None:
    build_and_publish(owner, 1)
    build(owner, 2)
    run(owner, "alter table build_attendance.school_year alter column mark type text")
    run(owner, "create table build_attendance.school_week as select 1 as school_id")
    publish(owner, ATTENDANCE, "run", allow_breaking=True)
    rollback(owner, ATTENDANCE)
    assert marks(owner) == {1}
    assert run(owner, "select to_regclass('attendance.school_week')").fetchone() == (None,)


def test_inside_the_callers_transaction_it_is_the_caller_who_commits(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        build(connection, 1)
        publish(connection, ATTENDANCE, "run")
        connection.rollback()
        assert releases(connection) == []


def waits_for_a_lock(connection: psycopg.Connection, pid: int) -> bool:
    row = connection.execute("select wait_event_type = 'Lock' from pg_stat_activity where pid = %s", [pid]).fetchone()
    return row == (True,)


def until_waiting(owner: psycopg.Connection, pid: int) -> None:
    deadline = time.monotonic() + 60
    while not waits_for_a_lock(owner, pid):
        assert time.monotonic() < deadline


class Publisher(threading.Thread):
    """Publishes in a session of its own, and keeps what came of it."""

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__()
        self.connection = warehouse.connect()
        self.release: Release | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        with self.connection:
            try:
                self.release = publish(self.connection, ATTENDANCE, "run of the thread")
            except psycopg.Error as error:
                self.error = error
            except PublishError as error:
                self.error = error


def test_two_publishers_come_one_after_the_other(owner: psycopg.Connection, warehouse: Warehouse) -> None:
    build(owner, 1)
    second = Publisher(warehouse)
    with owner.transaction():
        publish(owner, ATTENDANCE, "run")
        second.start()
        until_waiting(owner, second.connection.info.backend_pid)
    second.join(timeout=60)
    assert isinstance(second.error, PublishError)
    assert "nothing in build_attendance" in str(second.error)
    assert marks(owner) == {1}


def test_a_reader_of_several_views_keeps_one_release_and_is_never_ended(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    """The publisher must not hold the second view while it waits for the first: that would be a deadlock."""
    build_and_publish(owner, 1)
    build(owner, 2)
    publisher = Publisher(warehouse)
    with warehouse.connect() as reader:
        assert run(reader, "select distinct mark from attendance.session").fetchall() == [(1,)]
        publisher.start()
        until_waiting(owner, publisher.connection.info.backend_pid)
        for view in ("school_year", "pupil_day", "session"):
            assert run(reader, f"select distinct mark from attendance.{view}").fetchall() == [(1,)]
    publisher.join(timeout=60)
    assert publisher.error is None
    assert marks(owner) == {2}


def test_readers_without_end_are_named(
    owner: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_views, "_LOCK_SECONDS", 0.0)
    build_and_publish(owner, 1)
    build(owner, 2)
    before = state(owner)
    with warehouse.connect() as reader:
        run(reader, "select * from attendance.session")
        with pytest.raises(PublishError, match=rf"by mis \(process {reader.info.backend_pid}, since .*publish again"):
            publish(owner, ATTENDANCE, "run")
    assert state(owner) == before


def test_an_old_release_that_is_still_read_is_dropped_the_next_time(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    build_and_publish(owner, 1)
    build_and_publish(owner, 2)
    with warehouse.connect() as reader:
        run(reader, "select * from release_attendance_1.session")
        build_and_publish(owner, 3)
        assert run(reader, "select distinct mark from release_attendance_1.session").fetchall() == [(1,)]
    build_and_publish(owner, 4)
    assert [release.kept for release in releases(owner)] == [True, True, False, False]


def test_readers_during_publications_see_one_release_and_no_error(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    build_and_publish(owner, 0)
    seen: list[set[int]] = []
    errors: list[psycopg.Error] = []
    done = threading.Event()

    def read() -> None:
        with warehouse.connect() as reader:
            try:
                while not done.is_set():
                    within = set()
                    for view in ("session", "school_year", "pupil_day"):
                        within |= {mark for (mark,) in run(reader, f"select mark from attendance.{view}")}
                    within |= marks(reader)
                    reader.commit()
                    seen.append(within)
            except psycopg.Error as error:
                errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for mark in range(1, 4):
        build_and_publish(owner, mark)
    rollback(owner, ATTENDANCE)
    done.set()
    for reader in readers:
        reader.join(timeout=60)
    assert errors == []
    assert {len(within) for within in seen} == {1}
    assert marks(owner) == {2}
