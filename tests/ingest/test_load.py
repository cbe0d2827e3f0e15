"""The merge against a model: a dictionary of keys, which any sequence of extracts must leave like raw."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.connectors.base import BadRow, Gone
from orchestration.ingest import extracts, sources
from orchestration.ingest.categories import TIMETABLE, Category, Table
from orchestration.ingest.landing import Landing, drop_leftovers, landing_tables
from orchestration.ingest.load import Accepted, Counts, merge
from orchestration.warehouse.connection import Warehouse

SUBJECT = TIMETABLE.tables[0]
NOW = datetime(2025, 7, 18, 18, tzinfo=UTC)

#: School, subject, name, time of the change.
Landed = tuple[int, str, str | None, int | None]
_row = st.tuples(
    st.integers(1, 2), st.sampled_from("abc"), st.none() | st.sampled_from("xy"), st.none() | st.integers(0, 2)
)


@dataclass(frozen=True)
class Arrival:
    """What one batch brings: rows, what is said to have gone, whether all was read, for which schools, from where."""

    landed: list[Landed]
    gone: set[str]
    whole: bool
    schools: set[int]
    source: int


_arrival = st.builds(
    Arrival,
    landed=st.lists(_row, max_size=8),
    gone=st.sets(st.sampled_from("abc"), max_size=2),
    whole=st.booleans(),
    schools=st.sets(st.integers(1, 2), min_size=1),
    source=st.integers(1, 2),
)


@dataclass(frozen=True)
class Live:
    """What the model holds of one key."""

    values: tuple[str | None, int | None]
    extract_id: int
    removed_at: datetime | None = None


@dataclass
class Model:
    """``raw.subject`` as a dictionary, and the source of each extract."""

    rows: dict[tuple[int, str], Live] = field(default_factory=dict)
    sources: dict[int, int] = field(default_factory=dict)

    def apply(self, arrival: Arrival, extract: Accepted) -> Counts:
        """What an accepted extract of one school does."""
        self.sources[extract.extract_id] = arrival.source
        newest: dict[str, tuple[str | None, int | None]] = {}
        for school_id, key, name, changed in arrival.landed:
            if school_id == extract.school_id and (
                key not in newest
                or (changed is not None, changed or 0) >= (newest[key][1] is not None, newest[key][1] or 0)
            ):
                newest[key] = name, changed
        counts = dict.fromkeys(("inserted", "changed", "restored", "removed"), 0)
        for key, values in newest.items():
            before = self.rows.get((extract.school_id, key))
            if before is None:
                counts["inserted"] += 1
            elif before.removed_at is not None:
                counts["restored"] += 1
            elif before.values != values:
                counts["changed"] += 1
            else:
                continue
            self.rows[extract.school_id, key] = Live(values, extract.extract_id)
        for (school_id, key), live in list(self.rows.items()):
            if school_id == extract.school_id and key not in newest and live.removed_at is None:
                missed = arrival.whole and self.sources[live.extract_id] == arrival.source
                if missed or key in arrival.gone:
                    counts["removed"] += 1
                    self.rows[school_id, key] = replace(live, extract_id=extract.extract_id, removed_at=extract.as_at)
        return Counts(**counts)


def _time(changed: int | None) -> datetime | None:
    return None if changed is None else NOW + timedelta(hours=changed)


@given(arrivals=st.lists(_arrival, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_extracts_leaves_raw_as_the_model(module_warehouse: Warehouse, arrivals: list[Arrival]) -> None:
    model = Model()
    with module_warehouse.connect(autocommit=True) as conn, landing_tables(conn, conn, TIMETABLE) as work:
        conn.execute("truncate raw.subject")
        for day, arrival in enumerate(arrivals, 1):
            conn.execute(f"truncate {work.rows(SUBJECT)}, {work.gone}".encode())
            for school_id, key, name, changed in arrival.landed:
                work.add(school_id, "subject", [(key, None, name, None, _time(changed))])
            for school in arrival.schools:
                work.add_gone(school, [Gone("subject", "subject_id", sorted(arrival.gone))])
            work.flush()
            work.drop_duplicates(SUBJECT)
            accepted = [
                Accepted(
                    school,
                    _begun(conn, school, arrival.source),
                    NOW + timedelta(days=day),
                    frozenset({"subject"} if arrival.whole else ()),
                )
                for school in sorted(arrival.schools)
            ]
            with conn.transaction():
                counts = merge(conn, SUBJECT, work, accepted)
            assert counts == {extract.school_id: model.apply(arrival, extract) for extract in accepted}
        found = conn.execute(
            "select school_id, subject_id, name, source_updated_at, extract_id, removed_at from raw.subject"
        ).fetchall()
    assert {(row[0], row[1]): row[2:] for row in found} == {
        key: (live.values[0], _time(live.values[1]), live.extract_id, live.removed_at)
        for key, live in model.rows.items()
    }


def _begun(conn: psycopg.Connection, school_id: int, source: int = 1) -> int:
    """Number of an extract of the timetable that has begun, from one of the school's sources."""
    conn.execute(
        "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
        " values (%s, 'fake', %s, 'Elm', 'approved') on conflict do nothing",
        (school_id, str(school_id)),
    )
    return extracts.start(
        conn,
        run_id="load",
        school_id=school_id,
        source_id=sources.provide(conn, school_id, "fake", str(school_id), f"MIS {source}"),
        category=Category.TIMETABLE,
        mode="full",
        watermark_from=None,
    ).extract_id


def _load(conn: psycopg.Connection, work: Landing, extract: Accepted, *rows: tuple[str, str]) -> Counts:
    conn.execute(f"truncate {work.rows(SUBJECT)}".encode())
    work.add(extract.school_id, "subject", [(key, None, name, None, None) for key, name in rows])
    work.flush()
    with conn.transaction():
        return merge(conn, SUBJECT, work, [extract])[extract.school_id]


def test_a_row_that_a_later_extract_wrote_is_left_alone(warehouse: Warehouse) -> None:
    with warehouse.connect(autocommit=True) as conn, landing_tables(conn, conn, TIMETABLE) as work:
        _load(conn, work, Accepted(1, 5, NOW), ("a", "newer"))
        assert _load(conn, work, Accepted(1, 4, NOW), ("a", "older"), ("b", "new")) == Counts(inserted=1)
        assert conn.execute("select subject_id, name from raw.subject order by 1").fetchall() == [
            ("a", "newer"),
            ("b", "new"),
        ]


def test_nothing_is_taken_for_gone_where_a_refused_row_cannot_be_told_apart(warehouse: Warehouse) -> None:
    with warehouse.connect(autocommit=True) as conn, landing_tables(conn, conn, TIMETABLE) as work:
        _load(conn, work, Accepted(1, 1, NOW), ("a", "x"), ("b", "x"))
        unsure = Accepted(1, 2, NOW, frozenset({"subject"}), unsure=frozenset({"subject"}))
        assert _load(conn, work, unsure, ("a", "x")) == Counts()
        work.add_undecoded(1, [BadRow("subject", b"no json", "not proper JSON")])
        assert work.keyless_rejected() == {(1, "subject")}


def test_every_table_of_every_category_can_be_loaded(warehouse: Warehouse) -> None:
    from orchestration.ingest.categories import CATEGORIES

    samples = {"date": NOW.date(), "timestamptz": NOW, "smallint": 32_767, "boolean": True, "integer": 1}

    def row(table: Table) -> tuple[object, ...]:
        return tuple(samples.get(column.sql_type, "x") for column in table.fields)

    with warehouse.connect(autocommit=True) as conn:
        for spec in CATEGORIES.values():
            with landing_tables(conn, conn, spec) as work:
                for number, expected in ((1, Counts(inserted=1)), (2, Counts())):
                    for table in spec.tables:
                        conn.execute(f"truncate {work.rows(table)}".encode())
                        work.add(1, table.name, [row(table)])  # type: ignore[list-item]
                    work.flush()
                    for table in spec.tables:
                        with conn.transaction():
                            whole = Accepted(1, number, NOW, frozenset({table.name}))
                            assert merge(conn, table, work, [whole]) == {1: expected}


def test_work_tables_of_the_living_are_left_and_those_of_the_dead_dropped(warehouse: Warehouse) -> None:
    names = "select count(*) from pg_tables where schemaname = 'landing'"
    with warehouse.connect(autocommit=True) as conn, warehouse.connect(autocommit=True) as other:
        with landing_tables(conn, conn, TIMETABLE) as work:
            work.add(1, "subject", [("a", None, None, None, None)])
            drop_leftovers(other)
            work.flush()
            assert work.row_counts(SUBJECT) == {1: 1}
        conn.execute("create table landing.subject_00000001 ()")
        conn.execute("create table landing.somebody_elses ()")
        drop_leftovers(other)
        assert conn.execute(names).fetchall() == [(1,)]


def test_work_tables_go_when_the_batch_fails(warehouse: Warehouse) -> None:
    with warehouse.connect(autocommit=True) as conn:
        with pytest.raises(ZeroDivisionError), landing_tables(conn, conn, TIMETABLE):
            raise ZeroDivisionError
        assert conn.execute("select 1 from pg_tables where schemaname = 'landing'").fetchall() == []
