"""The endpoints of each category, in the order in which they are read and decoded (source_apis.md 2.4 - 2.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from orchestration.connectors.base import Mode, Stream
from orchestration.connectors.groupcall import records
from orchestration.ingest.categories import Category

#: How a stream is cut into requests: one; a date range each; filters made from the structure of assessment.
Cut = Literal["one", "months", "weeks", "results"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupcallStream(Stream):
    """``path`` stands below ``School/{estab}/``; ``sets`` are the result sets read, one of which is always there.

    ``query`` is sent in every mode: with other options the partner would take unchanged rows for deleted ones
    (source_apis.md 2.2). ``paged``: pages are asked for; not where several sets come in one answer, because it is not
    known which of them is then paged and how often the others come along. ``tracked``: the partner is asked for changes
    (``changedRows``). ``by_day``: the school days of the date ranges are asked for, each by itself. ``withheld``:
    columns whose values are taken out of an answer, should it hold them though they were not selected.
    """

    path: str
    sets: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    paged: bool = True
    tracked: bool = False
    cut: Cut = "one"
    by_day: bool = False
    withheld: tuple[str, ...] = ()


def _options(*names: str) -> tuple[str, str]:
    return "options", ",".join(names)


# A category's pages hold that category's columns and no others, whatever the other categories were granted.
def _select(record: type) -> tuple[str, str]:
    return "select", ",".join(records.columns(record))


_MEMBERS = ("includeStaffMembers", "includeStudentMembers", "includeSubjects")
_GROUP_SETS = ("Group", "StudentMembers", "StaffMembers")
_GROUP_TABLES = ("teaching_group", "group_pupil", "group_staff")

# What is not tracked, and why: of a membership or a role the partner names its own key when it is deleted, which no row
# of ours has, and a changed role comes without its unchanged contract; entitlements, structure and codes are short;
# results have neither time nor hash of a change (2.6); marks are asked for by date.
_STREAMS: Mapping[Category, tuple[GroupcallStream, ...]] = {
    Category.BASIC: (
        GroupcallStream(
            "students",
            ("pupil",),
            incremental=True,
            recent_leavers=True,
            path="Students",
            sets=("Students",),
            query=(_options("includeLeavers"), _select(records.Pupil)),
            tracked=True,
        ),
    ),
    Category.DEMOGRAPHICS: (
        GroupcallStream(
            "students",
            ("pupil_demographics",),
            incremental=True,
            recent_leavers=True,
            path="Students",
            sets=("Students",),
            query=(_options("includeLeavers"), _select(records.Census)),
            tracked=True,
        ),
        GroupcallStream(
            "sen",
            ("pupil_sen_need", "pupil_status_period"),
            incremental=True,
            optional=True,
            recent_leavers=True,
            path="SEN",
            sets=("StudentSENTypeHistory", "StudentSENProvisionHistory"),
            paged=False,
            tracked=True,
        ),
        GroupcallStream(
            "entitlements",
            ("pupil_status_period",),
            incremental=False,
            optional=True,
            recent_leavers=True,
            path="EntitlementHistory",
            sets=("EntitlementGroups", "EntitlementGroupStudents"),
            paged=False,
        ),
    ),
    Category.TIMETABLE: (
        GroupcallStream(
            "teaching-groups",
            ("subject", *_GROUP_TABLES),
            incremental=False,
            path="Groups",
            sets=_GROUP_SETS,
            query=(_options(*_MEMBERS), ("Type", "TeachingGrp")),
            paged=False,
        ),
        GroupcallStream(
            "registration-groups",
            _GROUP_TABLES,
            incremental=False,
            path="Groups",
            sets=_GROUP_SETS,
            query=(_options(*_MEMBERS), ("Type", "RegGrp")),
            paged=False,
        ),
    ),
    Category.ASSESSMENT: (
        GroupcallStream(
            "structure",
            ("aspect", "result_set"),
            incremental=False,
            path="assessmentstructure/",
            sets=("Aspects", "ResultSets"),
            paged=False,
        ),
        GroupcallStream(
            "results",
            ("result",),
            incremental=False,
            recent_leavers=True,
            path="assessmentresults/",
            sets=("AsmResults",),
            cut="results",
        ),
    ),
    Category.ATTENDANCE: (
        GroupcallStream(
            "codes",
            ("attendance_code",),
            incremental=False,
            path="AttendanceCodes",
            sets=("AttendCodes",),
            paged=False,
        ),
        # Never the whole of what we hold, in no mode: the partner has no marks of earlier years.
        GroupcallStream(
            "marks",
            ("attendance_mark",),
            incremental=True,
            path="AttendanceForDateRange",
            sets=("AttendMarks",),
            query=(_options("includeLeavers"),),
            cut="weeks",
        ),
        # The same marks with the minutes late, which ranges do not tell: of pupils on roll alone, so not instead.
        GroupcallStream(
            "lateness",
            ("attendance_mark",),
            incremental=True,
            optional=True,
            completes=True,
            path="AttendanceForDate",
            sets=("AttendMarks",),
            query=(_options("excludeNoMarks", "excludeClosed"), ("attendanceType", "S")),
            cut="weeks",
            by_day=True,
        ),
        GroupcallStream(
            "exclusions",
            ("exclusion",),
            incremental=True,
            optional=True,
            recent_leavers=True,
            path="StudentExclusions",
            sets=("StudentExclusions",),
            query=(_options("includeLeavers"), _select(records.Exclusion)),
            tracked=True,
        ),
    ),
    Category.STAFF: (
        GroupcallStream(
            "staff",
            ("staff",),
            incremental=True,
            path="Staff",
            sets=("Staff",),
            query=(_options("includeFuture", "includePrevious"), _select(records.StaffPerson)),
            tracked=True,
            withheld=("NINumber",),
        ),
        GroupcallStream(
            "contracts",
            ("staff_role",),
            incremental=False,
            optional=True,
            path="StaffContracts",
            sets=("StaffContracts", "StaffRoles"),
            paged=False,
        ),
    ),
}

#: What a school's own record and the plan of the results are read from; no stream of any category.
SCHOOL_INFO = GroupcallStream("school", (), incremental=False, path="SchoolInfo", sets=("SchoolInfo",), paged=False)
STRUCTURE = _STREAMS[Category.ASSESSMENT][0]


def streams(category: Category, mode: Mode) -> tuple[GroupcallStream, ...]:
    """The streams of a category. In full mode none but those of marks is incremental, and these go by months."""
    found = _STREAMS[category]
    return found if mode == "incremental" else tuple(map(_in_full, found))


def _in_full(stream: GroupcallStream) -> GroupcallStream:
    return replace(stream, cut="months") if stream.cut == "weeks" else replace(stream, incremental=False)
