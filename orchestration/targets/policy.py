"""Policies: what a school or trust wants targets to be by default, and who may change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from orchestration.targets.faults import Fault, TargetError

LONGEST_TEXT = 500
_LARGEST_OFFSET = Decimal(60)  # the whole scale of A levels, in the department's points


class Rounding(StrEnum):
    """From points to a grade of the scale; ``nearest`` takes the higher one half way."""

    NEAREST = "nearest"
    UP = "up"
    DOWN = "down"


class Floor(StrEnum):
    """What a target may not be below."""

    NONE = "none"
    PREPOPULATED = "prepopulated"
    PREVIOUS = "previous"
    GRADE = "grade"


class WhoMayEdit(StrEnum):
    """Who of those with the task ``edit`` may propose another grade."""

    EDITORS = "editors"
    APPROVERS = "approvers"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Policy:
    """How targets come from estimates. Without a policy of the school or its trust this one holds: FFT's default.

    Attributes:
        challenge_levels: Per cent of schools that do better; of two levels the mid-point is meant.
        offset_points: Added to the (mean) points of the estimate, in points of the qualification's scale.
    """

    is_included: bool = True
    challenge_levels: tuple[Decimal, ...] = (Decimal(50),)
    offset_points: Decimal = Decimal(0)
    rounding: Rounding = Rounding.NEAREST
    floor: Floor = Floor.NONE
    floor_grade: str | None = None
    who_may_edit: WhoMayEdit = WhoMayEdit.EDITORS

    def check(self) -> None:
        """Raise TargetError for a policy that cannot be."""
        levels = self.challenge_levels
        if not 1 <= len(levels) <= 2 or len(set(levels)) != len(levels):
            raise _bad(
                "A policy has one challenge level, or two different ones for their mid-point.", "Give 50 or 50,20."
            )
        if any(not 0 < level < 100 for level in levels):
            raise _bad(
                "A challenge level is the per cent of schools that do better, above 0 and below 100.",
                "50, 20 and 5 are usual.",
            )
        if abs(self.offset_points) > _LARGEST_OFFSET or self.offset_points != round(self.offset_points, 2):
            raise _bad(
                f"An offset has at most two decimal places and is at most {_LARGEST_OFFSET} points.",
                "A GCSE grade is 1 point, an A level grade 10.",
            )
        if (self.floor is Floor.GRADE) != (self.floor_grade is not None):
            raise _bad("The floor is a grade exactly when a grade is given for it.", "Give both or neither.")


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a policy is: a school or a trust, a year, and the year group, qualification and subject or every one."""

    academic_year: int
    school_id: int | None = None
    trust_uid: str | None = None
    nc_year: str | None = None
    qualification: str | None = None
    subject: str | None = None

    def check(self) -> None:
        """Raise TargetError for a scope that cannot be."""
        if (self.school_id is None) == (self.trust_uid is None):
            raise _bad("A policy is a school's or a trust's.", "Give one of the two.")
        if self.subject is not None and self.qualification is None:
            raise _bad("Subjects are named within a qualification.", "Give the qualification too.")


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """A statement of a policy for a scope, and whose it is; the latest of a scope holds unless it withdraws it."""

    entry_id: int
    scope: Scope
    policy: Policy
    is_withdrawn: bool
    reason: str
    set_by: str
    set_at: datetime


def _bad(message: str, what_to_do: str) -> TargetError:
    return TargetError(Fault.BAD_POLICY, message, what_to_do)
