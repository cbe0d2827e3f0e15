"""What the API can do: a table of operations, from which come the routes and their description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, cast

from pydantic import BaseModel

from orchestration.access.people import Person
from orchestration.targets import service
from orchestration.targets.groups import Connection, Group, Row
from orchestration.targets.policy import Policy, Scope
from orchestration.targets.rules import MOVES, Act, Key, Proposal, Target
from reports.api.models import (
    Acted,
    ActedTarget,
    Distribution,
    Estimates,
    GradeChance,
    History,
    LevelEstimate,
    Moves,
    Nothing,
    OfGroup,
    OfGroupPage,
    OfTarget,
    Policies,
    PolicyInForce,
    PolicyStatement,
    Proposals,
    PupilEstimate,
    PupilTarget,
    Session,
    StandingTarget,
    StatedPolicy,
    TargetKey,
    Targets,
    TargetVersion,
    TaskAt,
)

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request of a signed-in person, in its transaction. ``asked`` is what ``Operation.takes`` says."""

    connection: Connection
    person: Person
    form_token: str
    school_id: int
    asked: BaseModel


@dataclass(frozen=True, slots=True)
class Operation:
    """One address and method. Of a GET ``takes`` is the query, of a POST the body."""

    method: str
    path: str
    name: str
    summary: str
    takes: type[BaseModel]
    answers: type[BaseModel]
    work: Callable[[Call], BaseModel]


def _session(call: Call) -> Session:
    person = call.person
    return Session(
        email=person.email,
        name=person.name,
        form_token=call.form_token,
        school_ids=list(person.school_ids),
        target_tasks=[
            TaskAt(school_id=grant.school_id, task=grant.task, subject=grant.subject) for grant in person.target_grants
        ],
    )


def _policies(call: Call) -> Policies:
    group = _group(call, cast(OfGroup, call.asked))
    in_force, _ = service.policies(call.connection, call.person, group)
    return Policies(
        school_id=group.school_id,
        academic_year=group.academic_year,
        policies=[
            PolicyInForce(**{**row, "year_group": row["nc_year"], "policy": row["entry_id"]}) for row in in_force
        ],
    )


def _state_policy(call: Call) -> StatedPolicy:
    asked = cast(PolicyStatement, call.asked)
    policy = Policy(
        asked.is_included,
        tuple(asked.challenge_levels),
        asked.offset_points,
        asked.rounding,
        asked.floor,
        asked.floor_grade,
        asked.who_may_edit,
    )
    scope = Scope(
        asked.academic_year,
        school_id=call.school_id,
        nc_year=asked.year_group,
        qualification=asked.qualification,
        subject=asked.subject,
    )
    stated = service.set_policy(
        call.connection, call.person, scope, policy, reason=asked.reason, is_withdrawn=asked.is_withdrawn
    )
    return StatedPolicy(policy=stated)


def _history(call: Call) -> History:
    asked = cast(OfTarget, call.asked)
    key = Key(call.school_id, asked.pupil_key, asked.academic_year, asked.qualification, asked.subject)
    versions = service.history(call.connection, call.person, key)
    return History(
        school_id=call.school_id,
        versions=[
            TargetVersion(
                **{name: getattr(version, name) for name in StandingTarget.model_fields},
                act=version.act,
                challenge_levels=[float(level) for level in version.basis.challenge_levels],
                run_id=version.basis.run_id,
                estimate_grades=list(version.basis.estimate_grades) if version.basis.estimate_grades else None,
                chance_at_set=version.basis.chance_at_set,
            )
            for version in versions
        ],
    )


def _targets(call: Call) -> Targets:
    group, rows, more = _page(call)
    return Targets(
        school_id=group.school_id,
        academic_year=group.academic_year,
        more=more,
        rows=[
            PupilTarget(
                **_pupil(row),
                estimates=[LevelEstimate(**one) for one in row["estimates"]],
                target=None if row["version"] is None else StandingTarget(**row),
            )
            for row in rows
        ],
    )


def _estimates(call: Call) -> Estimates:
    group, rows, more = _page(call)
    return Estimates(
        school_id=group.school_id,
        academic_year=group.academic_year,
        more=more,
        rows=[
            PupilEstimate(
                **_pupil(row),
                run_id=row["run_id"],
                reliability=row["reliability"],
                caveat=row["caveat"],
                distributions=[_distribution(row, one) for one in row["estimates"]],
            )
            for row in rows
        ],
    )


def _propose(call: Call) -> Acted:
    asked = cast(Proposals, call.asked)
    proposals = [Proposal(_key(call, one), one.version, one.grade, one.rationale) for one in asked.targets]
    return _acted(service.propose_targets(call.connection, call.person, proposals, asked.comment))


def _move(act: Act, call: Call) -> Acted:
    asked = cast(Moves, call.asked)
    seen = [service.Seen(_key(call, one), one.version) for one in asked.targets]
    return _acted(service.move_targets(call.connection, call.person, act, seen, asked.comment))


_SCHOOL = f"{BASE}/schools/{{school_id}}"
OPERATIONS = (
    Operation("GET", f"{BASE}/session", "session", "Who is signed in, and the form token.", Nothing, Session, _session),
    Operation("GET", f"{_SCHOOL}/policies", "policies", "The policy of each subject.", OfGroup, Policies, _policies),
    Operation(
        "POST",
        f"{_SCHOOL}/policies",
        "state_policy",
        "State a policy for a scope, or withdraw it.",
        PolicyStatement,
        StatedPolicy,
        _state_policy,
    ),
    Operation(
        "GET", f"{_SCHOOL}/targets/history", "history", "Every version of a target.", OfTarget, History, _history
    ),
    Operation(
        "GET", f"{_SCHOOL}/targets", "targets", "Targets beside estimates and chances.", OfGroupPage, Targets, _targets
    ),
    Operation(
        "GET", f"{_SCHOOL}/estimates", "estimates", "Distributions at each level.", OfGroupPage, Estimates, _estimates
    ),
    Operation("POST", f"{_SCHOOL}/targets/propose", "propose", "Propose grades.", Proposals, Acted, _propose),
    *(
        Operation(
            "POST",
            f"{_SCHOOL}/targets/{act}",
            act.value,
            f"{act.value.capitalize()} targets as they stand.",
            Moves,
            Acted,
            partial(_move, act),
        )
        for act in MOVES
    ),
)


def _group(call: Call, asked: OfGroup) -> Group:
    year = asked.academic_year or service.school_year(call.connection, call.person, call.school_id)
    return Group(call.school_id, year, asked.year_group, asked.qualification, asked.subject, asked.group_id)


def _page(call: Call) -> tuple[Group, list[Row], bool]:
    asked = cast(OfGroupPage, call.asked)
    group = _group(call, asked)
    rows = service.sheet(call.connection, call.person, group, limit=asked.limit + 1, offset=asked.offset)
    return group, rows[: asked.limit], len(rows) > asked.limit


def _pupil(row: Row) -> dict[str, Any]:
    names = ("pupil_key", "qualification", "subject", "prior_measure", "prior_value", "surname", "forename", "upn")
    return {"year_group": row["nc_year"], **{name: row.get(name) for name in names}}


def _distribution(row: Row, level: Row) -> Distribution:
    return Distribution(
        challenge=level["challenge"],
        grade=level["grade"],
        points=level["points"],
        chances=[
            GradeChance(grade=grade, points=points, chance=chance)
            for grade, points, chance in zip(row["grades"], row["points_of_grades"], level["chances"], strict=True)
        ],
    )


def _key(call: Call, one: TargetKey) -> Key:
    return Key(call.school_id, one.pupil_key, one.academic_year, one.qualification, one.subject)


def _acted(targets: list[Target]) -> Acted:
    return Acted(
        targets=[
            ActedTarget(
                **{
                    **target.key._asdict(),
                    **{field.name: getattr(target, field.name) for field in fields(Target) if field.name != "key"},
                }
            )
            for target in targets
        ]
    )
