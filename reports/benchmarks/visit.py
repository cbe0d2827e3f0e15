"""What every page of estimates and targets is about: a year group of a school, in the year of the estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request

from orchestration.access.people import Person
from orchestration.access.reading import as_platform
from orchestration.access.target_tasks import EVERY_SUBJECT, TargetTask
from orchestration.targets.faults import TargetError
from orchestration.targets.groups import Group
from reports.benchmarks.names import outcome
from reports.benchmarks.queries import cohorts
from reports.database import Connection
from reports.formats import year_name
from reports.group_names import group_values, value_name
from reports.pages import NotYours, Reading, Visit, school_row

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CohortVisit(Visit):
    """One look at a page. ``year_group`` is "" where the school has no year group with estimates.

    ``entered`` is what a form had in it, and ``refusals`` why it was refused; both are empty when a page is asked for.
    """

    connection: Connection
    academic_year: int
    year_group: str
    year_groups: Sequence[str]
    entered: Mapping[str, str] = field(default_factory=dict)
    refusals: Sequence[TargetError] = ()

    @property
    def kept(self) -> str:
        return f"year_group={self.year_group}"

    @property
    def person(self) -> Person:
        return self.reader.person

    @property
    def year_group_options(self) -> list[tuple[str, str]]:
        """What the chooser of the year group offers."""
        return [(value, value_name("year_group", value)) for value in self.year_groups]

    @property
    def year_group_name(self) -> str:
        return value_name("year_group", self.year_group) if self.year_group else "No year group"

    @property
    def cohort(self) -> str:
        """``Year 11, 2024/25``; nothing where there is no year with estimates."""
        return f"{self.year_group_name}, {year_name(self.academic_year)}" if self.academic_year else ""

    @property
    def outcome(self) -> str:
        """What the last form did, if the address says so."""
        return outcome(self.query.get("done", ""), self.query.get("number", ""))

    def class_sheet(self, qualification: str, subject: str) -> str:
        """Where the pupils of a subject are."""
        query = {"year_group": self.year_group, "qualification": qualification, "subject": subject}
        return f"{self.address}/subjects/pupils?{urlencode(query)}"

    def group(
        self,
        qualification: str | None = None,
        subject: str | None = None,
        group_id: str | None = None,
    ) -> Group:
        """Return pupils and subjects of the year group, as target setting knows them."""
        return Group(self.school_id, self.academic_year, self.year_group or None, qualification, subject, group_id)

    def ask(self, question: Callable[Concatenate[Connection, Person, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the service of targets, which checks the person's rights and reads with them by itself."""
        with as_platform(self.connection):
            return question(self.connection, self.person, *args, **kwargs)

    def may(self, task: TargetTask, subject: str = EVERY_SUBJECT) -> bool:
        """Tell whether the reader may do a task of target setting here."""
        return self.person.may(task, self.school_id, subject)


def open_visit(request: Request, now: Reading) -> CohortVisit:
    """Return the visit of the school and year group in the address. Raises NotYours.

    The year group defaults to the oldest up to Year 11, the next to be examined.
    """
    school = school_row(request, now)
    if now.release is None:
        raise NotYours
    found = cohorts.year_groups(now.db, school["school_id"])
    academic_year = max((row["academic_year"] for row in found), default=0)
    values = group_values("year_group", {row["year_group"] for row in found if row["academic_year"] == academic_year})
    wanted = request.query_params.get("year_group", "")
    up_to_11 = [value for value in values if not (value.isdigit() and int(value) > 11) and value != "not known"]
    default = (up_to_11 or values or [""])[-1]
    return CohortVisit(
        now.db,
        now.reader,
        now.release,
        now.section,
        school,
        request.query_params,
        request.path_params,
        now.connection,
        academic_year,
        wanted if wanted in values else default,
        values,
    )
