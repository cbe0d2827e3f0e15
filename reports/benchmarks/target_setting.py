"""How far target setting has come, what can be done for all of a year group, and what new estimates would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.access.target_tasks import TargetTask
from orchestration.targets import service
from orchestration.targets.faults import Fault, TargetError
from orchestration.targets.rules import MOVES, Act, tasks_for
from reports.benchmarks.names import STATUSES, chance, level_name, subject_name
from reports.benchmarks.queries import pupils
from reports.benchmarks.visit import CohortVisit
from reports.database import Row
from reports.figures import Table, table
from reports.formats import count, percent
from reports.names import pupil_label
from reports.pages import Page

#: What can be done for all of a subject at once; to send back is said pupil by pupil.
_BULK = (Act.REVIEW, Act.APPROVE, Act.LOCK)


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return progress by subject, the acts open to the reader, and the differences."""
    if not visit.academic_year:
        return {"rows": [], "acts": [], "may_state_policy": False, "differences": None}
    progress = visit.ask(service.progress, visit.group())
    return {
        "rows": [_row(visit, row) for row in progress],
        "acts": [(act.value, act.value.capitalize()) for act in _BULK if _may(visit, act, progress)],
        "may_state_policy": visit.may(TargetTask.POLICY),
        "differences": _differences(visit, visit.ask(service.differences, visit.group())),
    }


def act(visit: CohortVisit) -> tuple[str, int]:
    """Pre-populate, carry over, or review, approve or lock what waits for it. Raises TargetError."""
    wanted = visit.entered.get("act", "")
    if wanted == "prepopulate":
        made = visit.ask(service.prepopulate, visit.group())
        return "prepopulate", made.set_now + made.moved
    if wanted == "rollover":
        return "rollover", visit.ask(service.roll_over, visit.group())
    qualification, _, subject = visit.entered.get("subject", "").partition("|")
    if wanted not in MOVES or not subject:
        raise TargetError(Fault.NO_SUCH_THING, "The form does not say what to do.", "Choose a subject and an act.")
    outcome = visit.ask(
        service.move_group, Act(wanted), visit.group(qualification, subject), visit.entered.get("comment") or None
    )
    if outcome.refused and not outcome.done:
        raise next(error for _, error in outcome.refused.values())
    return wanted, outcome.done


def _may(visit: CohortVisit, act: Act, progress: Sequence[Row]) -> bool:
    return any(visit.may(task, row["subject"]) for task in tasks_for(act) for row in progress)


def _row(visit: CohortVisit, row: Row) -> Row:
    pair = (row["qualification"], row["subject"])
    return {
        "name": subject_name(*pair),
        "value": "|".join(pair),
        "address": visit.class_sheet(*pair),
        "cells": [
            count(row["pupils"]),
            *(
                f"{count(row[column])} ({percent(100 * row[column] / row['pupils'], 0)})"
                for column in ("set_targets", "reviewed", "approved", "locked")
            ),
            count(row["rejected"]),
        ],
    }


def _differences(visit: CohortVisit, rows: Sequence[Row]) -> Table | None:
    if not rows:
        return None
    names = pupils.names(visit.db, visit.school_id) if visit.reader.may_see_names else {}
    return table(
        "Targets whose estimate is another one now",
        ["Pupil", "Subject", "Target", "State", "Levels", "Estimate then", "Estimate now", "Chance then", "Chance now"],
        [
            [
                pupil_label(row["pupil_key"], names.get(row["pupil_key"], {})),
                subject_name(row["qualification"], row["subject"]),
                row["grade"],
                STATUSES[row["status"]],
                ", ".join(level_name(level) for level in row["challenge_levels"]),
                _grades(row["estimate_then"]),
                _grades(row["estimate_now"]),
                chance(row["chance_then"]),
                chance(row["chance_now"]),
            ]
            for row in rows
        ],
        texts=7,
    )


def _grades(grades: Sequence[str] | None) -> str:
    return ", ".join(grades) if grades else "none"


PAGE = Page(
    slug="targets",
    title="Targets",
    template="benchmarks/targets.html",
    build=build,
    needs={"estimate": ("chances",), "pupil": ("nc_year",)},
    note="Nothing within what your rights open: targets are of single pupils.",
    is_of_pupils=True,
)
