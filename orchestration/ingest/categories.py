"""The six categories of MIS data, declared as data.

Everything that differs between one category and another stands here and nowhere else: which tables it fills, which
columns they have, what identifies a row, how often it is read, what kind of data it is and who may use it. The
extract loop, the loader, the gates and the Dagster assets all read this module and hold no list of their own.

The partner's side (endpoints, field names, nesting) is a connector's business: see ``orchestration.connectors``. A
connector turns a partner's pages into rows of the tables below, so that two partners give the same raw shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Category(StrEnum):
    """The six categories a school authorises one by one (shared brief, "Six categories of MIS data")."""

    BASIC = "basic"
    DEMOGRAPHICS = "demographics"
    TIMETABLE = "timetable"
    ASSESSMENT = "assessment"
    ATTENDANCE = "attendance"
    STAFF = "staff"


class Purpose(StrEnum):
    """The five purposes; the value is the schema its marts are published in."""

    PROVISIONING = "provisioning"
    SELF_EVALUATION = "self_evaluation"
    BENCHMARKS = "benchmarks"
    TRACKING = "tracking"
    ATTENDANCE = "attendance"


class DataType(StrEnum):
    """Who controls the data (brief, "Three types of data")."""

    CUSTOMER = "customer"
    GOVERNMENT = "government"
    PLATFORM = "platform"


_PUPIL_CATEGORIES = frozenset(
    {Category.BASIC, Category.DEMOGRAPHICS, Category.TIMETABLE, Category.ASSESSMENT, Category.ATTENDANCE}
)

#: The binding table of the brief: which purpose may read which category. Provisioning reads staff alone; attendance
#: may read neither timetable nor assessment.
READABLE: dict[Purpose, frozenset[Category]] = {
    Purpose.PROVISIONING: frozenset({Category.STAFF}),
    Purpose.SELF_EVALUATION: _PUPIL_CATEGORIES,
    Purpose.BENCHMARKS: _PUPIL_CATEGORIES,
    Purpose.TRACKING: _PUPIL_CATEGORIES,
    Purpose.ATTENDANCE: frozenset({Category.BASIC, Category.DEMOGRAPHICS, Category.ATTENDANCE}),
}


class Sensitivity(StrEnum):
    """How far a column may travel."""

    NONE = "none"
    PERSONAL = "personal"
    SPECIAL = "special"  # UK GDPR Article 9: ethnicity and language, SEND (brief)


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a raw table.

    ``sql_type`` is a PostgreSQL type name from the short list that the loader can send in binary:
    text, integer, smallint, boolean, date, timestamptz, numeric.
    """

    name: str
    sql_type: str = "text"
    sensitivity: Sensitivity = Sensitivity.PERSONAL
    description: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One raw table: ``raw.<name>``, keyed by ``school_id`` and ``key``.

    ``snapshot_only``: the partner cannot say what changed, so it is read whole each time and rows that have gone are
    marked by anti-join after every extract, not just after a periodic full one. ``other_record_id`` names the column
    with the partner's id of the record where that is not the key. ``history``: rows tell of the past, so those of an
    earlier partner or MIS stay when the later one lacks them, because it may reach less far back. ``dated_by`` names
    the column by which a reading of this academic year alone can be told from one of all years.
    """

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    description: str
    snapshot_only: bool = False
    other_record_id: str | None = None
    dated_by: str | None = None
    history: bool = False

    @property
    def record_id(self) -> str | None:
        """The column with the partner's own id of a row's record; None where a record makes many rows."""
        return self.other_record_id or (self.key[0] if len(self.key) == 1 else None)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the partner's columns, keys first, without ``school_id`` and the platform's own columns."""
        return tuple(field.name for field in self.fields)

    def same_key(self, left: str, right: str) -> str:
        """The SQL condition that rows of two relations, by their aliases, are the same row of this table."""
        return " and ".join(f"{left}.{column} = {right}.{column}" for column in ("school_id", *self.key))


@dataclass(frozen=True, slots=True)
class CategorySpec:
    """What the platform knows about one category.

    ``tables`` come from partners, ``file_tables`` from files alone: no partner is asked for them. ``cadence`` is how
    old the last accepted extract may become before it counts as stale; ``full_every`` how often the whole of it is read
    again, because neither partner reports every deletion (source_apis.md 1.11).
    """

    category: Category
    title: str
    description: str
    data_type: DataType
    cadence: timedelta
    full_every: timedelta
    tables: tuple[Table, ...]
    file_tables: tuple[Table, ...] = ()

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every raw table of the category."""
        return self.tables + self.file_tables

    @property
    def purposes(self) -> frozenset[Purpose]:
        """The purposes that may read this category."""
        return frozenset(purpose for purpose, categories in READABLE.items() if self.category in categories)

    @property
    def special(self) -> bool:
        """Whether any column is special category data."""
        return any(field.sensitivity is Sensitivity.SPECIAL for table in self.all_tables for field in table.fields)


#: Columns that the platform adds to every raw table, after the partner's. ``extract_id`` names the extract that last
#: changed the row (``ops.extract``); ``removed_at`` is set when a full snapshot no longer holds the row, and the row
#: stays.
PLATFORM_COLUMNS: tuple[Field, ...] = (
    Field(
        "extract_id", "bigint", Sensitivity.NONE, "Extract that last inserted, changed, removed or restored the row."
    ),
    Field(
        "removed_at",
        "timestamptz",
        Sensitivity.NONE,
        "When a full snapshot first lacked the row; null while it is there.",
    ),
)


def _source_id(name: str, what: str) -> Field:
    return Field(name, "text", Sensitivity.NONE, f"The partner's id of {what}.")


_UPDATED = Field(
    "source_updated_at",
    "timestamptz",
    Sensitivity.NONE,
    "When the partner last saw the row change; null if it does not say.",
)
_PUPIL = _source_id("pupil_id", "the pupil; changes when a pupil leaves and enrols again, see person_id")

BASIC = CategorySpec(
    Category.BASIC,
    "Student information (basic)",
    "Who is on roll: names, sex, date of birth, UPN, address, national curriculum year, admission and leaving dates.",
    DataType.CUSTOMER,
    cadence=timedelta(days=1),
    full_every=timedelta(days=7),
    tables=(
        Table(
            "pupil",
            ("pupil_id",),
            (
                _PUPIL,
                Field(
                    "person_id",
                    description="The person within the school, over enrolments, partners and MISs: "
                    "the id in the MIS in which the pupil was first seen.",
                ),
                Field(
                    "upi", description="Stable person key within the school (a hash made by the partner; not the UPN)."
                ),
                Field("mis_id", description="Id in the school's MIS."),
                Field("forename"),
                Field("middle_names"),
                Field("surname"),
                Field("legal_forename"),
                Field("legal_surname"),
                Field("sex", description="M, F or null; the partner's word mapped, see the connector."),
                Field("date_of_birth", "date"),
                Field("upn", description="Unique pupil number; may be missing or temporary (last character a letter)."),
                Field("former_upn"),
                Field("uln", description="Unique learner number."),
                Field("admission_number"),
                Field("nc_year", description="National curriculum year as text: N1, R, 1 ... 14, X."),
                Field("part_time", "boolean"),
                Field("admission_date", "date"),
                Field("leaving_date", "date"),
                Field("address_line"),
                Field("town"),
                Field("county"),
                Field("postcode"),
                Field("is_leaver", "boolean", description="True when the partner lists the pupil among its leavers."),
                _UPDATED,
            ),
            "One row per pupil enrolment as the partner lists it, current pupils and leavers.",
        ),
    ),
)

DEMOGRAPHICS = CategorySpec(
    Category.DEMOGRAPHICS,
    "Student demographics (census)",
    "FSM, pupil premium, SEN, first language, EAL, ethnicity, looked-after and service children.",
    DataType.CUSTOMER,
    cadence=timedelta(days=7),
    full_every=timedelta(days=7),
    tables=(
        Table(
            "pupil_demographics",
            ("pupil_id",),
            (
                _PUPIL,
                Field(
                    "ethnicity",
                    "text",
                    Sensitivity.SPECIAL,
                    "DfE code, or a description in some MISs; kept as received.",
                ),
                Field("first_language", "text", Sensitivity.SPECIAL, "CBDS language code or text, as received."),
                Field("home_language", "text", Sensitivity.SPECIAL),
                Field("eal", "boolean", Sensitivity.SPECIAL, "English as an additional language."),
                Field("eal_status", "text", Sensitivity.SPECIAL),
                Field("sen_status", "text", Sensitivity.SPECIAL, "N, K, E or a description, as received."),
                Field("fsm", "boolean", description="Currently eligible for free school meals."),
                Field("fsm6", "boolean", description="Eligible at any time in the last six years."),
                Field("pupil_premium", "boolean"),
                Field("in_care", "boolean", description="Looked after by a local authority now."),
                Field("ever_in_care", "boolean"),
                Field("service_child", "boolean"),
                Field("enrolment_status", description="C, M, S, F, O, G or P (CBDS)."),
                _UPDATED,
            ),
            "One row per pupil: census characteristics as they stand now. Null means not recorded or not permitted; "
            "the granted scopes in ops.school_scope tell which.",
        ),
        Table(
            "pupil_sen_need",
            ("pupil_id", "need_id"),
            (
                _PUPIL,
                _source_id("need_id", "the need"),
                Field("need_type", "text", Sensitivity.SPECIAL, "CBDS SEN type: ASD, SEMH, SLCN ..."),
                Field("rank", "smallint", Sensitivity.SPECIAL, "1 is the primary need."),
                Field("start_date", "date", Sensitivity.SPECIAL),
                Field("end_date", "date", Sensitivity.SPECIAL),
            ),
            "One row per pupil and special educational need.",
        ),
        Table(
            "pupil_status_period",
            ("pupil_id", "kind", "period_id"),
            (
                _PUPIL,
                Field("kind", description="fsm, sen or in_care.", sensitivity=Sensitivity.SPECIAL),
                _source_id("period_id", "the period"),
                Field("code", "text", Sensitivity.SPECIAL, "SEN provision in the period; null for the other kinds."),
                Field("start_date", "date", Sensitivity.SPECIAL),
                Field("end_date", "date", Sensitivity.SPECIAL),
            ),
            "One row per pupil, kind of status and dated period. "
            "The partner's field names here are inferred (source_apis.md 1.6, I).",
        ),
    ),
)

TIMETABLE = CategorySpec(
    Category.TIMETABLE,
    "Student timetable",
    "Registration groups, teaching groups and the subjects studied.",
    DataType.CUSTOMER,
    cadence=timedelta(days=7),
    full_every=timedelta(days=7),
    tables=(
        Table(
            "subject",
            ("subject_id",),
            (
                _source_id("subject_id", "the subject"),
                Field("code", sensitivity=Sensitivity.NONE),
                Field("name", sensitivity=Sensitivity.NONE),
                Field("active", "boolean", Sensitivity.NONE),
                _UPDATED,
            ),
            "One row per subject the school teaches.",
        ),
        Table(
            "teaching_group",
            ("group_id",),
            (
                _source_id("group_id", "the group or class"),
                Field(
                    "kind",
                    description="CLASS for teaching classes, else the partner's group type: REGISTRATION, HOUSE ...",
                    sensitivity=Sensitivity.NONE,
                ),
                Field("code", sensitivity=Sensitivity.NONE),
                Field("name", sensitivity=Sensitivity.NONE),
                Field(
                    "subject_id",
                    sensitivity=Sensitivity.NONE,
                    description="Subject taught; null for groups that are not classes.",
                ),
                Field("nc_year", sensitivity=Sensitivity.NONE),
                Field(
                    "academic_year", sensitivity=Sensitivity.NONE, description="As the partner writes it: 2025/2026."
                ),
                _UPDATED,
            ),
            "One row per teaching class or registration group.",
        ),
        Table(
            "group_pupil",
            ("group_id", "pupil_id"),
            (_source_id("group_id", "the group or class"), _PUPIL),
            "One row per group and pupil in it.",
            snapshot_only=True,
        ),
        Table(
            "group_staff",
            ("group_id", "staff_id"),
            (
                _source_id("group_id", "the group or class"),
                _source_id("staff_id", "the member of staff"),
                Field("is_main_teacher", "boolean"),
            ),
            "One row per group and member of staff, by id only: names belong to the staff category.",
            snapshot_only=True,
        ),
    ),
)

ASSESSMENT = CategorySpec(
    Category.ASSESSMENT,
    "Student assessment",
    "Statutory results (EYFS, KS1, KS2, KS4, KS5) and current assessments.",
    DataType.CUSTOMER,
    cadence=timedelta(days=1),
    full_every=timedelta(days=7),
    tables=(
        Table(
            "aspect",
            ("aspect_id",),
            (
                _source_id("aspect_id", "the aspect (what is assessed)"),
                Field("name", sensitivity=Sensitivity.NONE),
                Field(
                    "result_type",
                    sensitivity=Sensitivity.NONE,
                    description="NUMERIC, GRADE or text, as the partner says.",
                ),
                _UPDATED,
            ),
            "One row per aspect: what a result measures.",
            history=True,
        ),
        Table(
            "result_set",
            ("result_set_id",),
            (
                _source_id("result_set_id", "the result set (when it was assessed)"),
                Field("name", sensitivity=Sensitivity.NONE),
                Field("start_date", "date", Sensitivity.NONE),
                Field("end_date", "date", Sensitivity.NONE),
                _UPDATED,
            ),
            "One row per result set: the occasion of an assessment.",
            history=True,
        ),
        Table(
            "result",
            ("result_id",),
            (
                _source_id("result_id", "the result"),
                _PUPIL,
                _source_id("aspect_id", "the aspect"),
                _source_id("result_set_id", "the result set, may be missing"),
                Field("value", description="Grade, scaled score or mark as text."),
                Field("result_date", "date"),
                _UPDATED,
            ),
            "One row per pupil, aspect, result set and result. "
            "Field names are inferred: read through a path map (source_apis.md 1.8).",
            history=True,
        ),
    ),
)

ATTENDANCE = CategorySpec(
    Category.ATTENDANCE,
    "Student attendance and exclusions",
    "Every session's mark, this year and previous years; suspensions and permanent exclusions.",
    DataType.CUSTOMER,
    cadence=timedelta(days=1),
    full_every=timedelta(days=7),
    tables=(
        Table(
            "attendance_code",
            ("code_id",),
            (
                _source_id("code_id", "the code"),
                Field("code", sensitivity=Sensitivity.NONE, description="Register code, one or two characters."),
                Field("description", sensitivity=Sensitivity.NONE),
                Field(
                    "code_type",
                    sensitivity=Sensitivity.NONE,
                    description="The partner's own class of the code; used only where the school has custom codes.",
                ),
            ),
            "One row per code in the school's own list.",
            snapshot_only=True,
        ),
        Table(
            "attendance_mark",
            ("pupil_id", "mark_date", "session"),
            (
                _PUPIL,
                Field("mark_date", "date"),
                Field("session", description="AM or PM."),
                Field(
                    "code",
                    description="Register code; the partner's code id already looked up. Null when the id is unknown.",
                ),
                Field("minutes_late", "smallint"),
                Field("comment"),
                _source_id("mark_id", "the mark"),
                _UPDATED,
            ),
            "One row per pupil, school day and session.",
            other_record_id="mark_id",
            dated_by="mark_date",
            history=True,
        ),
        Table(
            "exclusion",
            ("exclusion_id",),
            (
                _source_id("exclusion_id", "the exclusion"),
                _PUPIL,
                Field("type_code", description="SUSP, PERM, LNCH, or older codes as received."),
                Field("reason_code"),
                Field("start_date", "date"),
                Field("start_session"),
                Field("end_date", "date"),
                Field("end_session"),
                Field("sessions", "smallint", description="Sessions excluded from."),
                _UPDATED,
            ),
            "One row per suspension or permanent exclusion.",
            history=True,
        ),
    ),
    file_tables=(
        Table(
            "prior_attendance",
            ("pupil_id", "academic_year", "la_code", "establishment_number"),
            (
                _PUPIL,
                Field("academic_year", "integer", Sensitivity.NONE, "202425 is 2024/25."),
                Field("la_code", "text", Sensitivity.NONE, "Local authority of the school attended, three digits."),
                Field("establishment_number", "text", Sensitivity.NONE, "Number of the school attended, four digits."),
                Field("sessions_possible", "smallint"),
                Field("sessions_attended", "smallint"),
                Field("sessions_authorised", "smallint", description="Sessions of authorised absence."),
                Field("sessions_unauthorised", "smallint", description="Sessions of unauthorised absence."),
            ),
            "One row per pupil, academic year and school attended in it: totals of former years from Common Transfer "
            "Files, of this school or another.",
            history=True,
        ),
    ),
)

STAFF = CategorySpec(
    Category.STAFF,
    "Staff information (basic)",
    "Title, name, e-mail, role, and whether currently employed at the school.",
    DataType.CUSTOMER,
    cadence=timedelta(days=1),
    full_every=timedelta(days=7),
    tables=(
        Table(
            "staff",
            ("staff_id",),
            (
                _source_id("staff_id", "the member of staff"),
                Field("upi", description="Stable person key within the school."),
                Field("mis_id"),
                Field("title"),
                Field("forename"),
                Field("surname"),
                Field("email"),
                Field("is_current", "boolean"),
                Field("is_teacher", "boolean"),
                Field("employment_start_date", "date"),
                Field("employment_end_date", "date"),
                _UPDATED,
            ),
            "One row per member of staff.",
        ),
        Table(
            "staff_role",
            ("staff_id", "role_id"),
            (
                _source_id("staff_id", "the member of staff"),
                _source_id("role_id", "the role"),
                Field("role"),
                Field("role_code"),
                Field("start_date", "date"),
                Field("end_date", "date"),
            ),
            "One row per member of staff and role held.",
        ),
    ),
)

CATEGORIES: dict[Category, CategorySpec] = {
    spec.category: spec for spec in (BASIC, DEMOGRAPHICS, TIMETABLE, ASSESSMENT, ATTENDANCE, STAFF)
}
