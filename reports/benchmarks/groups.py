"""Pupil groups of a year group: Attainment 8, English and mathematics, Key Stage 2, by level and if targets are met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.benchmarks import levels
from reports.benchmarks.names import GROUP_MEASURES
from reports.benchmarks.queries import groups as queries
from reports.benchmarks.visit import CohortVisit
from reports.database import Row
from reports.group_names import GROUPS, group_values, is_null, value_name
from reports.pages import Page

_GROUPS = {"all": "Whole year group", **GROUPS, "prior_attainment": "Prior attainment"}
_PRIOR = {"low": "Low prior attainment", "middle": "Middle", "high": "High"}


def build(visit: CohortVisit) -> Mapping[str, Any]:
    """Return the chosen measure of every group."""
    rows = queries.groups(visit.db, visit.school_id, visit.academic_year, visit.year_group)
    measures = {key: name for key, name in GROUP_MEASURES.items() if any(row[key] is not None for row in rows)}
    measure = visit.choice("measure", list(measures), next(iter(measures), "attainment8"))
    figures = levels.Figures("Group", levels.lines(_in_order(rows), _name), levels.challenges(rows), measure)
    title = f"{GROUP_MEASURES[measure]} by pupil group"
    return {
        **figures.parts(
            "groups",
            title,
            visit.cohort,
            targets=f"If all targets are met: {title}, {visit.cohort}",
            current=f"Current assessments: {title}, {visit.cohort}",
        ),
        "measure": measure,
        "measures": list(measures.items()),
        "slots": next(
            (row["slots_filled"] for row in rows if row["group_name"] == "all" and row["population"] == "estimated"),
            None,
        ),
    }


def _in_order(rows: list[Row]) -> list[Row]:
    ordered = []
    for group in _GROUPS:
        mine = [row for row in rows if row["group_name"] == group]
        values = group_values(group, {row["group_value"] for row in mine})
        ordered += sorted(mine, key=lambda row: values.index(row["group_value"]))
    return ordered


def _name(row: Row) -> str:
    group, value = row["group_name"], row["group_value"]
    if group == "all":
        return _GROUPS["all"]
    name = _PRIOR.get(value, value_name(group, value)) if group == "prior_attainment" else value_name(group, value)
    return f"{_GROUPS[group]}: {name.lower()}" if is_null(value) else name


PAGE = Page(
    slug="groups",
    title="Groups",
    template="benchmarks/groups.html",
    build=build,
    needs={"group_summary_exact|group_summary": ("population", "attainment8")},
    note="For readers without the right to small groups, figures of fewer than six pupils are hidden and shown as c,"
    " and so is what would give them away.",
)
