"""How targets come from estimates here, every statement of it, and the form that states another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from orchestration.access.target_tasks import TargetTask
from orchestration.targets import service
from orchestration.targets.faults import Fault, TargetError
from orchestration.targets.policy import Floor, Policy, PolicyEntry, Rounding, Scope, WhoMayEdit
from orchestration.targets.policy_log import policy_of
from reports.benchmarks.names import level_name, level_number, subject_name
from reports.benchmarks.visit import CohortVisit
from reports.database import Row
from reports.figures import Table, table
from reports.formats import moment
from reports.group_names import value_name
from reports.pages import Page

_ROUNDINGS = {Rounding.NEAREST: "To the nearest grade", Rounding.UP: "Up", Rounding.DOWN: "Down"}
_FLOORS = {
    Floor.NONE: "None",
    Floor.PREPOPULATED: "The pre-populated target",
    Floor.PREVIOUS: "Last year's target",
    Floor.GRADE: "A grade",
}
_EDITORS = {
    WhoMayEdit.EDITORS: "Whoever may edit",
    WhoMayEdit.APPROVERS: "Editors who may approve too",
    WhoMayEdit.NOBODY: "Nobody",
}
_EVERY = "Every one"


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the policies in force in the year group, the statements about the school's year, the form's choices."""
    if not visit.academic_year:
        return {"in_force": None, "entries": None, "may_state": False}
    in_force, entries = visit.ask(service.policies, visit.group())
    return {
        "in_force": _in_force(in_force, visit),
        "entries": _entries(entries),
        "may_state": any(visit.may(TargetTask.POLICY, row["subject"]) for row in in_force),
        "scopes": _scopes(in_force),
        "roundings": [(each.value, name) for each, name in _ROUNDINGS.items()],
        "floors": [(each.value, name) for each, name in _FLOORS.items()],
        "editors": [(each.value, name) for each, name in _EDITORS.items()],
        "levels": [(each, level_name(each)) for each in ("50", "20", "5")],
    }


def act(visit: CohortVisit) -> tuple[str, int]:
    """State the policy of the form, or withdraw the scope's. Raises TargetError for what cannot be."""
    form = visit.entered
    qualification, _, subject = form.get("scope", "").partition("|")
    whole_school = form.get("years") != "this"
    scope = Scope(
        visit.academic_year,
        school_id=visit.school_id,
        nc_year=None if whole_school else visit.year_group,
        qualification=qualification or None,
        subject=subject or None,
    )
    levels = [form.get("level", "50"), *([form["second"]] if form.get("second") else [])]
    withdraws = form.get("act") == "withdraw"
    try:
        policy = Policy(
            is_included=form.get("is_included", "yes") == "yes",
            challenge_levels=tuple(_number(level) for level in levels),
            offset_points=_number(form.get("offset") or "0"),
            rounding=Rounding(form.get("rounding", "nearest")),
            floor=Floor(form.get("floor", "none")),
            floor_grade=form.get("floor_grade", "").strip() or None,
            who_may_edit=WhoMayEdit(form.get("who_may_edit", "editors")),
        )
    except ValueError as error:
        if isinstance(error, TargetError):
            raise
        raise TargetError(Fault.BAD_POLICY, "The form has a value that it does not offer.", "Choose again.") from None
    visit.ask(service.set_policy, scope, policy, reason=form.get("reason", "").strip(), is_withdrawn=withdraws)
    return "withdraw" if withdraws else "policy", 1


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise TargetError(Fault.BAD_POLICY, f"{text!r} is no number.", "Write it as 20 or -0.5.")
    return number


def _scopes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    qualifications = list(dict.fromkeys(row["qualification"] for row in rows))
    pairs = list(dict.fromkeys((row["qualification"], row["subject"]) for row in rows))
    return [
        ("", "Every subject"),
        *((f"{name}|", f"Every {name} subject") for name in qualifications),
        *((f"{qualification}|{subject}", subject_name(qualification, subject)) for qualification, subject in pairs),
    ]


def _how(policy: Policy) -> list[str]:
    floor = f"Grade {policy.floor_grade}" if policy.floor is Floor.GRADE else _FLOORS[policy.floor]
    return [
        "Yes" if policy.is_included else "No",
        " and ".join(level_name(level) for level in policy.challenge_levels),
        level_number(policy.offset_points),
        _ROUNDINGS[policy.rounding],
        floor,
        _EDITORS[policy.who_may_edit],
    ]


_HOW = ("Targets are set", "Level", "Points added", "Rounding", "Not below", "Who may change them")


def _in_force(rows: Sequence[Row], visit: CohortVisit) -> Table:
    return table(
        f"In force for {visit.cohort}",
        ["Subject", "Policy", *_HOW],
        [
            [
                subject_name(row["qualification"], row["subject"]),
                f"No. {row['entry_id']}" if row["entry_id"] else "Platform's default",
                *_how(policy_of(row)),
            ]
            for row in rows
        ],
        texts=8,
    )


def _entries(entries: Sequence[PolicyEntry]) -> Table | None:
    if not entries:
        return None
    return table(
        "Every statement, the latest first",
        ["No.", "Whose", "Year group", "Subject", *_HOW, "Why", "By", "At"],
        [
            [
                f"{entry.entry_id}{' (withdrawal)' if entry.is_withdrawn else ''}",
                "The trust's" if entry.scope.trust_uid else "The school's",
                value_name("year_group", entry.scope.nc_year) if entry.scope.nc_year else _EVERY,
                _subject(entry.scope),
                *_how(entry.policy),
                entry.reason,
                entry.set_by,
                moment(entry.set_at),
            ]
            for entry in entries
        ],
        texts=13,
    )


def _subject(scope: Scope) -> str:
    if scope.qualification is None:
        return _EVERY
    return subject_name(scope.qualification, scope.subject) if scope.subject else f"Every {scope.qualification} subject"


PAGE = Page(
    slug="policies",
    title="Policy",
    template="benchmarks/policies.html",
    build=build,
    needs={"estimate": ("chances",), "pupil": ("nc_year",)},
    note="Nothing within what your rights open: policies are shown to who may see targets.",
    is_of_pupils=True,
)
