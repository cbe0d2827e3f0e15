"""Two people at once, each with a session of their own: one act counts, the other is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from published_school import YEAR, key, proposal, publish_school, put_people, staff_of

from orchestration.targets import service
from orchestration.targets.faults import Fault, TargetsRefused
from orchestration.targets.groups import Group
from orchestration.targets.rules import Act
from orchestration.warehouse.connection import Warehouse

SCHOOL = Group(1, YEAR)


@pytest.fixture
def committed(warehouse: Warehouse) -> Warehouse:
    with warehouse.connect() as connection:
        publish_school(connection)
        put_people(connection)
        service.propose_targets(connection, staff_of(connection).teacher, [proposal("5")])
    return warehouse


def second_waits_for_first(
    warehouse: Warehouse, first: Callable[[Any], object], second: Callable[[Any], object]
) -> object:
    """Let both act on what they saw: the second begins while the first has written and not yet committed.

    Returns what came of the second, its result or its refusal.
    """
    came: list[object] = []

    def act() -> None:
        try:
            with warehouse.connect() as connection:
                came.append(second(connection))
        except TargetsRefused as refused:
            came.append(refused)

    with warehouse.connect() as connection, warehouse.connect(autocommit=True) as watching:
        first(connection)
        thread = threading.Thread(target=act)
        thread.start()
        blocked = "select from pg_stat_activity where %s = any(pg_blocking_pids(pid))"
        while watching.execute(blocked, [connection.info.backend_pid]).fetchone() is None:
            assert thread.is_alive(), came
        connection.commit()
        thread.join()
    return came[0]


def propose(name: str, grade: str) -> Callable[[psycopg.Connection[Any]], object]:
    return lambda connection: service.propose_targets(
        connection, getattr(staff_of(connection), name), [proposal(grade, 1), proposal(grade, pupil_key=2)]
    )


def test_of_two_editors_at_once_one_is_told_what_the_other_did(committed: Warehouse) -> None:
    refused = second_waits_for_first(committed, propose("leader", "7"), propose("teacher", "8"))
    assert isinstance(refused, TargetsRefused)
    assert [one.error.fault for one in refused.problems] == [Fault.STALE_VERSION, Fault.STALE_VERSION]
    assert "version 2, 7, proposed by leader@school.example" in str(refused)
    with committed.connect() as connection:
        log = service.history(connection, staff_of(connection).looker, key())
        assert [(target.version, target.grade) for target in log] == [(1, "5"), (2, "7")]
        assert service.history(connection, staff_of(connection).looker, key(2))[-1].grade == "7"


def test_a_review_of_all_leaves_out_what_is_being_changed(committed: Warehouse) -> None:
    outcome = second_waits_for_first(
        committed,
        propose("leader", "7"),
        lambda connection: service.move_group(connection, staff_of(connection).head, Act.REVIEW, SCHOOL),
    )
    assert isinstance(outcome, service.Outcome)
    assert outcome.done == 0
    assert {fault: times for fault, (times, _) in outcome.refused.items()} == {Fault.STALE_VERSION: 1}


def test_pre_populating_leaves_alone_what_is_being_set(committed: Warehouse) -> None:
    done = second_waits_for_first(
        committed,
        lambda connection: service.propose_targets(
            connection, staff_of(connection).leader, [proposal("9", pupil_key=3)]
        ),
        lambda connection: service.prepopulate(connection, staff_of(connection).head, SCHOOL),
    )
    assert getattr(done, "set_now", None) == 6  # of 8 pairs one was set before and one meanwhile
    with committed.connect() as connection:
        log = service.history(connection, staff_of(connection).looker, key(3))
        assert [(target.version, target.grade) for target in log] == [(1, "9")]
