"""A subject's pupils: prior attainment, the chance of each grade, the target and how likely it is; and its form.

One form is for all rows of the page. It proposes the grades that were changed, or acts on the rows that were ticked.
Every row carries the version that was seen, so that nobody overwrites what somebody else has done meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.access.target_tasks import TargetTask
from orchestration.targets import service
from orchestration.targets.faults import Fault, TargetError
from orchestration.targets.rules import MOVES, Act, Key, Proposal, tasks_for
from reports.addresses import query_without
from reports.benchmarks.names import (
    STATUSES,
    chance,
    exact_chances,
    level_name,
    level_number,
    prior_attainment,
    subject_name,
)
from reports.benchmarks.queries import classes as queries
from reports.benchmarks.visit import CohortVisit
from reports.database import Row
from reports.formats import NOT_AVAILABLE
from reports.names import pupil_label
from reports.pages import NotYours, Page
from reports.paging import paged

#: What a button does to the rows that are ticked, and its name.
_ACTS = {
    Act.SUBMIT: "Submit as it stands",
    Act.REVIEW: "Review",
    Act.APPROVE: "Approve",
    Act.REJECT: "Send back",
    Act.LOCK: "Lock",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A grade for a pupil: its chance, as a text, and whether it is the estimate."""

    chance: str
    is_estimate: bool


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the pupils of a subject at the chosen challenge level. Raises NotYours when nobody studies it."""
    qualification, subject = visit.query.get("qualification", ""), visit.query.get("subject", "")
    group_id = visit.query.get("group_id") or None
    groups = queries.groups(visit.db, visit.school_id, visit.academic_year, qualification, subject)
    if group_id is not None and group_id not in {row["group_id"] for row in groups}:
        raise NotYours
    rows = visit.ask(service.sheet, visit.group(qualification, subject, group_id))
    if not rows:
        raise NotYours
    page = paged(rows, visit.query)
    levels = _levels(rows)
    level = visit.choice("level", levels, levels[0] if levels else "")
    grades = _grades(rows)
    return {
        "pupils": page.found,
        "qualification": qualification,
        "subject": subject,
        "heading": f"{subject_name(qualification, subject)}: pupils",
        "groups": [("", "All pupils"), *((row["group_id"], row["group_name"] or row["group_id"]) for row in groups)],
        "group_id": group_id or "",
        "level": level,
        "levels": [(each, level_name(each)) for each in levels],
        "grades": list(reversed(grades)),
        "paged": page,
        "rows": [_row(visit, row, level, grades) for row in page.rows],
        "priors": Counter(prior_attainment(row["prior_measure"], None)[1] for row in rows).most_common(),
        "caveats": sorted({row["caveat"] for row in page.rows if row["caveat"]}),
        "may_edit": visit.may(TargetTask.EDIT, subject),
        "acts": [
            (act.value, name) for act, name in _ACTS.items() if any(visit.may(task, subject) for task in tasks_for(act))
        ],
        "comment": visit.entered.get("comment", ""),
        "query": query_without(visit.query, "done", "number"),
    }


def act(visit: CohortVisit) -> tuple[str, int]:
    """Do what the form asks for. Returns the act and how many targets it was done to.

    Raises TargetError and TargetsRefused; nothing is written then.
    """
    form = visit.entered
    qualification, subject = visit.query.get("qualification", ""), visit.query.get("subject", "")
    comment = form.get("comment", "").strip() or None
    seen = _seen(visit, qualification, subject)
    wanted = form.get("act", "")
    if wanted == Act.PROPOSE:
        proposals = [
            Proposal(key, version, grade, comment)
            for key, version in seen.items()
            if (grade := form.get(f"grade-{key.pupil_key}", "")) and grade != form.get(f"was-{key.pupil_key}", "")
        ]
        if not proposals:
            raise _nothing("No grade was changed.", "Choose a grade for at least one pupil.")
        return Act.PROPOSE, len(visit.ask(service.propose_targets, proposals, comment))
    if wanted not in MOVES:
        raise _nothing("The form does not say what to do.", "Use one of its buttons.")
    ticked = [service.Seen(key, version) for key, version in seen.items() if form.get(f"pick-{key.pupil_key}")]
    if not ticked:
        raise _nothing("No pupil is ticked.", "Tick those whose targets are meant.")
    return wanted, len(visit.ask(service.move_targets, Act(wanted), ticked, comment))


def _nothing(message: str, what_to_do: str) -> TargetError:
    return TargetError(Fault.NO_SUCH_THING, message, what_to_do)


def _seen(visit: CohortVisit, qualification: str, subject: str) -> dict[Key, int]:
    found = {}
    for name, value in visit.entered.items():
        kind, _, number = name.partition("-")
        if kind == "version" and number.isdecimal() and value.isdecimal() and len(number) < 20 and len(value) < 10:
            key = Key(visit.school_id, int(number), visit.academic_year, qualification, subject)
            found[key] = int(value)
    return found


def _levels(rows: Sequence[Row]) -> list[str]:
    challenges = {estimate["challenge"] for row in rows for estimate in row["estimates"]}
    return [level_number(challenge) for challenge in sorted(challenges, reverse=True)]


def _grades(rows: Sequence[Row]) -> list[str]:
    """The grades of the subject's scale, the lowest first; none where no pupil has an estimate."""
    return next((list(row["grades"]) for row in rows if row["grades"]), [])


def _row(visit: CohortVisit, row: Row, level: str, grades: Sequence[str]) -> Row:
    key = row["pupil_key"]
    estimate = next((each for each in row["estimates"] if level_number(each["challenge"]) == level), None)
    entered = visit.entered.get(f"grade-{key}")
    chances = dict(zip(grades, exact_chances(estimate["chances"]), strict=True)) if estimate and row["grades"] else {}
    prior, prior_name = prior_attainment(row["prior_measure"], row["prior_value"])
    return {
        "key": key,
        "label": pupil_label(key, row),
        "prior": prior,
        "prior_name": prior_name,
        "cells": [
            Cell(
                chance(chances[grade]) if grade in chances else "",
                estimate is not None and grade == estimate["grade"],
            )
            for grade in reversed(grades)
        ],
        "higher": _higher(estimate, row["grades"]),
        "lower": chance(1 - estimate["chance"] if estimate else None),
        "version": row["version"] or 0,
        "grade": row["grade"] or "",
        "shown_grade": row["grade"] or "" if entered is None else entered,
        "status": STATUSES.get(row["status"] or "", ""),
        "is_picked": bool(visit.entered.get(f"pick-{key}")),
        "note": row["comment"] or row["rationale"],
        "chance": chance(estimate["target_chance"] if estimate else None),
    }


def _higher(estimate: Row | None, grades: Sequence[str] | None) -> str:
    """Chance of a grade above the estimate."""
    if estimate is None or not grades:
        return NOT_AVAILABLE
    place = list(grades).index(estimate["grade"]) + 1
    return chance(estimate["chances"][place] if place < len(grades) else 0)


PAGE = Page(
    slug="subjects",
    title="Subjects",
    template="benchmarks/class_sheet.html",
    build=build,
    needs={"estimate": ("chances",), "pupil_subject": ("group_ids",), "teaching_group": ("group_name",)},
    note="Nothing within what your rights open: this page needs the right to small groups, names the right to names.",
    is_of_pupils=True,
    path="subjects/pupils",
    in_menu=False,
)
