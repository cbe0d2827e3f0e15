"""Each rule of target setting on an act that breaks it, and what acts leave in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from published_school import (
    GRADES,
    HISTORY,
    LAST_YEAR,
    LATIN,
    MATHS,
    YEAR,
    Staff,
    estimates,
    key,
    points,
    proposal,
    put_estimates,
    someone,
)

from orchestration.access import people
from orchestration.access.people import Person, Rights
from orchestration.access.reading import reading_as
from orchestration.ingest.categories import Purpose
from orchestration.targets import service
from orchestration.targets.faults import Fault, TargetError, TargetsRefused
from orchestration.targets.groups import Group
from orchestration.targets.policy import Floor, Policy, Rounding, Scope, WhoMayEdit
from orchestration.targets.rules import Act, Key, Proposal, Source, Status, Target

Connection = psycopg.Connection[Any]
SCHOOL = Group(1, YEAR)
SCHOOL_SCOPE = Scope(YEAR, school_id=1)


def propose(
    connection: Connection, person: Person, grade: str, version: int = 0, comment: str | None = None, **of: Any
) -> Target:
    return service.propose_targets(connection, person, [proposal(grade, version, **of)], comment)[0]


def move(
    connection: Connection, person: Person, act: Act, version: int, comment: str | None = None, *, of: Key | None = None
) -> Target:
    return service.move_targets(connection, person, act, [service.Seen(of or key(), version)], comment)[0]


def refusal(act: Callable[[], object]) -> TargetError:
    with pytest.raises((TargetsRefused, TargetError)) as refused:
        act()
    return refused.value.problems[0].error if isinstance(refused.value, TargetsRefused) else refused.value


def locked(connection: Connection, staff: Staff, grade: str = "6") -> Target:
    propose(connection, staff.teacher, grade)
    move(connection, staff.leader, Act.REVIEW, 1)
    move(connection, staff.head, Act.APPROVE, 2)
    return move(connection, staff.head, Act.LOCK, 3)


def policy(connection: Connection, staff: Staff, scope: Scope = SCHOOL_SCOPE, **policy: Any) -> int:
    return service.set_policy(connection, staff.head, scope, Policy(**policy), reason="Agreed in September")


def grades(connection: Connection, staff: Staff, pair: tuple[str, str] = MATHS, year: int = YEAR) -> dict[int, str]:
    rows = service.sheet(connection, staff.head, Group(1, year, qualification=pair[0], subject=pair[1]))
    return {row["pupil_key"]: row["grade"] for row in rows if row["grade"] is not None}


# From proposal to lock


def test_a_target_goes_from_proposal_to_lock_and_each_version_stays(connection: Connection, staff: Staff) -> None:
    standing = locked(connection, staff)
    assert (standing.status, standing.grade, standing.points) == (Status.LOCKED, "6", Decimal(6))
    assert standing.proposed_by == staff.teacher.email
    assert [
        (one.version, one.act, one.status, one.set_by) for one in service.history(connection, staff.looker, key())
    ] == [
        (1, Act.PROPOSE, Status.PROPOSED, staff.teacher.email),
        (2, Act.REVIEW, Status.SUBJECT_REVIEWED, staff.leader.email),
        (3, Act.APPROVE, Status.APPROVED, staff.head.email),
        (4, Act.LOCK, Status.LOCKED, staff.head.email),
    ]


def test_a_proposal_keeps_the_estimate_it_was_made_against(connection: Connection, staff: Staff) -> None:
    policy(connection, staff, challenge_levels=(Decimal(50), Decimal(20)))
    target = propose(connection, staff.teacher, "6", pupil_key=1)
    row = next(
        row
        for row in service.sheet(connection, staff.looker, SCHOOL)
        if (row["pupil_key"], row["subject"]) == (1, "Mathematics")
    )
    by_level = {one["challenge"]: one for one in row["estimates"]}
    assert target.basis.run_id == "run 1"
    assert target.basis.challenge_levels == (50, 20)
    assert target.basis.estimate_grades == (by_level[50]["grade"], by_level[20]["grade"]) == ("4", "5")
    assert target.basis.estimate_points == Decimal("4.5")
    assert target.basis.chance_at_set == pytest.approx(
        (by_level[50]["target_chance"] + by_level[20]["target_chance"]) / 2
    )


def test_a_pupil_without_an_estimate_may_have_a_target_on_the_qualifications_scale(
    connection: Connection, staff: Staff
) -> None:
    target = propose(connection, staff.teacher, "5", pupil_key=5, pair=HISTORY, rationale="Work in class")
    assert (target.points, target.basis.run_id, target.basis.chance_at_set) == (5, None, None)


@pytest.mark.parametrize(
    ("given", "fault", "told"),
    [
        (proposal("10"), Fault.OFF_SCALE, "The grades are U, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (proposal("A*"), Fault.OFF_SCALE, "no grade of GCSE"),
        (proposal("=1+1"), Fault.OFF_SCALE, "no grade"),
        (proposal("5", pair=LATIN), Fault.NOT_TAUGHT, "teaching group"),
        (proposal("5", pupil_key=5), Fault.NOT_TAUGHT, "does not study Mathematics"),
        (proposal("5", pupil_key=99), Fault.NOT_ON_ROLL, "no pupil 99 on roll"),
        (proposal("5", version=1), Fault.STALE_VERSION, "now there is none"),
        (proposal("5", rationale="x" * 501), Fault.TOO_LONG, "500"),
    ],
)
def test_what_cannot_be_a_target_is_refused_with_what_to_do(
    connection: Connection, staff: Staff, given: Proposal, fault: Fault, told: str
) -> None:
    error = refusal(lambda: service.propose_targets(connection, staff.teacher, [given]))
    assert error.fault is fault
    assert told in str(error)
    assert service.progress(connection, staff.looker, SCHOOL)[1]["set_targets"] == 0


def test_of_several_proposals_all_are_made_or_none_and_each_fault_is_told(connection: Connection, staff: Staff) -> None:
    several = [
        proposal("5"),
        proposal("12", pupil_key=2),
        proposal("5", pair=LATIN),
        proposal("7", pupil_key=3),
        proposal("8", pupil_key=3),
    ]
    with pytest.raises(TargetsRefused) as refused:
        service.propose_targets(connection, staff.teacher, several)
    assert [(one.index, one.error.fault) for one in refused.value.problems] == [
        (1, Fault.OFF_SCALE),
        (2, Fault.NOT_TAUGHT),
        (3, Fault.GIVEN_TWICE),
        (4, Fault.GIVEN_TWICE),
    ]
    assert grades(connection, staff) == {}


# Who may do what


@pytest.mark.parametrize(
    ("who", "act"),
    [
        ("looker", Act.SUBMIT),
        ("maths", Act.REVIEW),
        ("teacher", Act.REVIEW),
        ("leader", Act.APPROVE),
        ("leader", Act.LOCK),
        ("teacher", Act.REJECT),
    ],
)
def test_each_act_needs_its_task(connection: Connection, staff: Staff, who: str, act: Act) -> None:
    service.prepopulate(connection, staff.head, SCHOOL)
    version = 1
    if act in (Act.APPROVE, Act.LOCK):
        version = move(connection, staff.leader, Act.REVIEW, version).version
    if act is Act.LOCK:
        version = move(connection, staff.head, Act.APPROVE, version).version
    error = refusal(lambda: move(connection, getattr(staff, who), act, version, "Because"))
    assert error.fault is Fault.NOT_ALLOWED
    assert "mis person grant" in error.what_to_do


def test_a_task_of_one_subject_is_none_in_another(connection: Connection, staff: Staff) -> None:
    assert propose(connection, staff.maths, "5").grade == "5"
    assert refusal(lambda: propose(connection, staff.maths, "5", pair=HISTORY)).fault is Fault.NOT_ALLOWED


def test_another_schools_targets_are_neither_seen_nor_touched(connection: Connection, staff: Staff) -> None:
    propose(connection, staff.teacher, "5")
    for act in (
        lambda: service.sheet(connection, staff.other, SCHOOL),
        lambda: service.history(connection, staff.other, key()),
        lambda: service.differences(connection, staff.other, SCHOOL),
        lambda: service.progress(connection, staff.other, SCHOOL),
        lambda: service.policies(connection, staff.other, SCHOOL),
        lambda: service.pupils_by_upn(connection, staff.other, 1),
        lambda: service.move_group(connection, staff.other, Act.REVIEW, SCHOOL),
        lambda: service.prepopulate(connection, staff.other, SCHOOL),
        lambda: service.roll_over(connection, staff.other, SCHOOL),
        lambda: service.propose_targets(connection, staff.other, [proposal("6", 1)]),
        lambda: move(connection, staff.other, Act.REVIEW, 1),
    ):
        assert refusal(act).fault is Fault.NO_SUCH_THING


def test_the_row_policies_hold_below_the_service(connection: Connection, staff: Staff) -> None:
    """A query with a mistake in it, read as somebody of another school, finds nothing."""
    propose(connection, staff.teacher, "5")
    with reading_as(connection, staff.other, Purpose.BENCHMARKS):
        assert connection.execute("select count(*) from targets.current_target").fetchone() == (0,)
    with reading_as(connection, staff.looker, Purpose.BENCHMARKS):
        assert connection.execute("select count(*) from targets.current_target").fetchone() == (1,)


@pytest.mark.parametrize("lost", [Rights(purposes=(Purpose.BENCHMARKS,)), Rights(small_groups=True)])
def test_who_has_lost_the_purpose_or_pupils_rows_sees_and_does_nothing(
    connection: Connection, staff: Staff, lost: Rights
) -> None:
    teacher = people.revoke(connection, staff.teacher, lost)
    for act in (lambda: service.sheet(connection, teacher, SCHOOL), lambda: propose(connection, teacher, "5")):
        error = refusal(act)
        assert error.fault is Fault.NOT_ALLOWED
        assert "may not see targets" in str(error)


def test_names_are_for_who_may_see_them(connection: Connection, staff: Staff) -> None:
    named, unnamed = (service.sheet(connection, person, SCHOOL)[0] for person in (staff.teacher, staff.looker))
    assert (named["surname"], named["upn"][1:]) == ("Surname 1", "820200000001")
    assert not {"surname", "forename", "upn"} & set(unnamed)
    assert refusal(lambda: service.pupils_by_upn(connection, staff.looker, 1)).fault is Fault.NOT_ALLOWED


# Review, approval, rejection


def test_nobody_approves_what_they_proposed_or_submitted(connection: Connection, staff: Staff) -> None:
    propose(connection, staff.head, "6")
    move(connection, staff.leader, Act.REVIEW, 1)
    error = refusal(lambda: move(connection, staff.head, Act.APPROVE, 2))
    assert error.fault is Fault.OWN_CHANGE
    service.prepopulate(connection, staff.head, Group(1, YEAR, subject="History"))
    of = key(pair=HISTORY)
    assert move(connection, staff.head, Act.SUBMIT, 1, of=of).proposed_by == staff.head.email
    move(connection, staff.leader, Act.REVIEW, 2, of=of)
    assert refusal(lambda: move(connection, staff.head, Act.APPROVE, 3, of=of)).fault is Fault.OWN_CHANGE


def test_what_the_policy_gave_can_be_approved_by_who_ran_it(connection: Connection, staff: Staff) -> None:
    service.prepopulate(connection, staff.head, SCHOOL)
    move(connection, staff.leader, Act.REVIEW, 1)
    assert move(connection, staff.head, Act.APPROVE, 2).status is Status.APPROVED


@pytest.mark.parametrize("act", [Act.APPROVE, Act.LOCK, Act.SUBMIT])
def test_an_act_out_of_turn_is_refused(connection: Connection, staff: Staff, act: Act) -> None:
    propose(connection, staff.teacher, "6")
    error = refusal(lambda: move(connection, staff.head, act, 1))
    assert error.fault is Fault.WRONG_STATUS
    assert "The target is proposed" in str(error)
    assert refusal(lambda: move(connection, staff.head, act, 0, of=key(2))).fault is Fault.WRONG_STATUS


def test_a_rejection_says_why_and_goes_back_to_proposed(connection: Connection, staff: Staff) -> None:
    propose(connection, staff.teacher, "6")
    assert refusal(lambda: move(connection, staff.leader, Act.REJECT, 1)).fault is Fault.REASON_NEEDED
    rejected = move(connection, staff.leader, Act.REJECT, 1, "Too low for his mocks")
    assert (rejected.status, rejected.comment) == (Status.REJECTED, "Too low for his mocks")
    assert refusal(lambda: move(connection, staff.leader, Act.REVIEW, 2)).fault is Fault.WRONG_STATUS
    again = propose(connection, staff.teacher, "7", 2)
    assert (again.status, again.comment, again.version) == (Status.PROPOSED, None, 3)


def test_a_change_after_approval_has_to_be_approved_anew(connection: Connection, staff: Staff) -> None:
    propose(connection, staff.teacher, "6")
    move(connection, staff.leader, Act.REVIEW, 1)
    move(connection, staff.head, Act.APPROVE, 2)
    assert propose(connection, staff.teacher, "7", 3).status is Status.PROPOSED
    assert refusal(lambda: move(connection, staff.head, Act.LOCK, 4)).fault is Fault.WRONG_STATUS


def test_a_change_after_the_lock_needs_a_reason_and_approval(connection: Connection, staff: Staff) -> None:
    locked(connection, staff)
    assert refusal(lambda: propose(connection, staff.teacher, "7", 4)).fault is Fault.REASON_NEEDED
    changed = propose(connection, staff.teacher, "7", 4, "Moved up after the mocks")
    assert (changed.status, changed.comment) == (Status.PROPOSED, "Moved up after the mocks")
    assert refusal(lambda: move(connection, staff.head, Act.LOCK, 5)).fault is Fault.WRONG_STATUS


def test_a_stale_version_is_refused_with_what_stands_now(connection: Connection, staff: Staff) -> None:
    propose(connection, staff.teacher, "6")
    propose(connection, staff.leader, "7", 1)
    for act in (
        lambda: propose(connection, staff.teacher, "5", 1),
        lambda: move(connection, staff.leader, Act.REVIEW, 1),
    ):
        error = refusal(act)
        assert error.fault is Fault.STALE_VERSION
        assert "version 2, 7, proposed by leader@school.example" in str(error)


def test_a_group_is_reviewed_and_what_cannot_be_is_counted(connection: Connection, staff: Staff) -> None:
    service.prepopulate(connection, staff.head, SCHOOL)
    propose(connection, staff.head, "7", 1)
    reviewed = service.move_group(connection, staff.leader, Act.REVIEW, Group(1, YEAR, group_id="set 1"))
    assert (reviewed.done, reviewed.refused) == (4, {})
    approved = service.move_group(connection, staff.head, Act.APPROVE, SCHOOL)
    assert (approved.done, {fault: times for fault, (times, _) in approved.refused.items()}) == (
        3,
        {Fault.OWN_CHANGE: 1},
    )
    assert service.progress(connection, staff.looker, Group(1, YEAR, subject="Mathematics")) == [
        {
            "qualification": "GCSE",
            "subject": "Mathematics",
            "pupils": 4,
            "set_targets": 4,
            "reviewed": 2,
            "approved": 1,
            "locked": 0,
            "rejected": 0,
        }
    ]


# Policies


def test_without_a_policy_targets_are_the_estimate_of_the_middle_school(connection: Connection, staff: Staff) -> None:
    done = service.prepopulate(connection, staff.head, SCHOOL)
    assert grades(connection, staff) == {1: "4", 2: "5", 3: "6", 4: "3"}
    assert (done.set_now, done.moved, done.unchanged, done.kept, done.not_estimated) == (8, 0, 0, 0, 1)
    again = service.prepopulate(connection, staff.head, SCHOOL)
    assert (again.set_now, again.moved, again.unchanged) == (0, 0, 8)


@pytest.mark.parametrize(
    ("policy_of", "expected"),
    [  # the estimates are 4, 5, 6, 3 at level 50; 5, 5, 6, 3 at 20; 5, 6, 7, 4 at 5
        ({"challenge_levels": (20,)}, "5563"),
        ({"challenge_levels": (5,)}, "5674"),
        ({"challenge_levels": (50, 20)}, "5563"),
        ({"challenge_levels": (50, 20), "rounding": Rounding.DOWN}, "4563"),
        ({"challenge_levels": (50, 5), "rounding": Rounding.UP}, "5674"),
        ({"offset_points": Decimal("0.5")}, "5674"),
        ({"offset_points": Decimal("0.5"), "rounding": Rounding.DOWN}, "4563"),
        ({"offset_points": Decimal("-0.4")}, "4563"),
        ({"offset_points": Decimal(5)}, "9998"),
        ({"offset_points": Decimal(-5)}, "U" + "U1U"),
        ({"floor": Floor.GRADE, "floor_grade": "4"}, "4564"),
        ({"floor": Floor.GRADE, "floor_grade": "5", "rounding": Rounding.DOWN, "offset_points": Decimal(-1)}, "5555"),
    ],
)
def test_a_policy_makes_a_target_of_an_estimate(
    connection: Connection, staff: Staff, policy_of: dict[str, Any], expected: str
) -> None:
    levels = tuple(Decimal(level) for level in policy_of.pop("challenge_levels", (50,)))
    policy(connection, staff, challenge_levels=levels, **policy_of)
    service.prepopulate(connection, staff.head, SCHOOL)
    assert "".join(grades(connection, staff).values()) == expected


def test_the_chance_of_a_pre_populated_target_is_that_of_the_estimate(connection: Connection, staff: Staff) -> None:
    policy(connection, staff, challenge_levels=(Decimal(50), Decimal(20)))
    service.prepopulate(connection, staff.head, SCHOOL)
    by_policy = service.history(connection, staff.looker, key())[0]
    proposed = propose(connection, staff.teacher, by_policy.grade, 1)
    assert proposed.basis == replace(by_policy.basis, chance_at_set=pytest.approx(by_policy.basis.chance_at_set))
    assert by_policy.prepopulated_points == by_policy.points == points(by_policy.grade)


def test_the_most_specific_policy_holds_and_the_schools_before_the_trusts(connection: Connection, staff: Staff) -> None:
    trust = someone(connection, "trust", "policy", schools=(1, 2))

    def state(person: Person, scope: Scope, level: int) -> None:
        service.set_policy(connection, person, scope, Policy(challenge_levels=(Decimal(level),)), reason="Trial")

    def levels() -> dict[str, int]:
        in_force, _ = service.policies(connection, staff.looker, SCHOOL)
        return {row["subject"]: int(row["challenge_levels"][0]) for row in in_force}

    state(trust, Scope(YEAR, trust_uid="T1", nc_year="10", qualification="GCSE", subject="History"), 5)
    assert levels() == {"History": 5, "Mathematics": 50}
    state(staff.head, Scope(YEAR, school_id=1), 20)
    assert levels() == {"History": 20, "Mathematics": 20}
    state(staff.head, Scope(YEAR, school_id=1, nc_year="10"), 50)
    state(staff.head, Scope(YEAR, school_id=1, qualification="GCSE"), 5)
    state(staff.head, Scope(YEAR, school_id=1, nc_year="11", qualification="GCSE", subject="History"), 20)
    state(staff.head, Scope(LAST_YEAR, school_id=1, qualification="GCSE", subject="History"), 20)
    assert levels() == {"History": 5, "Mathematics": 5}
    state(staff.head, Scope(YEAR, school_id=1, qualification="GCSE", subject="Mathematics"), 20)
    assert levels() == {"History": 5, "Mathematics": 20}
    service.set_policy(
        connection,
        staff.head,
        Scope(YEAR, school_id=1, qualification="GCSE", subject="Mathematics"),
        Policy(),
        reason="Back",
        is_withdrawn=True,
    )
    assert levels() == {"History": 5, "Mathematics": 5}
    _, entries = service.policies(connection, staff.looker, SCHOOL)
    assert [entry.set_by for entry in entries] == [staff.head.email] * 6 + [trust.email]


def test_a_trusts_policy_needs_the_task_at_each_of_its_schools(connection: Connection, staff: Staff) -> None:
    scope = Scope(YEAR, trust_uid="T1")
    assert refusal(lambda: policy(connection, staff, scope)).fault is Fault.NOT_ALLOWED
    assert refusal(lambda: policy(connection, staff, Scope(YEAR, trust_uid="T9"))).fault is Fault.NO_SUCH_THING
    assert (
        refusal(lambda: service.set_policy(connection, staff.leader, SCHOOL_SCOPE, Policy(), reason="x")).fault
        is Fault.NOT_ALLOWED
    )


@pytest.mark.parametrize(
    ("scope", "of", "told"),
    [
        (SCHOOL_SCOPE, {"challenge_levels": ()}, "one challenge level, or two"),
        (SCHOOL_SCOPE, {"challenge_levels": (Decimal(50), Decimal(50))}, "one challenge level, or two"),
        (SCHOOL_SCOPE, {"challenge_levels": (Decimal(100),)}, "above 0 and below 100"),
        (SCHOOL_SCOPE, {"challenge_levels": (Decimal(10),)}, "have no challenge level 10"),
        (SCHOOL_SCOPE, {"offset_points": Decimal("0.125")}, "two decimal places"),
        (SCHOOL_SCOPE, {"offset_points": Decimal(61)}, "at most 60 points"),
        (SCHOOL_SCOPE, {"floor": Floor.GRADE}, "exactly when a grade is given"),
        (SCHOOL_SCOPE, {"floor_grade": "5"}, "exactly when a grade is given"),
        (Scope(YEAR, school_id=1, subject="History"), {}, "within a qualification"),
        (Scope(YEAR), {}, "a school's or a trust's"),
        (Scope(YEAR, school_id=1, trust_uid="T1"), {}, "a school's or a trust's"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(
    connection: Connection, staff: Staff, scope: Scope, of: dict[str, Any], told: str
) -> None:
    error = refusal(lambda: policy(connection, staff, scope, **of))
    assert error.fault is Fault.BAD_POLICY
    assert told in str(error)


def test_a_subject_that_is_not_included_has_no_targets(connection: Connection, staff: Staff) -> None:
    policy(connection, staff, Scope(YEAR, school_id=1, qualification="GCSE", subject="History"), is_included=False)
    done = service.prepopulate(connection, staff.head, SCHOOL)
    assert (done.set_now, done.not_included) == (4, 5)
    assert refusal(lambda: propose(connection, staff.teacher, "5", pair=HISTORY)).fault is Fault.NOT_INCLUDED


@pytest.mark.parametrize(
    ("who_may_edit", "may"),
    [(WhoMayEdit.EDITORS, {"teacher", "head"}), (WhoMayEdit.APPROVERS, {"head"}), (WhoMayEdit.NOBODY, set())],
)
def test_the_policy_says_who_of_the_editors_may_edit(
    connection: Connection, staff: Staff, who_may_edit: WhoMayEdit, may: set[str]
) -> None:
    policy(connection, staff, who_may_edit=who_may_edit)
    for pupil_key, who in enumerate(("teacher", "head"), 1):
        act = lambda who=who, pupil_key=pupil_key: propose(connection, getattr(staff, who), "5", pupil_key=pupil_key)  # noqa: E731
        if who in may:
            assert act().grade == "5"
        else:
            assert "By the policy" in str(refusal(act))


def test_a_floor_of_the_pre_populated_target_is_kept(connection: Connection, staff: Staff) -> None:
    policy(connection, staff, floor=Floor.PREPOPULATED)
    service.prepopulate(connection, staff.head, SCHOOL)
    assert refusal(lambda: propose(connection, staff.teacher, "3", 1)).fault is Fault.BELOW_FLOOR
    assert propose(connection, staff.teacher, "8", 1).grade == "8"
    assert propose(connection, staff.teacher, "4", 2).grade == "4"  # the floor is the policy's grade, not the last one
    assert refusal(lambda: propose(connection, staff.teacher, "3", 3)).fault is Fault.BELOW_FLOOR


def test_a_floor_of_a_grade_is_kept(connection: Connection, staff: Staff) -> None:
    policy(connection, staff, floor=Floor.GRADE, floor_grade="4")
    assert refusal(lambda: propose(connection, staff.teacher, "3")).fault is Fault.BELOW_FLOOR
    assert propose(connection, staff.teacher, "4").grade == "4"


# New estimates


def publish_new_estimates(connection: Connection, add: float) -> None:
    connection.execute("delete from benchmarks.estimate where school_id = 1")
    put_estimates(connection, estimates(1, YEAR, "run 2", (MATHS, HISTORY), add))


def test_new_estimates_move_what_nobody_has_touched_and_nothing_else(connection: Connection, staff: Staff) -> None:
    service.prepopulate(connection, staff.head, SCHOOL)
    propose(connection, staff.teacher, "9", 1, pupil_key=2)
    move(connection, staff.leader, Act.REVIEW, 1, of=key(3))
    move(connection, staff.leader, Act.REVIEW, 1, of=key(4))
    move(connection, staff.head, Act.APPROVE, 2, of=key(4))
    move(connection, staff.head, Act.LOCK, 3, of=key(4))
    publish_new_estimates(connection, 1.0)
    done = service.prepopulate(connection, staff.head, Group(1, YEAR, subject="Mathematics"))
    assert (done.set_now, done.moved, done.kept) == (0, 1, 3)
    assert grades(connection, staff) == {1: "5", 2: "9", 3: "6", 4: "3"}
    moved = service.history(connection, staff.looker, key())[-1]
    assert (moved.version, moved.basis.run_id, moved.prepopulated_points) == (2, "run 2", 5)


def test_differences_tell_the_estimate_then_and_now(connection: Connection, staff: Staff) -> None:
    locked(connection, staff)
    assert service.differences(connection, staff.looker, SCHOOL) == []
    publish_new_estimates(connection, 1.0)
    (found,) = service.differences(connection, staff.looker, SCHOOL)
    assert (found["pupil_key"], found["grade"], found["status"]) == (1, "6", "locked")
    assert (found["estimate_then"], found["estimate_now"]) == (["4"], ["5"])
    assert (found["run_then"], found["run_now"]) == ("run 1", "run 2")
    assert found["chance_then"] < found["chance_now"]
    connection.execute("delete from benchmarks.estimate where school_id = 1")
    (gone,) = service.differences(connection, staff.looker, SCHOOL)
    assert (gone["estimate_then"], gone["estimate_now"]) == (["4"], None)


# From year to year


def last_years(connection: Connection, staff: Staff) -> None:
    """Locked targets of last year for the first two pupils, one of the third that was never approved."""
    put_estimates(connection, estimates(1, LAST_YEAR, "run 0", (MATHS,)))
    for pupil_key, grade in ((1, "8"), (2, "2"), (3, "7")):
        of = key(pupil_key, academic_year=LAST_YEAR)
        service.propose_targets(connection, staff.teacher, [Proposal(of, 0, grade)])
        if pupil_key < 3:
            for act, version in ((Act.REVIEW, 1), (Act.APPROVE, 2), (Act.LOCK, 3)):
                move(connection, staff.head, act, version, of=of)


def test_last_years_targets_are_carried_over_once(connection: Connection, staff: Staff) -> None:
    last_years(connection, staff)
    assert service.roll_over(connection, staff.head, SCHOOL) == 2
    assert service.roll_over(connection, staff.head, SCHOOL) == 0
    carried = service.history(connection, staff.looker, key())[-1]
    assert (carried.grade, carried.status, carried.source) == ("8", Status.PREPOPULATED, Source.ROLLOVER)
    assert carried.proposed_by == staff.teacher.email
    before = service.history(connection, staff.looker, key(academic_year=LAST_YEAR))[-1]
    assert (before.grade, before.status, before.comment) == ("8", Status.SUPERSEDED, f"Carried over to {YEAR}.")
    error = refusal(
        lambda: service.propose_targets(connection, staff.teacher, [Proposal(before.key, before.version, "9")], "Late")
    )
    assert error.fault is Fault.WRONG_STATUS
    done = service.prepopulate(connection, staff.head, Group(1, YEAR, subject="Mathematics"))
    assert (done.set_now, done.kept) == (2, 2)
    assert grades(connection, staff) == {1: "8", 2: "2", 3: "6", 4: "3"}


def test_what_is_set_this_year_is_not_carried_over(connection: Connection, staff: Staff) -> None:
    last_years(connection, staff)
    propose(connection, staff.teacher, "9")
    assert service.roll_over(connection, staff.head, SCHOOL) == 1
    assert grades(connection, staff) == {1: "9", 2: "2"}


def test_a_floor_of_last_years_target_is_kept(connection: Connection, staff: Staff) -> None:
    last_years(connection, staff)
    policy(connection, staff, floor=Floor.PREVIOUS)
    service.prepopulate(connection, staff.head, SCHOOL)
    assert grades(connection, staff) == {1: "8", 2: "5", 3: "7", 4: "3"}
    assert refusal(lambda: propose(connection, staff.teacher, "7", 1)).fault is Fault.BELOW_FLOOR


# The log


@pytest.mark.parametrize(
    "statement",
    [
        "update targets.target_entry set grade = '9'",
        "delete from targets.target_entry",
        "truncate targets.target_entry",
        "update targets.policy_entry set reason = 'other'",
        "delete from targets.policy_entry",
        "truncate targets.policy_entry cascade",
    ],
)
def test_the_log_cannot_be_rewritten(connection: Connection, staff: Staff, statement: str) -> None:
    policy(connection, staff)
    propose(connection, staff.teacher, "5")
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        connection.execute(statement.encode())


def test_a_pupil_can_be_erased_from_the_log(connection: Connection, staff: Staff) -> None:
    propose(connection, staff.teacher, "5")
    connection.execute("set local mis.erasure = 'on'")
    assert connection.execute("delete from targets.target_entry where school_id = 1 and pupil_key = 1").rowcount == 1


def test_every_grade_of_the_scale_can_be_a_target(connection: Connection, staff: Staff) -> None:
    for version, grade in enumerate(GRADES):
        assert propose(connection, staff.teacher, grade, version).points == points(grade)


def test_before_estimates_are_published_that_is_what_is_said(connection: Connection, staff: Staff) -> None:
    connection.execute("drop schema benchmarks cascade")
    error = refusal(lambda: service.sheet(connection, staff.looker, SCHOOL))
    assert error.fault is Fault.NOT_PUBLISHED
    assert "mis publish benchmarks" in str(error)
