"""The door to targets: every call checks what the person may do, at this moment, before anything is read or written.

A person sees targets of the schools granted to them, with the purpose benchmarks and pupils' rows; each act needs its
task at the school, in the subject. Reading goes through the person's own database role and the row policies; writing is
the platform's, after the check. A call is one transaction, or a part of the caller's; give it a person read anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from orchestration.access.people import Person
from orchestration.access.reading import reading_as
from orchestration.access.target_tasks import EVERY_SUBJECT, TargetTask
from orchestration.ingest.categories import Purpose
from orchestration.targets import log, many, policy_log, sheets
from orchestration.targets.faults import Fault, Problem, TargetError, TargetsRefused
from orchestration.targets.groups import (
    Connection,
    Group,
    Row,
    is_published,
    latest_year,
    published_levels,
    trust_schools,
)
from orchestration.targets.policy import LONGEST_TEXT, Policy, PolicyEntry, Scope
from orchestration.targets.rules import (
    Act,
    Key,
    Proposal,
    Target,
    allow,
    move,
    propose,
    stale,
    statuses_before,
)
from orchestration.warehouse.roles import Level


@dataclass(frozen=True, slots=True)
class Seen:
    """A target in the version that somebody acts on."""

    key: Key
    version: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """An act on many: the targets done, and how many were refused for what, with one refusal of each sort."""

    done: int
    refused: dict[Fault, tuple[int, TargetError]]


# Looking


def sheet(
    connection: Connection, person: Person, group: Group, *, limit: int | None = None, offset: int = 0
) -> list[Row]:
    """One row per pupil and subject of the group, see ``sheets.sheet``; names for who may see them."""
    with _reading(connection, person, group.school_id):
        return sheets.sheet(connection, group, with_names=person.level is Level.NAMED, limit=limit, offset=offset)


def differences(connection: Connection, person: Person, group: Group) -> list[Row]:
    """Standing targets whose estimate has changed since they were set, see ``sheets.differences``."""
    with _reading(connection, person, group.school_id):
        return sheets.differences(connection, group)


def progress(connection: Connection, person: Person, group: Group) -> list[Row]:
    """How far targets have come, by subject, see ``sheets.progress``."""
    with _reading(connection, person, group.school_id):
        return sheets.progress(connection, group)


def pupils_by_upn(connection: Connection, person: Person, school_id: int) -> dict[str, int]:
    """Keys of the school's pupils by UPN. Raises TargetError for who may not see names, which UPNs count among."""
    if person.level is not Level.NAMED:
        raise TargetError(
            Fault.NOT_ALLOWED,
            "Files know pupils by UPN, which is for people who may see names.",
            f"An operator can allow it: mis person grant {person.email} --small-groups --named",
        )
    with _reading(connection, person, school_id):
        return sheets.pupils_by_upn(connection, school_id)


def school_year(connection: Connection, person: Person, school_id: int) -> int:
    """The academic year of the school's published estimates. Raises TargetError without any."""
    with _reading(connection, person, school_id):
        year = latest_year(connection, school_id)
    if year is None:
        raise _unpublished()
    return year


def history(connection: Connection, person: Person, key: Key) -> list[Target]:
    """Every version of a target, the first first."""
    with _reading(connection, person, key.school_id):
        return log.history(connection, key)


def policies(connection: Connection, person: Person, group: Group) -> tuple[list[Row], list[PolicyEntry]]:
    """The policy in force for each year group and subject, and every statement about them, the latest first."""
    _check_sight(connection, person, group.school_id)
    return (
        policy_log.policies_in_force(connection, group),
        policy_log.policy_entries(connection, group.school_id, group.academic_year),
    )


# Acting


def set_policy(
    connection: Connection, person: Person, scope: Scope, policy: Policy, *, reason: str, is_withdrawn: bool = False
) -> int:
    """State a policy for a scope, or withdraw it, and return the number of the entry.

    A trust's default needs the task policy at each of its schools. Raises TargetError for what cannot be.
    """
    scope.check()
    policy.check()
    if not 1 <= len(reason) <= LONGEST_TEXT:
        raise TargetError(
            Fault.REASON_NEEDED, f"A policy needs a reason of at most {LONGEST_TEXT} characters.", "Say why."
        )
    if not is_published(connection):
        raise _unpublished()
    schools = _schools_of(connection, scope)
    for school_id in schools:
        allow(person, school_id, (TargetTask.POLICY,), scope.subject or EVERY_SUBJECT, "set the policy for")
    there = published_levels(connection, schools)
    missing = sorted(set(policy.challenge_levels) - there)
    if there and missing:
        raise TargetError(
            Fault.BAD_POLICY,
            f"The published estimates have no challenge level {', '.join(f'{level:f}' for level in missing)}.",
            f"They have {', '.join(f'{level:f}' for level in sorted(there, reverse=True))}.",
        )
    return policy_log.append_policy(
        connection, scope, policy, is_withdrawn=is_withdrawn, reason=reason, set_by=person.email
    )


def prepopulate(connection: Connection, person: Person, group: Group) -> many.Prepopulated:
    """Set the group's targets by policy, where nobody has set or confirmed another. Needs the task policy."""
    _check_many(connection, person, group, "pre-populate")
    return many.prepopulate(connection, group, person.email)


def roll_over(connection: Connection, person: Person, group: Group) -> int:
    """Carry last year's targets over to the group's year; how many. Needs the task policy."""
    _check_many(connection, person, group, "carry over")
    return many.roll_over(connection, group, person.email)


def propose_targets(
    connection: Connection, person: Person, proposals: Sequence[Proposal], comment: str | None = None
) -> list[Target]:
    """Propose grades, all of them or none, and return the targets as they then stand.

    Raises TargetsRefused with each that cannot be done.
    """
    drafts, problems = draft(connection, person, proposals, comment)
    if problems:
        raise TargetsRefused(problems, len(proposals))
    return write(connection, drafts)


def draft(
    connection: Connection, person: Person, proposals: Sequence[Proposal], comment: str | None = None
) -> tuple[list[Target], list[Problem]]:
    """Return the versions that proposals would make, and what is wrong with the others; nothing is written."""
    keys = [proposal.key for proposal in proposals]
    _check_schools(connection, person, keys)
    known = {}
    for school_id, academic_year in dict.fromkeys((key.school_id, key.academic_year) for key in keys):
        of_school = [key for key in keys if (key.school_id, key.academic_year) == (school_id, academic_year)]
        known.update(log.circumstances(connection, school_id, academic_year, of_school))
    return _each([partial(propose, one, known[one.key], person, comment) for one in proposals], keys)


def move_targets(
    connection: Connection, person: Person, act: Act, seen: Sequence[Seen], comment: str | None = None
) -> list[Target]:
    """Submit, review, approve, reject or lock targets, all of them or none, and return them as they then stand.

    Raises TargetsRefused with each that cannot be done.
    """
    keys = [one.key for one in seen]
    _check_schools(connection, person, keys)
    standing = _standing(connection, keys)
    drafts, problems = _each(
        [partial(move, act, standing.get(one.key), one.key, one.version, person, comment=comment) for one in seen],
        keys,
    )
    if problems:
        raise TargetsRefused(problems, len(seen))
    return write(connection, drafts)


def move_group(connection: Connection, person: Person, act: Act, group: Group, comment: str | None = None) -> Outcome:
    """Submit, review, approve, reject or lock whatever of a group waits for it; what is refused stays as it is."""
    _check_sight(connection, person, group.school_id)
    refused: dict[Fault, tuple[int, TargetError]] = {}
    drafts = []
    for target in log.current(connection, group):
        if target.status not in statuses_before(act):
            continue
        try:
            drafts.append(move(act, target, target.key, target.version, person, comment=comment))
        except TargetError as error:
            refused[error.fault] = (refused.get(error.fault, (0,))[0] + 1, error)
    written = log.append(connection, drafts)
    overtaken = _overtaken(connection, [target for target in drafts if target.key not in written])
    if overtaken:
        refused[Fault.STALE_VERSION] = (len(overtaken), overtaken[0])
    return Outcome(len(written), refused)


def write(connection: Connection, drafts: Sequence[Target]) -> list[Target]:
    """Write what ``draft`` returned, and return the targets as they then stand.

    Raises TargetsRefused, and writes nothing, where somebody was quicker.
    """
    with connection.transaction():
        written = log.append(connection, drafts)
        overtaken = [(place, target) for place, target in enumerate(drafts) if target.key not in written]
        if overtaken:
            refusals = _overtaken(connection, [target for _, target in overtaken])
            problems = [Problem(place, error) for (place, _), error in zip(overtaken, refusals, strict=True)]
            raise TargetsRefused(problems, len(drafts))
    return list(_standing(connection, [target.key for target in drafts]).values())


def _overtaken(connection: Connection, drafts: Sequence[Target]) -> list[TargetError]:
    standing = _standing(connection, [target.key for target in drafts])
    return [stale(target.key, target.version - 1, standing.get(target.key)) for target in drafts]


def _standing(connection: Connection, keys: Sequence[Key]) -> dict[Key, Target]:
    found: dict[Key, Target] = {}
    for school_id, academic_year in dict.fromkeys((key.school_id, key.academic_year) for key in keys):
        pupils = tuple({key.pupil_key for key in keys if key.school_id == school_id})
        targets = log.current(connection, Group(school_id, academic_year, pupil_keys=pupils))
        found.update({target.key: target for target in targets})
    return {key: found[key] for key in keys if key in found}


def _each(acts: Sequence[Callable[[], Target]], keys: Sequence[Key]) -> tuple[list[Target], list[Problem]]:
    """Do each act by itself: the versions of those that can be done, and the refusals of the others."""
    times = Counter(keys)
    drafts: list[Target] = []
    problems: list[Problem] = []
    for index, (act, key) in enumerate(zip(acts, keys, strict=True)):
        try:
            if times[key] > 1:
                raise TargetError(
                    Fault.GIVEN_TWICE,
                    f"Pupil {key.pupil_key} in {key.subject} ({key.qualification}) is given {times[key]} times.",
                    "Give it once.",
                )
            drafts.append(act())
        except TargetError as error:
            problems.append(Problem(index, error))
    return drafts, problems


# Rights


@contextmanager
def _reading(connection: Connection, person: Person, school_id: int) -> Iterator[None]:
    """Read as the person, from estimates that are published."""
    _check_sight(connection, person, school_id)
    with reading_as(connection, person, Purpose.BENCHMARKS):
        yield


def _check_sight(connection: Connection, person: Person, school_id: int) -> None:
    """Raise TargetError unless the person may see the school's targets and there are estimates."""
    if Purpose.BENCHMARKS not in person.purposes or person.level is Level.AGGREGATES:
        raise TargetError(
            Fault.NOT_ALLOWED,
            f"{person.email} may not see targets.",
            f"An operator can allow it: mis person grant {person.email} --purpose benchmarks --small-groups",
        )
    if school_id not in person.school_ids:
        raise TargetError(
            Fault.NO_SUCH_THING,
            f"There is no school {school_id}, or it is not yours.",
            "Look which schools you may see: mis person show.",
        )
    if not is_published(connection):
        raise _unpublished()


def _check_schools(connection: Connection, person: Person, keys: Sequence[Key]) -> None:
    for school_id in dict.fromkeys(key.school_id for key in keys):
        _check_sight(connection, person, school_id)


def _check_many(connection: Connection, person: Person, group: Group, act: str) -> None:
    _check_sight(connection, person, group.school_id)
    allow(person, group.school_id, (TargetTask.POLICY,), group.subject or EVERY_SUBJECT, act)


def _schools_of(connection: Connection, scope: Scope) -> tuple[int, ...]:
    if scope.school_id is not None:
        return (scope.school_id,)
    schools = trust_schools(connection, scope.trust_uid or "")
    if not schools:
        raise TargetError(
            Fault.NO_SUCH_THING,
            f"There is no trust {scope.trust_uid}.",
            "Trusts are those of the seed school_trust, by their number (trust_uid in core.school).",
        )
    return schools


def _unpublished() -> TargetError:
    return TargetError(
        Fault.NOT_PUBLISHED, "There are no published estimates to set targets by.", "Run: mis publish benchmarks."
    )
