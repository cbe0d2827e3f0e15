"""A year group's subjects: what their pupils would reach at each challenge level, targets and assessments beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.benchmarks import levels
from reports.benchmarks.names import MEASURES, subject_name
from reports.benchmarks.queries import subjects as queries
from reports.benchmarks.visit import CohortVisit
from reports.figures import Table, table
from reports.formats import count, sentence
from reports.pages import Page


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the figures of the year group's subjects by the chosen measure."""
    where = (visit.school_id, visit.academic_year, visit.year_group)
    rows = queries.subjects(visit.db, *where)
    measures = {
        key: name for key, name in MEASURES.items() if key == "mean_points" or any(row[key] is not None for row in rows)
    }
    measure = visit.choice("measure", list(measures), "mean_points")
    figures = levels.Figures(
        "Subject",
        levels.lines(rows, lambda row: subject_name(row["qualification"], row["subject"])),
        levels.challenges(rows),
        measure,
    )
    title = f"{measures[measure]} by subject"
    return {
        **figures.parts(
            "subjects",
            title,
            visit.cohort,
            targets=f"Targets: {title.lower()}, {visit.cohort}",
            current=f"Current assessments: {title.lower()}, {visit.cohort}",
        ),
        "measure": measure,
        "measures": list(measures.items()),
        "links": [
            (subject_name(*pair), visit.class_sheet(*pair))
            for pair in dict.fromkeys((row["qualification"], row["subject"]) for row in rows)
        ]
        if visit.reader.may_see_pupils
        else [],
        "gaps": _gaps(visit) if visit.db.has("estimate_gap") and visit.year_group else None,
        "runs": sorted({row["reference_year"] for row in rows if row["reference_year"]}),
    }


def _gaps(visit: CohortVisit) -> Table | None:
    rows = queries.gaps(visit.db, visit.school_id, visit.academic_year, visit.year_group)
    if not rows:
        return None
    return table(
        "Pupils without an estimate in a subject that they study",
        ["Why", "What would help", "Subjects", "Pupils", "Pupils and subjects"],
        [
            [
                sentence(row["gap"]),
                row["what_to_do"],
                row["subjects"],
                count(row["pupils"]),
                count(row["pupil_subjects"]),
            ]
            for row in rows
        ],
        texts=3,
    )


PAGE = Page(
    slug="subjects",
    title="Subjects",
    template="benchmarks/subjects.html",
    build=build,
    needs={"subject_summary_exact|subject_summary": ("population", "mean_points")},
    note="For readers without the right to small groups, figures of fewer than six pupils are hidden and shown as c,"
    " and so is what would give them away. Single pupils are left out.",
)
