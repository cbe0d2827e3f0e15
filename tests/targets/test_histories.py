"""Whatever people do, in whatever order: the log replays to what stands, and the rules held at every step."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from published_school import GRADES, MATHS, YEAR, Staff, estimates, key, put_estimates, staff_of

from orchestration.targets import service
from orchestration.targets.faults import TargetError, TargetsRefused
from orchestration.targets.groups import Group
from orchestration.targets.rules import MOVES, Act, Proposal, Source, Status, Target
from orchestration.warehouse.connection import Warehouse

PEOPLE = ("teacher", "leader", "head", "looker", "other")
MATHEMATICS = Group(1, YEAR, subject="Mathematics")
#: Who stands where after which act, written down anew from methodology 4.1.
LEADS_TO = {
    Act.SUBMIT: ({Status.PREPOPULATED, Status.REJECTED}, Status.PROPOSED),
    Act.REVIEW: ({Status.PREPOPULATED, Status.PROPOSED}, Status.SUBJECT_REVIEWED),
    Act.APPROVE: ({Status.SUBJECT_REVIEWED}, Status.APPROVED),
    Act.LOCK: ({Status.APPROVED}, Status.LOCKED),
    Act.REJECT: ({Status.PREPOPULATED, Status.PROPOSED, Status.SUBJECT_REVIEWED}, Status.REJECTED),
}
MAY = {
    Act.PROPOSE: {"teacher", "leader", "head"},
    Act.SUBMIT: {"teacher", "leader", "head"},
    Act.REVIEW: {"leader", "head"},
    Act.REJECT: {"leader", "head"},
    Act.APPROVE: {"head"},
    Act.LOCK: {"head"},
    Act.PREPOPULATE: {"head"},
}

comments = st.sampled_from([None, "After the mocks"])
versions = st.sampled_from([0, 0, 0, -1])  # that of the target as it stands, mostly
events = st.one_of(
    st.tuples(st.just("propose"), st.sampled_from(PEOPLE), st.sampled_from(GRADES), versions, comments),
    st.tuples(st.just("move"), st.sampled_from(PEOPLE), st.sampled_from(MOVES), versions, comments),
    st.tuples(st.just("onward"), st.just("head"), st.integers(1, 4), st.just(0), st.just(None)),
    st.tuples(st.just("prepopulate"), st.sampled_from(PEOPLE), st.sampled_from([0.0, 1.0]), st.just(0), st.just(None)),
)


def play(connection: psycopg.Connection[Any], staff: Staff, event: tuple[Any, ...]) -> None:
    """Try an event; a refusal leaves the log as it was."""
    what, who, given_value, behind, comment = event
    person = getattr(staff, who)
    standing = service.history(connection, staff.looker, key())
    version = max(0, (standing[-1].version if standing else 0) + behind)
    if what == "propose":
        service.propose_targets(connection, person, [Proposal(key(), version, given_value)], comment)
    elif what == "move":
        service.move_targets(connection, person, given_value, [service.Seen(key(), version)], comment)
    elif what == "onward":  # random acts seldom come as far as the lock
        for act in (Act.REVIEW, Act.APPROVE, Act.LOCK)[:given_value]:
            service.move_group(connection, person, act, MATHEMATICS)
    else:
        connection.execute("delete from benchmarks.estimate where school_id = 1")
        put_estimates(connection, estimates(1, YEAR, f"run {given_value}", (MATHS,), given_value))
        service.prepopulate(connection, person, MATHEMATICS)


def check_step(before: Target | None, after: Target) -> None:
    who = after.set_by.partition("@")[0]
    assert who in MAY[after.act]
    assert after.version == (before.version if before else 0) + 1
    if after.act in LEADS_TO:
        assert before is not None
        possible, led_to = LEADS_TO[after.act]
        assert before.status in possible
        assert after.status is led_to
        assert (after.grade, after.points, after.basis) == (before.grade, before.points, before.basis)
        assert after.act is not Act.APPROVE or before.proposed_by != after.set_by
        assert after.act is not Act.REJECT or after.comment
    elif after.act is Act.PROPOSE:
        assert (after.status, after.source, after.proposed_by) == (Status.PROPOSED, Source.TEACHER, after.set_by)
        assert before is None or before.status is not Status.LOCKED or after.comment
    else:
        assert (after.act, after.status, after.source) == (Act.PREPOPULATE, Status.PREPOPULATED, Source.POLICY)
        assert before is None or (before.status, before.source) == (Status.PREPOPULATED, Source.POLICY)


@settings(max_examples=60, deadline=None)
@given(st.lists(events, min_size=1, max_size=14))
def test_the_log_replays_to_what_stands(published: Warehouse, played: list[tuple[Any, ...]]) -> None:
    with published.connect() as connection:
        staff = staff_of(connection)
        seen: list[Target] = []
        for event in played:
            try:
                with connection.transaction():
                    play(connection, staff, event)
            except (TargetError, TargetsRefused):
                assert service.history(connection, staff.looker, key()) == seen
            log = service.history(connection, staff.looker, key())
            assert log[: len(seen)] == seen  # what was there is there still
            seen = log
        for before, after in pairwise([None, *seen]):
            assert after is not None
            check_step(before, after)
        rows = [row for row in service.sheet(connection, staff.looker, MATHEMATICS) if row["pupil_key"] == 1]
        standing = [(row["version"], row["grade"], row["status"]) for row in rows if row["version"] is not None]
        assert standing == [(target.version, target.grade, target.status) for target in seen[-1:]]
        connection.rollback()
