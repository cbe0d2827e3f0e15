"""The log of interventions: what may be entered, what stands, and that nothing is rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from orchestration.interventions import (
    InterventionError,
    Statement,
    add,
    close,
    correct,
    find,
    interventions,
    withdraw,
)
from orchestration.warehouse.connection import Warehouse

TODAY = date(2025, 7, 18)
MARCH = date(2025, 3, 3)
LETTER = Statement(school_id=1, pupil_key=50, kind="letter", started_on=MARCH)


@pytest.fixture
def unbuilt(warehouse: Warehouse) -> Iterator[psycopg.Connection[Any]]:
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(
            "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
            " values (1, 'wonde', 'A1', 'Oak', 'approved'), (2, 'wonde', 'A2', 'Elm', 'approved')"
        )
        yield connection


@pytest.fixture
def connection(unbuilt: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Two schools; pupil 50 of school 1 on roll from 1 October 2024, pupil 60 since nobody knows when."""
    unbuilt.execute(
        """
        create schema if not exists core;
        create table core.roll_year (school_id int, pupil_key bigint, on_roll_from date);
        insert into core.roll_year values (1, 50, '2024-10-01'), (1, 60, null);
        create table reference.intervention_kind (kind text);
        insert into reference.intervention_kind values ('letter'), ('meeting')
        """
    )
    return unbuilt


def enter(connection: psycopg.Connection[Any], **changes: Any) -> int:
    stated = Statement(**{**{name: getattr(LETTER, name) for name in Statement.__slots__}, **changes})
    return add(connection, stated, recorded_by="alice", today=TODAY).intervention_id


def test_what_is_entered_stands_with_who_entered_it(connection: psycopg.Connection[Any]) -> None:
    entered = find(connection, enter(connection, note="By post"))
    assert (entered.action, entered.kind, entered.started_on, entered.note) == ("add", "letter", MARCH, "By post")
    assert entered.recorded_by == "alice"
    assert entered.is_open


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pupil_key": 51}, r"School 1 has no pupil 51\. .*attendance\.pupil"),
        ({"school_id": 2}, r"School 2 has no pupil 50\."),
        ({"kind": "magic"}, r"no kind 'magic'\. The kinds are letter, meeting\."),
        ({"started_on": date(2025, 7, 19)}, r"no day after 2025-07-18\."),
        ({"ended_on": date(2025, 7, 19)}, r"no day after 2025-07-18\."),
        ({"started_on": date(2024, 9, 30)}, r"2024-09-30 is before 2024-10-01"),
        ({"ended_on": date(2025, 3, 2)}, r"cannot end on 2025-03-02, before it began on 2025-03-03"),
        ({"note": "x" * 201}, r"at most 200 characters, this one 201"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    connection: psycopg.Connection[Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InterventionError, match=message):
        enter(connection, **changes)
    assert interventions(connection) == []


def test_what_just_can_be_is_taken(connection: psycopg.Connection[Any]) -> None:
    enter(connection, started_on=date(2024, 10, 1), ended_on=date(2024, 10, 1), note="x" * 200)
    enter(connection, started_on=TODAY, ended_on=TODAY)
    enter(connection, pupil_key=60, started_on=date(2020, 1, 1))
    assert len(interventions(connection)) == 3


def test_before_anything_is_built_it_says_what_to_run(unbuilt: psycopg.Connection[Any]) -> None:
    with pytest.raises(InterventionError, match="mis run"):
        enter(unbuilt)


def test_closing_and_correcting_are_new_entries(connection: psycopg.Connection[Any]) -> None:
    number = enter(connection, note="By post")
    close(connection, number, ended_on=date(2025, 3, 20), recorded_by="bob", today=TODAY)
    corrected = correct(connection, number, kind="meeting", recorded_by="carol", today=TODAY)
    assert (corrected.kind, corrected.started_on, corrected.ended_on, corrected.note) == (
        "meeting",
        MARCH,
        date(2025, 3, 20),
        "By post",
    )
    log = connection.execute("select action, kind, ended_on, recorded_by from ops.intervention order by entry_id")
    assert log.fetchall() == [
        ("add", "letter", None, "alice"),
        ("close", "letter", date(2025, 3, 20), "bob"),
        ("correct", "meeting", date(2025, 3, 20), "carol"),
    ]


def test_an_intervention_is_closed_once_and_a_withdrawn_one_is_gone(connection: psycopg.Connection[Any]) -> None:
    number, mistaken = enter(connection), enter(connection, kind="meeting")
    with pytest.raises(InterventionError, match="before it began"):
        close(connection, number, ended_on=date(2025, 3, 2), recorded_by="bob", today=TODAY)
    close(connection, number, ended_on=date(2025, 3, 20), recorded_by="bob", today=TODAY)
    with pytest.raises(InterventionError, match=rf"ended on 2025-03-20.*mis intervention correct {number} --until"):
        close(connection, number, ended_on=date(2025, 3, 21), recorded_by="bob", today=TODAY)
    withdraw(connection, mistaken, recorded_by="bob")
    for again in (
        lambda: withdraw(connection, mistaken, recorded_by="bob"),
        lambda: close(connection, mistaken, ended_on=TODAY, recorded_by="bob", today=TODAY),
        lambda: correct(connection, mistaken, kind="letter", recorded_by="bob", today=TODAY),
    ):
        with pytest.raises(InterventionError, match="was withdrawn"):
            again()
    with pytest.raises(InterventionError, match="Say what to correct"):
        correct(connection, number, recorded_by="bob")
    with pytest.raises(InterventionError, match="There is no intervention 99"):
        find(connection, 99)
    assert [one.intervention_id for one in interventions(connection)] == [number]


def test_the_list_narrows_to_school_pupil_and_those_that_go_on(connection: psycopg.Connection[Any]) -> None:
    ended = enter(connection, ended_on=date(2025, 3, 20))
    going_on = enter(connection, pupil_key=60)
    assert [one.intervention_id for one in interventions(connection, open_only=True)] == [going_on]
    assert [one.intervention_id for one in interventions(connection, school_id=1, pupil_key=50)] == [ended]
    assert interventions(connection, school_id=2) == []


@pytest.mark.parametrize(
    "statement",
    ["update ops.intervention set kind = 'meeting'", "delete from ops.intervention", "truncate ops.intervention"],
)
def test_the_log_is_not_rewritten(connection: psycopg.Connection[Any], statement: str) -> None:
    enter(connection)
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        connection.execute(statement.encode())
    assert len(interventions(connection)) == 1


def test_a_person_can_be_erased_from_it_by_whoever_says_so(connection: psycopg.Connection[Any]) -> None:
    enter(connection)
    with connection.transaction():
        connection.execute("set local mis.erasure = 'on'")
        connection.execute("delete from ops.intervention where school_id = 1 and pupil_key = 50")
    assert interventions(connection) == []
