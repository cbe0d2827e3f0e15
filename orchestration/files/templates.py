"""The templates that schools fill in, declared as data: columns, what they may hold, and which results they are.

A template is written (``template_files``), read (``filled_in``) and described in docs/files.md from this declaration
alone. There are two shapes: a column for each result (KS2: reading, mathematics ...), or a row for each, whose
qualification and subject stand in columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from orchestration.files.vocabulary import Measure, Vocabulary, listed


class Holds(Enum):
    """What the cells of a column hold, in words for whoever fills them in."""

    UPN = "13 characters"
    TEXT = "text"
    NUMBER = "digits"
    DAY = "a date, 2025-07-08 or 08/07/2025"
    YEAR = "a school year, 2024/25"
    SERIES = "month and year of the examinations, June 2025"
    GRADE = "a result"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a template.

    A ``needed`` one must be in the file, and filled in where the row is. ``values`` are all it may hold; ``aspect``
    makes it a column of results, on ``scale``.
    """

    name: str
    holds: Holds
    meaning: str
    example: str = ""
    needed: bool = False
    values: tuple[str, ...] = ()
    aspect: str = ""
    scale: str = ""

    def allowed(self, vocabulary: Vocabulary) -> str:
        """What a cell may hold, in words."""
        if self.scale:
            return listed(vocabulary.grades(self.scale))
        return ", ".join(self.values) or self.holds.value


@dataclass(frozen=True, slots=True)
class Naming:
    """What results of one choice are called: ``aspect`` with ``{subject}`` filled in.

    Such an aspect must be of ``stage`` and ``kind`` and, where they are named, one of ``scales``: a subject called
    "Law Extended" must not make a certificate of half the size. ``seed`` is how the seed attainment_aspect writes the
    aspect, where that is a pattern.
    """

    aspect: str
    stage: str
    scales: tuple[str, ...] = ()
    seed: str = ""
    kind: str = "statutory"

    @property
    def has_subject(self) -> bool:
        return "{subject}" in self.aspect

    def of(self, subject: str) -> str:
        """The aspect of a subject."""
        return self.aspect.format(subject=subject)

    def measure(self, subject: str, vocabulary: Vocabulary) -> Measure | None:
        """What the aspect of a subject is of; None when it is not understood as this choice."""
        found = vocabulary.measure(self.of(subject))
        if found is None or (found.stage, found.kind) != (self.stage, self.kind):
            return None
        return found if not self.scales or found.scale in self.scales else None

    def subjects(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """The subjects that are understood."""
        if not self.has_subject:
            return ()
        named = vocabulary.subjects(self.seed or self.aspect)
        return tuple(subject for subject in named if self.measure(subject, vocabulary))


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of file.

    ``stage`` is that of statutory results, which names their occasion; None when a column dates the results.
    ``chooses`` is the column that says which of ``names`` a row's result (in the column ``grade`` or ``score``) is one
    of; empty when each result has a column of its own. ``nc_years`` are the year groups that a template for a school is
    filled with; none means all.
    """

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    stage: str | None = None
    chooses: str = ""
    names: Mapping[str, Naming] = field(default_factory=lambda: MappingProxyType({}))
    nc_years: tuple[str, ...] = ()

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def results(self) -> tuple[Column, ...]:
        """The columns of results."""
        return tuple(column for column in self.columns if column.holds is Holds.GRADE)

    @property
    def sheet(self) -> str:
        """Name of the sheet in a workbook."""
        return self.title[:31]

    def subjects(self, vocabulary: Vocabulary) -> tuple[str, ...]:
        """The subjects that are understood under any choice, in order."""
        return tuple(sorted({one for naming in self.names.values() for one in naming.subjects(vocabulary)}))


_IDENTITY = (
    Column("upn", Holds.UPN, "Unique pupil number. Without it, the ULN or name and date of birth say who is meant."),
    Column("uln", Holds.NUMBER, "Unique learner number, 10 digits."),
    Column("surname", Holds.TEXT, "Surname, as in the MIS.", "EXAMPLE"),
    Column("forename", Holds.TEXT, "Forename, as in the MIS.", "Alex"),
    Column("date_of_birth", Holds.DAY, "Date of birth; where a UPN is given it must be that pupil's.", "2012-02-29"),
)
_EXAMINED = (
    *_IDENTITY,
    Column("uci", Holds.TEXT, "Unique candidate identifier, 13 characters: results day files are matched by it."),
    Column("candidate_number", Holds.NUMBER, "Candidate number of the series' school year, 4 digits; likewise."),
)
_YEAR = Column("academic_year", Holds.YEAR, "School year in which the pupil was assessed.", "2024/25", needed=True)
_SERIES = Column("series", Holds.SERIES, "When the pupil was examined.", "June 2025", needed=True)


def _score(name: str, what: str, aspect: str, scale: str, example: str = "") -> Column:
    return Column(name, Holds.GRADE, what, example, aspect=aspect, scale=scale)


def _tests_and_judgements(stage: str) -> tuple[Column, ...]:
    test, teacher = f"{stage.lower()}_test", "teacher_assessment"
    return (
        _score("reading_score", "Reading test: scaled score.", f"{stage} Reading scaled score", test, "104"),
        _score("maths_score", "Mathematics test: scaled score.", f"{stage} Mathematics scaled score", test, "102"),
        _score(
            "gps_score",
            "Grammar, punctuation and spelling test: scaled score.",
            f"{stage} Grammar, punctuation and spelling scaled score",
            test,
        ),
        _score("reading_ta", "Reading: teacher assessment.", f"{stage} Reading TA", teacher),
        _score("writing_ta", "Writing: teacher assessment.", f"{stage} Writing TA", teacher, "EXS"),
        _score("maths_ta", "Mathematics: teacher assessment.", f"{stage} Mathematics TA", teacher),
        _score("science_ta", "Science: teacher assessment.", f"{stage} Science TA", teacher, "EXS"),
    )


#: The early learning goals (source_apis.md 3.3, D).
_GOALS = (
    ("e01", "Listening, attention and understanding"),
    ("e02", "Speaking"),
    ("e03", "Self-regulation"),
    ("e04", "Managing self"),
    ("e05", "Building relationships"),
    ("e06", "Gross motor skills"),
    ("e07", "Fine motor skills"),
    ("e08", "Comprehension"),
    ("e09", "Word reading"),
    ("e10", "Writing"),
    ("e11", "Number"),
    ("e12", "Numerical patterns"),
    ("e13", "Past and present"),
    ("e14", "People, culture and communities"),
    ("e15", "The natural world"),
    ("e16", "Creating with materials"),
    ("e17", "Being imaginative and expressive"),
)
_KS4 = {
    "GCSE": Naming("GCSE {subject}", "ks4"),
    "Technical award": Naming("Technical award {subject}", "ks4", ("technical_award",)),
}
_KS5 = {
    "A level": Naming("A level {subject}", "ks5", ("a_level",)),
    "AS level": Naming("AS level {subject}", "ks5", ("as_level",)),
    "BTEC Certificate": Naming("BTEC {subject} Certificate", "ks5", ("vocational_0_5",)),
    "BTEC Extended Certificate": Naming("BTEC {subject} Extended Certificate", "ks5", ("vocational_1",)),
    "BTEC Foundation Diploma": Naming("BTEC {subject} Foundation Diploma", "ks5", ("vocational_1_5",)),
    "BTEC Diploma": Naming("BTEC {subject} Diploma", "ks5", ("vocational_2",)),
    "BTEC Extended Diploma": Naming("BTEC {subject} Extended Diploma", "ks5", ("vocational_3",)),
    "Extended Project": Naming("Extended Project", "ks5"),
    "Core Maths": Naming("Core Maths", "ks5"),
}
#: Every qualification that is examined, for files that say which by a code.
EXAMINATIONS: Mapping[str, Naming] = MappingProxyType(_KS4 | _KS5)
_TAUGHT = {
    "KS2": Naming("{subject} TA", "ks2", kind="current"),
    "GCSE": Naming("{subject} working at grade", "ks4", seed="{subject} working at%", kind="current"),
    "A level": Naming(
        "A level {subject} working at grade", "ks5", seed="A level {subject} working at%", kind="current"
    ),
}
_TESTS = {
    name: Naming(aspect, "", kind="standardised")
    for name, aspect in (
        *((f"CAT4 {part}",) * 2 for part in ("Verbal", "Quantitative", "Non-verbal", "Spatial", "Mean")),
        *((name, f"{name} SAS") for name in ("NGRT", "PTE", "PTM", "PTS")),
        *(
            (name, f"{name} standardised score")
            for name in ("PIRA", "PUMA", "GAPS", "NTS Reading", "NTS Maths", "Star Reading", "MidYIS", "Yellis")
        ),
        ("Other reading test", "Reading test standardised score"),
    )
}


def _chosen(name: str, meaning: str, names: Mapping[str, Naming], example: str) -> Column:
    return Column(name, Holds.TEXT, meaning, example, needed=True, values=tuple(names))


def _examination_columns(names: Mapping[str, Naming], example: tuple[str, str, str]) -> tuple[Column, ...]:
    qualification, subject, grade = example
    return (
        *_EXAMINED,
        _SERIES,
        Column(
            "qualification",
            Holds.TEXT,
            "Which qualification; may be empty where an entry code says it.",
            qualification,
            values=tuple(names),
        ),
        Column("subject", Holds.TEXT, "Subject; may be empty where an entry code says it.", subject),
        Column("entry_code", Holds.TEXT, "The awarding organisation's code of the entry, as in the entries list."),
        Column("grade", Holds.GRADE, "Grade, as on the results slip.", grade, needed=True),
    )


_ALL = (
    Template(
        "ks2-results",
        "KS2 results",
        "End of key stage 2: scaled scores of the tests and teacher assessments. One row per pupil.",
        (*_IDENTITY, _YEAR, *_tests_and_judgements("KS2")),
        stage="KS2",
        nc_years=("6",),
    ),
    Template(
        "ks1-results",
        "KS1 results",
        "End of key stage 1, not statutory since 2023/24: scaled scores, teacher assessments. One row per pupil.",
        (*_IDENTITY, _YEAR, *_tests_and_judgements("KS1")),
        stage="KS1",
        nc_years=("2",),
    ),
    Template(
        "phonics",
        "Phonics screening check",
        "Phonics in year 1, or year 2 when taken again: mark, outcome, or both. One row per pupil.",
        (
            *_IDENTITY,
            _YEAR,
            _score("mark", "Words read, of 40.", "Phonics screening check mark", "phonics_mark", "34"),
            _score(
                "outcome", "Whether the standard was met.", "Phonics screening check outcome", "phonics_outcome", "Wa"
            ),
        ),
        stage="KS1",
        nc_years=("1", "2"),
    ),
    Template(
        "mtc",
        "Multiplication tables check",
        "Multiplication tables in year 4. One row per pupil.",
        (
            *_IDENTITY,
            _YEAR,
            _score("mark", "Right answers, of 25.", "Multiplication tables check mark", "tables_mark", "21"),
        ),
        stage="KS2",
        nc_years=("4",),
    ),
    Template(
        "eyfs",
        "EYFS profile",
        "Early years foundation stage profile: 1 is emerging, 2 expected, A not assessed. One row per pupil.",
        (
            *_IDENTITY,
            _YEAR,
            *(_score(code, f"{goal}.", f"EYFS {code.upper()}", "eyfs_goal", "2") for code, goal in _GOALS),
        ),
        stage="EYFS",
        nc_years=("R",),
    ),
    Template(
        "ks4-results",
        "KS4 results",
        "GCSE and equivalents. One row per pupil and subject.",
        _examination_columns(_KS4, ("GCSE", "Mathematics", "6")),
        chooses="qualification",
        names=MappingProxyType(_KS4),
        nc_years=("11",),
    ),
    Template(
        "ks5-results",
        "KS5 results",
        "A level, AS level, BTEC and other level 3 results. One row per pupil and subject.",
        _examination_columns(_KS5, ("A level", "Mathematics", "B")),
        chooses="qualification",
        names=MappingProxyType(_KS5),
        nc_years=("12", "13"),
    ),
    Template(
        "standardised-tests",
        "Standardised tests",
        "CAT4, NGRT and other tests with a standardised score. One row per pupil and test.",
        (
            *_IDENTITY,
            Column("test_date", Holds.DAY, "Day of the test.", "2025-09-16", needed=True),
            _chosen("test", "Which test, or which part of it.", _TESTS, "CAT4 Verbal"),
            Column("score", Holds.GRADE, "Standardised score.", "108", needed=True, scale="standardised_score"),
        ),
        chooses="test",
        names=MappingProxyType(_TESTS),
    ),
    Template(
        "teacher-assessment",
        "Teacher assessment",
        "Where pupils stand at an assessment point, as their teachers judge it. One row per pupil and subject.",
        (
            *_IDENTITY,
            Column("assessment_date", Holds.DAY, "Day of the assessment point.", "2025-12-05", needed=True),
            Column("assessment_point", Holds.TEXT, "Its name, up to 50 characters.", "Autumn", needed=True),
            _chosen("stage", "What the grade is of.", _TAUGHT, "GCSE"),
            Column("subject", Holds.TEXT, "Subject.", "Mathematics", needed=True),
            Column("grade", Holds.GRADE, "The grade the pupil is working at.", "5", needed=True),
        ),
        chooses="stage",
        names=MappingProxyType(_TAUGHT),
    ),
)
TEMPLATES: Mapping[str, Template] = MappingProxyType({template.name: template for template in _ALL})


def describe(template: Template, vocabulary: Vocabulary) -> list[tuple[str, str, str, str, str]]:
    """The columns of a template for people, a heading first: name, needed, what it is, what it may hold, an example."""
    rows = [("column", "needed", "what it is", "what it may hold", "example")]
    for column in template.columns:
        allowed = column.allowed(vocabulary)
        rows.append((column.name, "yes" if column.needed else "", column.meaning, allowed, column.example))
    return rows
