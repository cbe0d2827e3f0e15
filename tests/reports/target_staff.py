"""People of the secondary school who look at estimates and set targets, and how they come to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.access.people import Rights, add
from orchestration.access.target_tasks import TargetGrant, TargetTask
from orchestration.ingest.categories import Purpose

TEACHER = "teacher@school.example"
SUBJECT_LEAD = "lead@school.example"
DEPUTY = "deputy@school.example"
COUNSELLOR = "counsellor@school.example"
UNNAMED = "unnamed@school.example"
TRUSTEE = "trustee@school.example"

MATHS = "qualification=GCSE&subject=Mathematics&year_group=11"


@dataclass(frozen=True)
class _Role:
    name: str
    tasks: tuple[str, ...] = ()
    subject: str = "*"
    named: bool = True
    small_groups: bool = True
    special_category: bool = False


_ROLES = {
    TEACHER: _Role("Tamsin Teacher", ("edit",), "Mathematics"),
    SUBJECT_LEAD: _Role("Liam Lead", ("edit", "review"), "Mathematics"),
    DEPUTY: _Role("Delia Deputy", ("edit", "review", "approve", "lock", "policy")),
    COUNSELLOR: _Role("Cora Counsellor", special_category=True),
    UNNAMED: _Role("Una Unnamed", named=False),
    TRUSTEE: _Role("Tess Trustee", named=False, small_groups=False),
}


def put_target_staff(connection: psycopg.Connection[Any], school: int) -> None:
    """Add them all, with the purpose of estimates alone; the deputy sees attendance too."""
    for email, role in _ROLES.items():
        purposes = (Purpose.BENCHMARKS, *([Purpose.ATTENDANCE] if email == DEPUTY else []))
        grants = tuple(TargetGrant(school, TargetTask(task), role.subject) for task in role.tasks)
        rights = Rights((school,), purposes, role.named, role.small_groups, role.special_category, grants)
        add(connection, email, role.name, rights)
