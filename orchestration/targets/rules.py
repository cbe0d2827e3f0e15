"""Targets and the acts on them: from one version to the next, or a refusal (methodology 4.1). Knows no database.

    prepopulated -> proposed -> subject_reviewed -> approved -> locked -> superseded
                       ^                |
                    rejected <----------+

A version states the whole target. Nothing is ever changed: an act makes the next version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from orchestration.access.people import Person
from orchestration.access.target_tasks import TargetTask
from orchestration.targets.faults import Fault, TargetError
from orchestration.targets.policy import LONGEST_TEXT, Floor, Policy, WhoMayEdit


class Status(StrEnum):
    """Where a target stands."""

    PREPOPULATED = "prepopulated"
    PROPOSED = "proposed"
    SUBJECT_REVIEWED = "subject_reviewed"
    APPROVED = "approved"
    LOCKED = "locked"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


class Act(StrEnum):
    """What is done with a target; the first two and the last two for many at once, in SQL (``log``)."""

    PREPOPULATE = "prepopulate"
    ROLL_OVER = "roll over"
    SUPERSEDE = "supersede"
    PROPOSE = "propose"
    SUBMIT = "submit"
    REVIEW = "review"
    APPROVE = "approve"
    REJECT = "reject"
    LOCK = "lock"


class Source(StrEnum):
    """Where a grade comes from."""

    POLICY = "policy"
    TEACHER = "teacher"
    IMPORT = "import"
    ROLLOVER = "rollover"


class Key(NamedTuple):
    """What a target is of. A pupil's key is the school's."""

    school_id: int
    pupil_key: int
    academic_year: int
    qualification: str
    subject: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What a grade was set against: the policy in force, and the estimate at its levels if there is one."""

    policy_entry_id: int | None
    challenge_levels: tuple[Decimal, ...]
    run_id: str | None = None
    estimate_grades: tuple[str, ...] | None = None
    estimate_points: Decimal | None = None
    chance_at_set: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A target in one version. ``set_at`` is None until it is written."""

    key: Key
    version: int
    act: Act
    status: Status
    grade: str
    points: Decimal
    source: Source
    proposed_by: str | None
    prepopulated_points: Decimal | None
    basis: Basis
    rationale: str | None
    comment: str | None
    set_by: str
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A pupil's estimate in a subject at the levels of a policy: per level the grade, and chances by grade."""

    run_id: str
    grades: tuple[str, ...]
    points: Decimal
    chances: tuple[Mapping[str, float], ...]

    def chance(self, grade: str) -> float:
        """Chance of the grade or better, the mean over the levels."""
        return sum(level[grade] for level in self.chances) / len(self.chances)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for a pupil in a subject when somebody acts. ``scale`` is grade to points, the lowest first."""

    before: Target | None
    is_on_roll: bool
    is_taught: bool
    policy: Policy
    policy_entry_id: int | None
    scale: Mapping[str, Decimal]
    estimate: Estimate | None
    previous_points: Decimal | None

    def basis(self, grade: str) -> Basis:
        """What a grade set now is set against."""
        if self.estimate is None:
            return Basis(self.policy_entry_id, self.policy.challenge_levels)
        return Basis(
            self.policy_entry_id,
            self.policy.challenge_levels,
            self.estimate.run_id,
            self.estimate.grades,
            self.estimate.points,
            self.estimate.chance(grade),
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A grade that somebody wants; ``version`` is the one they saw, 0 for none."""

    key: Key
    version: int
    grade: str
    rationale: str | None = None
    source: Source = Source.TEACHER


class _Move(NamedTuple):
    after: Mapping[Status, tuple[TargetTask, ...]]
    status: Status


#: From which status an act leads where, and which task (one of them) it needs there.
_MOVES: dict[Act, _Move] = {
    Act.SUBMIT: _Move(
        {Status.PREPOPULATED: (TargetTask.EDIT,), Status.REJECTED: (TargetTask.EDIT,)},
        Status.PROPOSED,
    ),
    Act.REVIEW: _Move(
        {Status.PREPOPULATED: (TargetTask.REVIEW,), Status.PROPOSED: (TargetTask.REVIEW,)},
        Status.SUBJECT_REVIEWED,
    ),
    Act.APPROVE: _Move({Status.SUBJECT_REVIEWED: (TargetTask.APPROVE,)}, Status.APPROVED),
    Act.REJECT: _Move(
        {
            Status.PREPOPULATED: (TargetTask.REVIEW, TargetTask.APPROVE),
            Status.PROPOSED: (TargetTask.REVIEW, TargetTask.APPROVE),
            Status.SUBJECT_REVIEWED: (TargetTask.APPROVE,),
        },
        Status.REJECTED,
    ),
    Act.LOCK: _Move({Status.APPROVED: (TargetTask.LOCK,)}, Status.LOCKED),
}
#: Acts on a target as it stands, which change its status and not its grade.
MOVES = tuple(_MOVES)


def statuses_before(act: Act) -> tuple[Status, ...]:
    """The statuses in which a target waits for an act of ``MOVES``."""
    return tuple(_MOVES[act].after)


def tasks_for(act: Act) -> tuple[TargetTask, ...]:
    """The tasks of which an act of ``MOVES`` needs one, in whatever status a target is."""
    return tuple(dict.fromkeys(task for tasks in _MOVES[act].after.values() for task in tasks))


def propose(proposal: Proposal, known: Circumstances, person: Person, comment: str | None = None) -> Target:
    """Return the next version, with the grade that a person proposes: to be reviewed and approved, whatever it was.

    ``comment`` is the reason, which a change after the lock must have. Raises TargetError for what the rules refuse.
    """
    key, before, policy = proposal.key, known.before, known.policy
    _allow(person, key, (TargetTask.EDIT,), "propose")
    _check_version(key, before, proposal.version)
    _check_texts(rationale=proposal.rationale, comment=comment)
    if not known.is_on_roll:
        raise TargetError(
            Fault.NOT_ON_ROLL,
            f"School {key.school_id} has no pupil {key.pupil_key} on roll.",
            "Look whether the pupil has left, or wait for the next extract if they have just come.",
        )
    if not known.is_taught:
        raise TargetError(
            Fault.NOT_TAUGHT,
            f"Pupil {key.pupil_key} does not study {key.subject} ({key.qualification}) in {key.academic_year}.",
            "Put the pupil into a teaching group of the subject in the MIS, or leave the target out.",
        )
    if not policy.is_included:
        raise TargetError(
            Fault.NOT_INCLUDED,
            f"By the policy no targets are set in {key.subject} ({key.qualification}).",
            "Whoever sets policies can include it: mis targets policy set --include.",
        )
    _check_editor(policy, person, key)
    if before is not None and before.status is Status.SUPERSEDED:
        raise TargetError(
            Fault.WRONG_STATUS,
            f"The target for {key.academic_year} has been carried over to the next year.",
            "Change that of the next year.",
        )
    if before is not None and before.status is Status.LOCKED and not comment:
        raise TargetError(
            Fault.REASON_NEEDED,
            "The target is locked.",
            "Give the reason for the change; it then has to be approved anew.",
        )
    points = known.scale.get(proposal.grade)
    if points is None:
        known_grades = ", ".join(known.scale)
        raise TargetError(
            Fault.OFF_SCALE,
            f"{proposal.grade!r} is no grade of {key.qualification}.",
            f"The grades are {known_grades}." if known.scale else "It has no estimates yet, and so no scale is known.",
        )
    _check_floor(proposal.grade, points, known)
    return Target(
        key,
        proposal.version + 1,
        Act.PROPOSE,
        Status.PROPOSED,
        proposal.grade,
        points,
        proposal.source,
        person.email,
        None if before is None else before.prepopulated_points,
        known.basis(proposal.grade),
        proposal.rationale,
        comment,
        person.email,
    )


def move(
    act: Act, before: Target | None, key: Key, version: int, person: Person, *, comment: str | None = None
) -> Target:
    """Return the next version after an act of ``MOVES``. Raises TargetError for what the rules refuse.

    Who submits a grade stands for it as if they had proposed it. Nobody approves what they stand for, and a rejection
    says why.
    """
    after, status = _MOVES[act]
    _check_version(key, before, version)
    _check_texts(comment=comment)
    if before is None or before.status not in after:
        standing = "There is no target" if before is None else f"The target is {_said(before.status)}"
        waiting = " or ".join(_said(one) for one in after)
        raise TargetError(
            Fault.WRONG_STATUS,
            f"{standing}: {act} is for one that is {waiting}.",
            "Look at the target as it stands now.",
        )
    _allow(person, key, after[before.status], act)
    if act is Act.APPROVE and before.proposed_by == person.email:
        raise TargetError(
            Fault.OWN_CHANGE,
            f"{person.email} proposed this target and cannot approve it.",
            "Somebody else with the task approve has to.",
        )
    if act is Act.REJECT and not comment:
        raise TargetError(Fault.REASON_NEEDED, "A rejection needs a reason.", "Say what should be changed.")
    return replace(
        before,
        version=before.version + 1,
        act=act,
        status=status,
        proposed_by=person.email if act is Act.SUBMIT else before.proposed_by,
        comment=comment,
        set_by=person.email,
        set_at=None,
    )


def allow(person: Person, school_id: int, tasks: tuple[TargetTask, ...], subject: str, act: str) -> None:
    """Raise TargetError unless the person has one of the tasks at the school in the subject."""
    if not any(person.may(task, school_id, subject) for task in tasks):
        raise TargetError(
            Fault.NOT_ALLOWED,
            f"{person.email} may not {act} targets of school {school_id}.",
            f"An operator can allow it: mis person grant {person.email} --school {school_id} --purpose benchmarks"
            f" --small-groups --target-task {tasks[0]}",
        )


def _allow(person: Person, key: Key, tasks: tuple[TargetTask, ...], act: str) -> None:
    allow(person, key.school_id, tasks, key.subject, act)


def stale(key: Key, seen: int, now: Target | None) -> TargetError:
    """The refusal of an act on a version that is not the latest any more."""
    stands = (
        "there is none" if now is None else f"version {now.version}, {now.grade}, {_said(now.status)} by {now.set_by}"
    )
    return TargetError(
        Fault.STALE_VERSION,
        f"The target of pupil {key.pupil_key} in {key.subject} has changed since version {seen}: now {stands}.",
        "Look at it as it stands and act again.",
    )


def _check_version(key: Key, before: Target | None, seen: int) -> None:
    if seen != (0 if before is None else before.version):
        raise stale(key, seen, before)


def _check_texts(**texts: str | None) -> None:
    for name, text in texts.items():
        if text is not None and len(text) > LONGEST_TEXT:
            raise TargetError(
                Fault.TOO_LONG, f"A {name} has at most {LONGEST_TEXT} characters, this one {len(text)}.", "Shorten it."
            )


def _check_editor(policy: Policy, person: Person, key: Key) -> None:
    allowed: dict[WhoMayEdit, Callable[[], bool]] = {
        WhoMayEdit.EDITORS: lambda: True,
        WhoMayEdit.APPROVERS: lambda: person.may(TargetTask.APPROVE, key.school_id, key.subject),
        WhoMayEdit.NOBODY: lambda: False,
    }
    if not allowed[policy.who_may_edit]():
        whom = "nobody" if policy.who_may_edit is WhoMayEdit.NOBODY else "approvers alone"
        raise TargetError(
            Fault.NOT_ALLOWED,
            f"By the policy {whom} may change targets in {key.subject} ({key.qualification}).",
            "Whoever sets policies can open it: mis targets policy set --who-may-edit editors.",
        )


def _check_floor(grade: str, points: Decimal, known: Circumstances) -> None:
    policy = known.policy
    lowest, named = {
        Floor.NONE: (None, ""),
        Floor.PREPOPULATED: (
            None if known.before is None else known.before.prepopulated_points,
            "the pre-populated target",
        ),
        Floor.PREVIOUS: (known.previous_points, "last year's target"),
        Floor.GRADE: (known.scale.get(policy.floor_grade or ""), f"grade {policy.floor_grade}"),
    }[policy.floor]
    if lowest is not None and points < lowest:
        raise TargetError(
            Fault.BELOW_FLOOR,
            f"{grade} is below {named} ({lowest} points), and the policy does not let a target be.",
            "Set a higher one, or have the policy changed.",
        )


def _said(status: Status) -> str:
    return status.replace("_", " ")
