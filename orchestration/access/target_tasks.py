"""Tasks of target setting that a person may do at a school: ``access.grant_target``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.rows import TupleRow

EVERY_SUBJECT = "*"


class TargetTask(StrEnum):
    """What can be done with targets; seeing them needs none, only the school, the purpose and pupils' rows."""

    EDIT = "edit"
    REVIEW = "review"
    APPROVE = "approve"
    LOCK = "lock"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, order=True)
class TargetGrant:
    """One task at one school; ``subject`` as estimates name it, or every one."""

    school_id: int
    task: TargetTask
    subject: str = EVERY_SUBJECT

    def covers(self, school_id: int, task: TargetTask, subject: str) -> bool:
        """Tell whether it lets its holder do the task in the subject, or in every one (``EVERY_SUBJECT``)."""
        return (self.school_id, self.task) == (school_id, task) and self.subject in (subject, EVERY_SUBJECT)

    def __str__(self) -> str:
        return f"{self.task} at school {self.school_id}" + (
            "" if self.subject == EVERY_SUBJECT else f" in {self.subject}"
        )


def target_grants(rows: Sequence[dict[str, Any]]) -> tuple[TargetGrant, ...]:
    """Grants from rows of ``access.grant_target`` as JSON, in order."""
    return tuple(sorted(TargetGrant(row["school_id"], TargetTask(row["task"]), row["subject"]) for row in rows))


def give(connection: psycopg.Connection[TupleRow], person_id: int, grants: Iterable[TargetGrant]) -> None:
    """Write grants that are missing."""
    connection.cursor().executemany(
        "insert into access.grant_target (person_id, school_id, task, subject) values (%s, %s, %s, %s)"
        " on conflict do nothing",
        [(person_id, *astuple(grant)) for grant in grants],
    )


def take(
    connection: psycopg.Connection[TupleRow],
    person_id: int,
    grants: Iterable[TargetGrant],
    *,
    school_ids: Sequence[int] = (),
) -> None:
    """Delete grants, and those of schools that the person may not see any more."""
    connection.cursor().executemany(
        "delete from access.grant_target where (person_id, school_id, task, subject) = (%s, %s, %s, %s)",
        [(person_id, *astuple(grant)) for grant in grants],
    )
    connection.execute(
        "delete from access.grant_target where person_id = %s and school_id = any(%s)", [person_id, list(school_ids)]
    )
