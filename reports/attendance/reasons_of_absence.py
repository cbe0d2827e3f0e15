"""The reasons that sessions are counted by, in the order in which people read them."""

from __future__ import annotations

from dataclasses import dataclass

from reports.database import Published


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason, the counting column that holds its sessions, and the register codes it is made of."""

    column: str
    name: str
    codes: str
    is_authorised: bool


REASONS = (
    Reason("illness_sessions", "Illness", "I", True),
    Reason("appointment_sessions", "Medical appointment", "M", True),
    Reason("suspended_sessions", "Suspended or excluded", "E", True),
    Reason("agreed_holiday_sessions", "Holiday agreed", "H, F", True),
    Reason("part_time_timetable_sessions", "Part-time timetable", "C2", True),
    Reason("study_leave_sessions", "Study leave", "S", True),
    Reason("religious_sessions", "Religious observance", "R", True),
    Reason("mobile_child_sessions", "Mobile child", "T", True),
    Reason("interview_sessions", "Interview", "J1", True),
    Reason("performance_sessions", "Regulated performance", "C1", True),
    Reason("exceptional_leave_sessions", "Exceptional leave", "C", True),
    Reason("unauthorised_holiday_sessions", "Holiday not agreed", "G", False),
    Reason("no_reason_sessions", "No reason yet", "N", False),
    Reason("late_after_register_sessions", "Late after the register closed", "U", False),
    Reason("other_unauthorised_sessions", "Other unauthorised", "O", False),
)


def counted(db: Published, relation: str) -> list[Reason]:
    """Return the reasons that the relation counts: a release from before a reason was counted has no column of it."""
    return [reason for reason in REASONS if db.has(relation, reason.column)]


def other_authorised(reasons: list[Reason]) -> str:
    """Return the SQL of authorised sessions of none of these reasons, in a relation with their columns."""
    named = " - ".join(reason.column for reason in reasons if reason.is_authorised)
    return f"authorised_sessions - {named}" if named else "authorised_sessions"
