"""The endpoints of each category, in the order in which they are read and decoded (source_apis.md 1.5 - 1.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestration.connectors.base import Mode, Stream
from orchestration.connectors.wonde.assessment import PathMap
from orchestration.ingest.categories import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class WondeStream(Stream):
    """``path`` stands below ``schools/{id}/``; ``includes`` and ``filters`` go into the query.

    ``dated``: the stream is long and bounded by ``attendance_date_after`` where a history limit is configured.
    """

    path: str
    includes: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    dated: bool = False


_PUPIL_INCLUDES = ("education_details", "year", "contact_details")
_CENSUS_INCLUDES = ("extended_details", "sen_needs", "sen_date_ranges", "fsm_date_ranges", "in_care_date_ranges")
_CENSUS_TABLES = ("pupil_demographics", "pupil_sen_need", "pupil_status_period")
_GROUP_TABLES = ("teaching_group", "group_pupil", "group_staff")

# updated_after is assumed not to see a change inside an include (source_apis.md, "Not found" 2). So a stream is read
# whole when what matters in it comes from its includes: all of the census, who is in a group, whether a person still
# works at the school. Pupils' names come with the object itself; a changed UPN or address waits for the next full read.
_STREAMS: Mapping[Category, tuple[WondeStream, ...]] = {
    Category.BASIC: (
        WondeStream("students", ("pupil",), incremental=True, path="students", includes=_PUPIL_INCLUDES),
        WondeStream(
            "students-leaver",
            ("pupil",),
            incremental=True,
            optional=True,
            path="students-leaver",
            includes=_PUPIL_INCLUDES,
        ),
    ),
    Category.DEMOGRAPHICS: (
        WondeStream("students", _CENSUS_TABLES, incremental=False, path="students", includes=_CENSUS_INCLUDES),
        WondeStream(
            "students-leaver",
            _CENSUS_TABLES,
            incremental=False,
            optional=True,
            path="students-leaver",
            includes=_CENSUS_INCLUDES,
        ),
    ),
    Category.TIMETABLE: (
        WondeStream("subjects", ("subject",), incremental=True, optional=True, path="subjects"),
        # Some primaries have no classes at all, only registration groups.
        WondeStream(
            "classes",
            _GROUP_TABLES,
            incremental=False,
            optional=True,
            path="classes",
            includes=("subject", "students", "employees"),
        ),
        WondeStream(
            "groups",
            _GROUP_TABLES,
            incremental=False,
            path="groups",
            includes=("students", "employees"),
            filters=(("type", "REGISTRATION"),),
        ),
    ),
    Category.ATTENDANCE: (
        # First: the decoder looks the marks' code ids up in it.
        WondeStream("attendance-codes", ("attendance_code",), incremental=False, path="attendance-codes"),
        WondeStream("session", ("attendance_mark",), incremental=True, path="attendance/session", dated=True),
        WondeStream(
            "session-leavers",
            ("attendance_mark",),
            incremental=True,
            optional=True,
            path="attendance-leavers/session",
            dated=True,
        ),
        WondeStream(
            "exclusions", ("exclusion",), incremental=True, optional=True, path="exclusions", includes=("student",)
        ),
        WondeStream(
            "exclusions-leavers",
            ("exclusion",),
            incremental=True,
            optional=True,
            path="exclusions",
            includes=("student-leaver",),
        ),
    ),
    Category.STAFF: (
        WondeStream(
            "employees",
            ("staff", "staff_role"),
            incremental=False,
            path="employees",
            includes=("employment_details", "contact_details", "roles"),
        ),
    ),
}


def streams(category: Category, mode: Mode, assessment: PathMap) -> tuple[WondeStream, ...]:
    """The streams of a category; in full mode none is incremental."""
    if category is Category.ASSESSMENT:
        found = tuple(
            WondeStream(
                source.name,
                (source.table,),
                incremental=source.incremental,
                path=source.endpoint,
                includes=source.includes,
            )
            for source in assessment.sources
        )
    else:
        found = _STREAMS[category]
    return found if mode == "incremental" else tuple(replace(stream, incremental=False) for stream in found)
