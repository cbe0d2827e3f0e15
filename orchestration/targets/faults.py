"""What can be wrong with an act of target setting: a code for programs, a sentence, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Why an act was refused."""

    NOT_ALLOWED = "not_allowed"
    NOT_PUBLISHED = "not_published"
    STALE_VERSION = "stale_version"
    WRONG_STATUS = "wrong_status"
    OWN_CHANGE = "own_change"
    REASON_NEEDED = "reason_needed"
    TOO_LONG = "too_long"
    NOT_ON_ROLL = "pupil_not_on_roll"
    NOT_TAUGHT = "subject_not_taught"
    NOT_INCLUDED = "subject_not_included"
    OFF_SCALE = "grade_not_on_scale"
    BELOW_FLOOR = "below_floor"
    GIVEN_TWICE = "given_twice"
    BAD_POLICY = "bad_policy"
    NO_SUCH_THING = "no_such_thing"


class TargetError(ValueError):
    """One act that cannot be done; nothing was written."""

    def __init__(self, fault: Fault, message: str, what_to_do: str) -> None:
        super().__init__(f"{message} {what_to_do}")
        self.fault = fault
        self.message = message
        self.what_to_do = what_to_do


@dataclass(frozen=True, slots=True)
class Problem:
    """An act of several that cannot be done: its place among them, from 0."""

    index: int
    error: TargetError


class TargetsRefused(ValueError):
    """Several acts of which some cannot be done; nothing was written. ``problems`` has each of these."""

    def __init__(self, problems: Sequence[Problem], acts: int) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(
            f"{len(self.problems)} of {acts} cannot be done; nothing was written. The first: {first.error}"
        )
