"""What the API takes and answers. Chances are from 0 to 1, points those of the qualification's scale."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from orchestration.targets.faults import Fault
from orchestration.targets.policy import LONGEST_TEXT, Floor, Rounding, WhoMayEdit
from orchestration.targets.rules import Act, Source, Status

MOST_AT_ONCE = 1000
_Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_AcademicYear = Annotated[int, Field(ge=200001, le=209900, description="As 202526.")]
_PupilKey = Annotated[int, Field(ge=0, lt=2**63)]
_Version = Annotated[int, Field(ge=0, lt=2**31, description="The version that was seen; 0 where there was no target.")]


class Strict(BaseModel):
    """What is asked: a name that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid")


class OfGroup(Strict):
    """Which pupils and subjects; what is not given does not narrow."""

    academic_year: _AcademicYear | None = Field(None, description="That of the published estimates by default.")
    year_group: _Name | None = Field(None, description="National curriculum year.")
    qualification: _Name | None = None
    subject: _Name | None = None
    group_id: _Name | None = Field(None, description="Teaching group.")


class OfGroupPage(OfGroup):
    """A page of pupils and subjects."""

    limit: int = Field(200, ge=1, le=MOST_AT_ONCE)
    offset: int = Field(0, ge=0, lt=2**31)


class Nothing(Strict):
    """Takes nothing."""


class OfTarget(Strict):
    """One target."""

    pupil_key: _PupilKey
    academic_year: _AcademicYear
    qualification: _Name
    subject: _Name


class PolicyStatement(Strict):
    """What targets of a school and year are by default, in a year group, qualification and subject or every one."""

    academic_year: _AcademicYear
    year_group: _Name | None = None
    qualification: _Name | None = None
    subject: _Name | None = None
    is_withdrawn: bool = Field(False, description="The scope has no policy of its own any more.")
    is_included: bool = True
    challenge_levels: list[Decimal] = Field([Decimal(50)], min_length=1, max_length=2)
    offset_points: Decimal = Decimal(0)
    rounding: Rounding = Rounding.NEAREST
    floor: Floor = Floor.NONE
    floor_grade: _Name | None = None
    who_may_edit: WhoMayEdit = WhoMayEdit.EDITORS
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class TargetKey(Strict):
    """A target, in the version that was seen."""

    pupil_key: _PupilKey
    academic_year: _AcademicYear
    qualification: _Name
    subject: _Name
    version: _Version


class ProposedTarget(TargetKey):
    """A grade for a pupil in a subject."""

    grade: _Name
    rationale: _Text | None = None


class Proposals(Strict):
    """Grades to propose, all of them or none."""

    targets: list[ProposedTarget] = Field(min_length=1, max_length=MOST_AT_ONCE)
    comment: _Text | None = Field(None, description="The reason; a change after the lock needs one.")


class Moves(Strict):
    """Targets to act on, all of them or none."""

    targets: list[TargetKey] = Field(min_length=1, max_length=MOST_AT_ONCE)
    comment: _Text | None = Field(None, description="What is said with it; a rejection needs it.")


class TaskAt(BaseModel):
    """A task of target setting at a school; the subject * is every one."""

    school_id: int
    task: str
    subject: str


class Session(BaseModel):
    """Who is signed in, and what their forms must send back."""

    email: str
    name: str
    form_token: str
    school_ids: list[int]
    target_tasks: list[TaskAt]


class StandingTarget(BaseModel):
    """A target in its latest version."""

    version: int
    grade: str
    points: float
    status: Status
    source: Source
    proposed_by: str | None
    rationale: str | None
    comment: str | None
    set_by: str
    set_at: datetime


class GradeChance(BaseModel):
    """Chance of a grade or better."""

    grade: str
    points: float
    chance: float


class LevelEstimate(BaseModel):
    """An estimate at a challenge level: highest grade with at least even odds; chance of it and of the target."""

    challenge: float = Field(description="Per cent of schools that do better.")
    grade: str
    points: float
    chance: float
    target_chance: float | None


class Distribution(BaseModel):
    """An estimate at a challenge level, whole."""

    challenge: float
    grade: str
    points: float
    chances: list[GradeChance]


class PupilSubject(BaseModel):
    """A pupil and a subject that they study. Names and UPN are null for who may not see them."""

    pupil_key: int
    surname: str | None = None
    forename: str | None = None
    upn: str | None = None
    year_group: str
    qualification: str
    subject: str
    prior_measure: str | None
    prior_value: float | None


class PupilTarget(PupilSubject):
    """With estimates, the easiest level first, and the target."""

    estimates: list[LevelEstimate]
    target: StandingTarget | None


class PupilEstimate(PupilSubject):
    """With distributions, the easiest level first; none where there is no estimate."""

    run_id: str | None
    reliability: str | None
    caveat: str | None
    distributions: list[Distribution]


class Targets(BaseModel):
    """A page of pupils and subjects."""

    school_id: int
    academic_year: int
    rows: list[PupilTarget]
    more: bool = Field(description="There are rows after these: ask with a higher offset.")


class Estimates(BaseModel):
    """A page of pupils and subjects."""

    school_id: int
    academic_year: int
    rows: list[PupilEstimate]
    more: bool = Field(description="There are rows after these: ask with a higher offset.")


class PolicyInForce(BaseModel):
    """The policy of a year group and subject."""

    year_group: str
    qualification: str
    subject: str
    policy: int | None = Field(description="Number of the statement; null is the platform's default.")
    is_included: bool
    challenge_levels: list[float]
    offset_points: float
    rounding: Rounding
    floor: Floor
    floor_grade: str | None
    who_may_edit: WhoMayEdit


class Policies(BaseModel):
    """The policies of a school's year."""

    school_id: int
    academic_year: int
    policies: list[PolicyInForce]


class StatedPolicy(BaseModel):
    """The number of a statement."""

    policy: int


class TargetVersion(StandingTarget):
    """A version of a target, and the act that made it."""

    act: Act
    challenge_levels: list[float]
    run_id: str | None
    estimate_grades: list[str] | None
    chance_at_set: float | None


class History(BaseModel):
    """Every version of a target, the first first; none where there never was one."""

    school_id: int
    versions: list[TargetVersion]


class ActedTarget(StandingTarget):
    """A target after an act."""

    pupil_key: int
    academic_year: int
    qualification: str
    subject: str


class Acted(BaseModel):
    """The targets after an act, in the order of the request."""

    targets: list[ActedTarget]


class Refusal(BaseModel):
    """Why something was not done, and what to do. ``index`` is its place in the request, from 0, where it has one."""

    code: Fault | str
    message: str
    what_to_do: str
    index: int | None = None


class Failure(BaseModel):
    """An answer that nothing was done, and why."""

    errors: list[Refusal]
