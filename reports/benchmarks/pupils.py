"""A year group's pupils: prior attainment, how many estimates and targets; each leads to the student explorer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.benchmarks.names import prior_attainment
from reports.benchmarks.queries import pupils as queries
from reports.benchmarks.visit import CohortVisit
from reports.database import Row
from reports.names import pupil_label
from reports.pages import Page
from reports.paging import paged


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the pupils by name, or by key for who may not see names."""
    has_names = visit.reader.may_see_names and visit.db.has("pupil_name", "surname", "forename")
    names = queries.names(visit.db, visit.school_id) if has_names else {}
    wanted = visit.query.get("name", "").strip() if has_names else ""
    rows = [
        _row(row, names.get(row["pupil_key"], {}))
        for row in queries.pupils(visit.db, visit.school_id, visit.academic_year, visit.year_group)
    ]
    found = [row for row in rows if wanted.lower() in row["label"].lower()]
    found.sort(key=lambda row: row["label"].lower())
    return {"pupils": len(rows), "paged": paged(found, visit.query), "has_names": has_names, "name": wanted}


def _row(row: Row, names: Mapping[str, Any]) -> Row:
    prior, prior_name = prior_attainment(row["prior_measure"], row["prior_value"])
    return {**row, "label": pupil_label(row["pupil_key"], names), "prior": prior, "prior_name": prior_name}


PAGE = Page(
    slug="pupils",
    title="Pupils",
    template="benchmarks/pupils.html",
    build=build,
    needs={"pupil": ("nc_year",), "pupil_subject": ("prior_measure",)},
    note="Nothing within what your rights open: this list needs the right to small groups, names the right to names.",
    is_of_pupils=True,
)
