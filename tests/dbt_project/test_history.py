"""What the platform remembers of pupils whose record the MIS overwrites: snapshots, and the spans made from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from raw_rows import pupil, put, school

from orchestration.dbt.project import Stage, build_args
from orchestration.warehouse.connection import Warehouse

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with module_warehouse.connect(autocommit=True) as opened:
        yield opened


class Partner:
    """A school's census data as its extracts bring them, each at a moment of its own."""

    def __init__(self, connection: psycopg.Connection[Any], dbt: Any, name: str) -> None:
        self.connection, self.dbt = connection, dbt
        self.school_id = school(connection, name, "PRIMARY")

    def brings(self, as_at: datetime, pupil_id: str, *, removed: bool = False, **values: object) -> None:
        """The census row of a pupil, as of ``as_at``."""
        put(
            self.connection,
            "pupil_demographics",
            school_id=self.school_id,
            pupil_id=pupil_id,
            extract_id=self._extract(as_at, "demographics"),
            removed_at=as_at if removed else None,
            **values,
        )

    def enrols(self, as_at: datetime, pupil_id: str, **values: object) -> None:
        pupil(self.connection, self.school_id, pupil_id, extract_id=self._extract(as_at, "basic"), **values)

    def _extract(self, as_at: datetime, category: str) -> int:
        row = self.connection.execute(
            """
            with source as (
                insert into ops.source (school_id, partner) values (%(school)s, 'wonde')
                on conflict (school_id, partner, partner_school_id, mis) where ended_at is null
                    do update set partner = excluded.partner
                returning source_id
            )
            insert into ops.extract (run_id, school_id, category, mode, state, as_at, source_id)
            select 'r', %(school)s, %(category)s, 'full', 'loaded', %(as_at)s, source_id from source
            returning extract_id
            """,
            {"school": self.school_id, "category": category, "as_at": as_at},
        ).fetchone()
        assert row is not None
        return int(row[0])

    def remember(self) -> None:
        """Take the snapshots, as the chain does before core."""
        self.dbt(*build_args(["--select", Stage.SNAPSHOT.selector]))

    def versions(self, pupil_id: str) -> Rows:
        return self.connection.execute(
            "select fsm, sen_status, is_removed, known_from, known_to from snapshot.pupil_status"
            " where school_id = %s and pupil_id = %s order by known_from, known_to",
            [self.school_id, pupil_id],
        ).fetchall()


def at(month: int, day: int) -> datetime:
    return datetime(2025, month, day, 19, tzinfo=UTC)


def noted(month: int, day: int) -> datetime:
    return at(month, day).replace(tzinfo=None)


@pytest.fixture
def partner(connection: psycopg.Connection[Any], dbt: Any, request: pytest.FixtureRequest) -> Partner:
    return Partner(connection, dbt, request.node.name)


def test_a_change_is_a_version_from_the_day_it_was_learned_and_no_change_is_none(partner: Partner) -> None:
    partner.brings(at(1, 10), "A1", fsm=False, sen_status="N", ethnicity="WBRI")
    partner.remember()
    partner.remember()
    partner.brings(at(2, 10), "A1", fsm=False, sen_status="N", ethnicity="WIRI")  # nothing that is remembered
    partner.remember()
    assert partner.versions("A1") == [(False, "N", False, noted(1, 10), None)]
    partner.brings(at(3, 10), "A1", fsm=True, sen_status="N")
    partner.remember()
    assert partner.versions("A1") == [
        (False, "N", False, noted(1, 10), noted(3, 10)),
        (True, "N", False, noted(3, 10), None),
    ]


def test_a_pupil_who_goes_from_the_mis_has_no_version_that_stands(partner: Partner) -> None:
    partner.brings(at(1, 10), "A1", fsm=True)
    partner.remember()
    partner.brings(at(2, 10), "A1", fsm=True, removed=True)
    partner.remember()
    assert partner.versions("A1") == [
        (True, None, False, noted(1, 10), noted(2, 10)),
        (True, None, True, noted(2, 10), None),
    ]


def test_a_row_that_was_erased_leaves_no_version_open(partner: Partner) -> None:
    partner.brings(at(1, 10), "A1", fsm=True)
    partner.remember()
    partner.connection.execute("delete from raw.pupil_demographics where school_id = %s", [partner.school_id])
    partner.remember()
    assert [known_to is not None for *_, known_to in partner.versions("A1")] == [True]


def test_a_school_that_withdraws_is_hidden_and_not_forgotten(partner: Partner) -> None:
    def spans() -> Rows:
        partner.remember()
        partner.dbt("run", "--select", "stg_pupil", "enrolment", "stg_pupil_status_period", "pupil_status_history")
        return partner.connection.execute(
            "select kind, start_date, end_date, told_by from core.pupil_status_history where school_id = %s",
            [partner.school_id],
        ).fetchall()

    partner.dbt("seed")
    partner.enrols(at(1, 10), "A1")
    partner.brings(at(1, 10), "A1", fsm=True)
    seen = [("fsm", date(2025, 1, 10), None, "platform")]
    assert spans() == seen
    partner.connection.execute("update ops.school set state = 'revoked' where school_id = %s", [partner.school_id])
    assert spans() == []
    assert partner.versions("A1") == [(True, None, False, noted(1, 10), None)]
    partner.connection.execute("update ops.school set state = 'approved' where school_id = %s", [partner.school_id])
    assert spans() == seen


def test_a_new_upn_is_remembered_beside_the_one_before(partner: Partner) -> None:
    partner.enrols(at(1, 10), "A1", upn="a82399992100a")
    partner.remember()
    partner.enrols(at(2, 10), "A1", upn="A823999921002", former_upn="A82399992100A")
    partner.remember()
    assert partner.connection.execute(
        "select upn, former_upn, known_from, known_to from snapshot.pupil_upn where school_id = %s order by known_from",
        [partner.school_id],
    ).fetchall() == [
        ("A82399992100A", None, noted(1, 10), noted(2, 10)),
        ("A823999921002", "A82399992100A", noted(2, 10), None),
    ]
