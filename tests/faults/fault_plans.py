"""What may go wrong, as hypothesis strategies: a plan is a few episodes, each with its faults and its extracts.

Faults are the bodies of the sandbox's control call, with ``{school}`` and ``{estab}`` where the disturbed school goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

from orchestration.ingest.categories import Category

PartnerName = Literal["wonde", "groupcall"]
Fault = dict[str, Any]

#: Endpoints by category, each with fields that rows of it have.
_PEOPLE = ("surname", "forename", "date_of_birth", "mis_id", "updated_at")
_ROWS: dict[PartnerName, dict[Category, dict[str, tuple[str, ...]]]] = {
    "wonde": {
        Category.BASIC: {
            "students": (*_PEOPLE, "education_details.data.upn", "education_details.data.admission_date", "gender"),
            "students-leaver": (*_PEOPLE, "education_details.data.leaving_date"),
        },
        Category.DEMOGRAPHICS: {
            "students": ("extended_details.data.ethnicity", "extended_details", "sen_needs.data", "fsm_date_ranges"),
            "students-leaver": ("extended_details.data.sen_status", "updated_at"),
        },
        Category.TIMETABLE: {
            "subjects": ("code", "name", "active"),
            "classes": ("code", "subject", "students", "employees.data", "academic_year"),
            "groups": ("type", "name", "students.data"),
        },
        Category.ASSESSMENT: {
            "assessment/aspects": ("name",),
            "assessment/resultsets": ("name",),
            "assessment/results": ("result", "student", "aspect", "result_date", "updated_at"),
        },
        Category.ATTENDANCE: {
            "attendance-codes": ("code", "description", "type"),
            "attendance/session": ("date", "session", "student", "attendance_code", "comment", "minutes_late"),
            "attendance-leavers/session": ("date", "session", "attendance_code"),
            "exclusions": ("start_date", "end_date", "type_code", "sessions", "student"),
        },
        Category.STAFF: {"employees": (*_PEOPLE, "roles.data", "employment_details.data.current")},
    },
    "groupcall": {
        Category.BASIC: {"Students": ("Surname", "Forename", "DateofBirth", "UPN", "EntryDate", "LastUpdated")},
        Category.DEMOGRAPHICS: {
            "Students": ("EthnicityCode", "EAL", "FSMEligible", "SENProvision"),
            "SEN": ("NeedTypeCode", "NeedStartDate", "Rank", "StudentMis_Id"),
            "EntitlementHistory": ("Shortname", "Id"),
        },
        Category.TIMETABLE: {"Groups": ("Code", "Name", "Type", "LastUpdated")},
        Category.ASSESSMENT: {
            "assessmentstructure": ("Name", "AspectType"),
            "assessmentresults": ("Result", "ResultDate", "StudentId", "AspectId"),
        },
        Category.ATTENDANCE: {
            "AttendanceCodes": ("Mark", "Description"),
            "AttendanceForDate": ("Date", "Mark", "MinsLate", "Notes"),
            "AttendanceForDateRange": ("Date", "Session", "Mark", "MinsLate", "Notes", "StudentId"),
            "StudentExclusions": ("StartDate", "ExclusionSessions", "StudentId"),
        },
        Category.STAFF: {"Staff": ("Surname", "StaffStatus", "EmploymentStart"), "StaffContracts": ("StaffId",)},
    },
}
_ID = {"wonde": "id", "groupcall": "Id"}

_SCOPES: dict[PartnerName, tuple[str, ...]] = {
    "wonde": (
        "students.read",
        "students-leaver.read",
        "classes.read",
        "subjects.read",
        "assessment.read",
        "attendance.read",
        "exclusions.read",
        "employees.read",
        "students.upn.read",
        "students.date_of_birth.read",
        "students.ethnicity.read",
        "employees.roles.read",
    ),
    "groupcall": ("StudentExclusions", "SEN", "AssessmentResults", "StaffContractual", "StudentFunding", "Attendance"),
}

#: What a resource denied leaves alone in the others; without these scopes the category's own endpoints answer 403.
_WHOLE_RESOURCES = {"exclusions.read", "assessment.read", "StudentExclusions", "AssessmentResults"}

#: What makes a partner say what is not so.
_UNTRUE = {
    "shift",
    "clock_skew",
    "corrupt",
    "drop",
    "duplicate_ids",
    "nulls",
    "absurd_dates",
    "huge",
    "control_characters",
}

_VALUES = (None, "", 0, -1, 10**30, 1.5, True, [], {}, [{}], "x" * 300, "2025-02-30", "9999-12-31T00:00:00")


@dataclass(frozen=True)
class Episode:
    """What happens to the disturbed school, and what is extracted meanwhile (category, whether in full).

    ``scope`` is off, and the school revoked, for the length of the episode. ``noticed``: the registry is synced in it.
    """

    faults: tuple[Fault, ...]
    extracts: tuple[tuple[Category, bool], ...]
    days: int
    scope: str | None
    revoked: bool
    mis: str | None
    noticed: bool


@dataclass(frozen=True)
class Plan:
    """``begun``: everything had been read once before."""

    partner: PartnerName
    begun: bool
    episodes: tuple[Episode, ...]

    @property
    def faults(self) -> list[Fault]:
        """All of them."""
        return [fault for episode in self.episodes for fault in episode.faults]

    @property
    def truthful(self) -> bool:
        """Whether the partner never says what is not so: then whatever it says has changed must arrive at once.

        It does with damaged rows, with a clock that is wrong, with rows that move to a page that was read, with
        properties that are null for want of a scope, and with a page left out of a list that does not number them, as
        Wonde's marks.
        """
        if any(episode.scope not in {None, *_WHOLE_RESOURCES} for episode in self.episodes):
            return False
        kinds = {fault["kind"] for fault in self.faults}
        if self.partner == "wonde" and self.reads(Category.ATTENDANCE) and "skip_page" in kinds:
            return False
        return not kinds & _UNTRUE

    def reads(self, category: Category) -> bool:
        """Whether any episode extracts the category."""
        return any(category is read for episode in self.episodes for read, _ in episode.extracts)


def _connection(partner: PartnerName, endpoints: list[str]) -> st.SearchStrategy[Fault]:
    below = "schools/{school}/" if partner == "wonde" else "School/{estab}/"
    exchange = [] if partner == "wonde" else ["api/oauth/GetToken", "TokenDetails"]
    paths = st.sampled_from([below, "", *exchange, *(below + endpoint for endpoint in endpoints)])
    times = st.integers(1, 4)

    def fault(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Fault]:
        return st.fixed_dictionaries({"kind": st.just(kind), "path": paths, "times": times, **fields})

    retry_after = st.sampled_from([None, "0", "3", "120", "Mon, 24 Mar 2025 19:01:00 GMT", "soon"])
    pages = paths.filter(lambda path: path.startswith(below))
    kinds = [
        fault("status", status=st.sampled_from([401, 403, 404, 429, 500, 502, 503]), retry_after=retry_after),
        fault("status", status=st.sampled_from([401, 403, 404, 429, 500, 502, 503]), retry_after=retry_after),
        fault("hang", seconds=st.just(2.0), times=st.integers(1, 3)),
        fault("hang_up"),
        fault("truncate"),
        fault("reset", after=st.sampled_from([None, 0, 10, 1000])),
        fault("drip", bytes=st.sampled_from([40, 2000]), seconds=st.just(0.02), times=st.integers(1, 2)),
        fault("invalid_json"),
        fault("content_type"),
        fault("empty"),
        fault("repeat_page", path=pages),
        fault("skip_page", path=pages),
    ]
    if partner == "groupcall":
        said = ["Something went wrong", "The connection is offline", "Token expired", "No scope for this", "?"]
        kinds.append(fault("exception", message=st.sampled_from(said)))
    return st.one_of(kinds)


def _rows(partner: PartnerName, endpoints: dict[str, tuple[str, ...]]) -> st.SearchStrategy[Fault]:
    places = st.lists(st.integers(0, 15), max_size=4, unique=True)

    @st.composite
    def fault(draw: st.DrawFn) -> Fault:
        endpoint = draw(st.sampled_from(sorted(endpoints)))
        kind = draw(st.sampled_from([*sorted(_UNTRUE - {"shift", "clock_skew"}), "duplicate", "corrupt"]))
        field = st.sampled_from([*endpoints[endpoint], _ID[partner]])
        several = st.lists(st.integers(0, 15), min_size=2, max_size=4, unique=True)
        fields: dict[str, dict[str, st.SearchStrategy[Any]]] = {
            "corrupt": {"rows": places, "field": field, "value": st.sampled_from(_VALUES)},
            "drop": {"share": st.sampled_from([0.1, 0.5, 1.0])},
            "duplicate": {"rows": places},
            "duplicate_ids": {"rows": several},
            "nulls": {"rows": places, "field": st.just("") | field},
            "absurd_dates": {"rows": places, "field": st.just("") | field},
            "huge": {"rows": st.lists(st.integers(0, 3), min_size=1, max_size=1), "field": field},
            "control_characters": {"rows": places, "field": field},
        }
        return {"kind": kind, "school": "{school}", "endpoint": endpoint, **draw(st.fixed_dictionaries(fields[kind]))}

    return fault()


def _moves(partner: PartnerName, endpoints: list[str]) -> st.SearchStrategy[Fault]:
    below = "schools/{school}/" if partner == "wonde" else "School/{estab}/"
    return st.one_of(
        st.fixed_dictionaries(
            {
                "kind": st.just("shift"),
                "path": st.sampled_from([below + endpoint for endpoint in endpoints]),
                "rows": st.sampled_from([-3, -1, 1, 3]),
            }
        ),
        st.fixed_dictionaries(
            {"kind": st.just("clock_skew"), "seconds": st.sampled_from([-172_800, -60, 60, 3_600, 172_800])}
        ),
    )


@st.composite
def _episodes(draw: st.DrawFn, partner: PartnerName, categories: list[Category]) -> Episode:
    extracts = draw(st.lists(st.tuples(st.sampled_from(categories), st.booleans()), min_size=1, max_size=2))
    endpoints: dict[str, tuple[str, ...]] = {}
    for category, _ in extracts:
        for endpoint, fields in _ROWS[partner][category].items():
            endpoints[endpoint] = endpoints.get(endpoint, ()) + fields
    faults = st.one_of(
        _connection(partner, sorted(endpoints)),
        _connection(partner, sorted(endpoints)),
        _rows(partner, endpoints),
        _moves(partner, sorted(endpoints)),
    )
    rarely = st.sampled_from([False, False, False, True])
    return Episode(
        # Alone as often as not: then it is known what an outcome comes from.
        faults=tuple(draw(st.lists(faults, max_size=draw(st.sampled_from([1, 1, 4]))))),
        extracts=tuple(extracts),
        days=draw(st.sampled_from([0, 0, 1, 2])),
        scope=draw(st.sampled_from(_SCOPES[partner])) if draw(rarely) else None,
        revoked=draw(rarely) and draw(st.booleans()),
        mis=draw(st.sampled_from(["SIMS", "Arbor", "Bromcom"])) if draw(rarely) and draw(st.booleans()) else None,
        noticed=draw(st.booleans()),
    )


@st.composite
def plans(draw: st.DrawFn, partner: PartnerName) -> Plan:
    """Up to six episodes about one or two categories."""
    categories = draw(st.lists(st.sampled_from(list(Category)), min_size=1, max_size=2, unique=True))
    episodes = draw(st.lists(_episodes(partner, categories), min_size=1, max_size=6))
    return Plan(partner, draw(st.booleans()), tuple(episodes))


def one_by_one(partner: PartnerName) -> Plan:
    """Every kind of fault in an episode of its own, long enough to outlast the patience of a reading."""
    endpoint = "students" if partner == "wonde" else "Students"
    path = f"schools/{{school}}/{endpoint}" if partner == "wonde" else f"School/{{estab}}/{endpoint}"
    surname = _ROWS[partner][Category.BASIC][endpoint][0]
    asked = {"path": path, "times": 9}
    rows = {"school": "{school}", "endpoint": endpoint, "field": surname, "rows": [0, 1]}
    faults: list[Fault] = [
        *({"kind": "status", "status": status, **asked} for status in (401, 403, 404, 429, 500, 502, 503)),
        {"kind": "status", "status": 429, "retry_after": "120", **asked},
        {"kind": "hang", "seconds": 2.0, **asked},
        {"kind": "drip", "bytes": 40, "seconds": 0.02, **asked},
        {"kind": "exception", "message": "Something went wrong", **asked},
        *(
            {"kind": kind, **asked}
            for kind in ("hang_up", "truncate", "reset", "invalid_json", "content_type", "empty")
        ),
        *({"kind": kind, **asked} for kind in ("repeat_page", "skip_page")),
        {"kind": "shift", "path": path, "rows": -1},
        {"kind": "corrupt", "value": {}, **rows},
        {"kind": "drop", "school": "{school}", "endpoint": endpoint, "share": 0.8},
        {"kind": "duplicate", "school": "{school}", "endpoint": endpoint, "rows": [0, 1]},
        {"kind": "duplicate_ids", "school": "{school}", "endpoint": endpoint, "rows": [0, 1]},
        *({"kind": kind, **rows} for kind in ("nulls", "huge", "control_characters")),
        {"kind": "absurd_dates", "school": "{school}", "endpoint": endpoint, "rows": list(range(6))},
        {"kind": "huge", **rows, "field": _ID[partner], "rows": [0]},
        {"kind": "clock_skew", "seconds": -172_800},
    ]
    return Plan(
        partner,
        begun=True,
        episodes=tuple(
            Episode((fault,), ((Category.BASIC, True),), days=0, scope=None, revoked=False, mis=None, noticed=False)
            for fault in faults
        ),
    )
