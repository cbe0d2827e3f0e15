"""What a run did, as figures: for people at the end of ``mis run``, for scripts in ``.mis/last_run.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row

from orchestration.measure import Stage

_T = TypeVar("_T")


@dataclass(frozen=True)
class CategoryFigures:
    """One category over all schools of a run; rows."""

    category: str
    schools: int
    loaded_schools: int
    held_schools: int
    failed_schools: int
    rows_extracted: int
    rows_loaded: int
    rows_quarantined: int
    rows_removed: int


@dataclass(frozen=True)
class GateFigures:
    """Rules of one stage that a run evaluated, by outcome."""

    stage: str
    passed: int
    warned: int
    failed: int


@dataclass(frozen=True)
class Trouble:
    """A school whose batch was not accepted, and why."""

    school_id: int
    school: str
    category: str
    state: str
    message: str


@dataclass(frozen=True)
class BrokenRule:
    """A rule that stopped a publication: it failed, or could not be evaluated."""

    relation: str
    rule_id: str
    outcome: str
    rows_failed: int
    message: str
    what_to_do: str


@dataclass(frozen=True)
class Published:
    """One purpose's new release."""

    purpose: str
    schema_name: str
    relations: int


@dataclass(frozen=True)
class AttendanceFigures:
    """A school year beside England's same year and phase; per cent."""

    academic_year: int
    school: str
    phase: str
    attendance_percent: float | None
    national_percent: float | None
    persistent_percent: float | None
    national_persistent_percent: float | None


@dataclass(frozen=True)
class RunSummary:
    """All of it."""

    success: bool
    runs: list[str]
    categories: list[CategoryFigures]
    gates: list[GateFigures]
    troubles: list[Trouble]
    failures: list[str]
    broken: list[BrokenRule]
    published: list[Published]
    attendance: list[AttendanceFigures]
    stages: list[Stage]
    next_steps: list[str]

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return asdict(self)


#: The last extract of each school and category: an attempt that was retried says nothing about the school any more.
_LATEST = """
select distinct on (school_id, category) *
from ops.extract
where run_id = any(%(runs)s)
order by school_id, category, extract_id desc
"""

_CATEGORIES = f"""
with latest as ({_LATEST})
select category,
       count(*)::int as schools,
       (count(*) filter (where state = 'loaded'))::int as loaded_schools,
       (count(*) filter (where state = 'held'))::int as held_schools,
       (count(*) filter (where state = 'failed'))::int as failed_schools,
       coalesce(sum(rows_extracted), 0)::bigint as rows_extracted,
       coalesce(sum(rows_loaded), 0)::bigint as rows_loaded,
       coalesce(sum(rows_quarantined), 0)::bigint as rows_quarantined,
       coalesce(sum(rows_removed), 0)::bigint as rows_removed
from latest
group by category
order by array_position(array['basic', 'demographics', 'timetable', 'assessment', 'attendance', 'staff'], category)
"""

_GATES = """
select stage,
       (count(*) filter (where outcome = 'passed'))::int as passed,
       (count(*) filter (where outcome = 'failed' and severity <> 'critical'))::int as warned,
       (count(*) filter (where outcome = 'error' or (outcome = 'failed' and severity = 'critical')))::int as failed
from ops.gate_result
where run_id = any(%(runs)s)
group by stage
order by array_position(array['raw', 'batch', 'core', 'mart'], stage)
"""

_TROUBLES = f"""
with latest as ({_LATEST})
select latest.school_id,
       school.name as school,
       latest.category,
       latest.state,
       coalesce(latest.message, '') as message
from latest
inner join ops.school as school on school.school_id = latest.school_id
where latest.state <> 'loaded'
order by latest.school_id, latest.category
"""

_BROKEN = """
select relation, rule_id, outcome, rows_failed, message, what_to_do
from ops.gate_result
where run_id = any(%(runs)s)
    and stage in ('core', 'mart')
    and (outcome = 'error' or (outcome = 'failed' and severity = 'critical'))
order by gate_result_id
"""

_PUBLISHED = """
select purpose, schema_name, jsonb_array_length(relations) as relations
from ops.release
where run_id = any(%(runs)s)
order by purpose
"""

_ATTENDANCE = """
select school_year.academic_year,
       school.school_name as school,
       coalesce(school_year.national_phase, school.phase, '') as phase,
       school_year.attendance_rate::float as attendance_percent,
       school_year.national_attendance_rate::float as national_percent,
       school_year.persistent_absence_rate::float as persistent_percent,
       school_year.national_persistent_absence_rate::float as national_persistent_percent
from attendance.school_year as school_year
inner join attendance.school as school on school.school_id = school_year.school_id
order by school_year.academic_year desc, school.school_id
limit %(limit)s
"""

#: A trust's worth of rows; a country's would not be read in a terminal.
_ATTENDANCE_ROWS = 50


def attendance_beside_national(
    connection: psycopg.Connection[Any], limit: int = _ATTENDANCE_ROWS
) -> list[AttendanceFigures]:
    """Published school years, the latest first, each beside England's; empty before the first publication."""
    row = connection.execute("select to_regclass('attendance.school_year')").fetchone()
    if row is None or row[0] is None:
        return []
    with connection.cursor(row_factory=class_row(AttendanceFigures)) as cursor:
        return cursor.execute(_ATTENDANCE, {"limit": limit}).fetchall()


def summarise(
    connection: psycopg.Connection[Any], runs: list[str], *, failed: dict[str, list[str]], stages: Sequence[Stage]
) -> RunSummary:
    """The summary of the runs of one chain, by run id; ``failed`` holds the reasons of those that did."""
    parameters = {"runs": runs}

    def rows(figures: type[_T], query: str) -> list[_T]:
        with connection.cursor(row_factory=class_row(figures)) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    troubles = rows(Trouble, _TROUBLES)
    categories = rows(CategoryFigures, _CATEGORIES)
    gates = rows(GateFigures, _GATES)
    return RunSummary(
        success=not failed,
        runs=runs,
        categories=categories,
        gates=gates,
        troubles=troubles,
        failures=[f"{job}: {reason}" for job, reasons in failed.items() for reason in reasons],
        broken=rows(BrokenRule, _BROKEN),
        published=rows(Published, _PUBLISHED),
        attendance=attendance_beside_national(connection),
        stages=list(stages),
        next_steps=_next_steps(categories, gates, troubles),
    )


def _next_steps(
    categories: Sequence[CategoryFigures], gates: Sequence[GateFigures], troubles: Sequence[Trouble]
) -> list[str]:
    steps = []
    if any(figures.rows_quarantined for figures in categories):
        steps.append("Rows are in quarantine: `mis quarantine list` says which rules they broke.")
    if held := next((trouble for trouble in troubles if trouble.state == "held"), None):
        steps.append(
            "A school is held and keeps its last accepted data: see its reason. Once it is mended, run again; when"
            f" it is right as it is, accept it: `mis extract --school {held.school_id} --category {held.category}"
            " --full --accept-held`, then `mis publish`."
        )
    if any(figures.failed for figures in gates if figures.stage in {"core", "mart"}):
        steps.append(
            "A gate stopped a publication; readers still see the former release. The reports are in .mis/gate_reports."
        )
    steps.append(
        '`mis psql -c "select * from attendance.school_year"` queries what is published; `mis up` opens the Dagster UI.'
    )
    return steps
