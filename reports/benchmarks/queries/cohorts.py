"""Which year groups of a school have estimates, and which schools there are."""

from __future__ import annotations

from collections.abc import Collection

from reports.database import Published, Row

#: Figures of every school's subjects: exact for who may see small groups, else with small ones hidden.
SUBJECTS_EXACT, SUBJECTS = "subject_summary_exact", "subject_summary"
GROUPS_EXACT, GROUPS = "group_summary_exact", "group_summary"

_SCHOOLS = """
select school_id, school_name, phase
from benchmarks.school
where school_id = any(%(school_ids)s)
order by school_name, school_id
"""


def subject_relation(db: Published) -> str:
    """Return the relation of subjects that is open to this reader."""
    return SUBJECTS_EXACT if db.has(SUBJECTS_EXACT) else SUBJECTS


def group_relation(db: Published) -> str:
    """Return the relation of pupil groups that is open to this reader."""
    return GROUPS_EXACT if db.has(GROUPS_EXACT) else GROUPS


def year_groups(db: Published, school_id: int) -> list[Row]:
    """Return academic_year and year_group of every cohort: those that study something, or those with estimates."""
    relation = "pupil_subject" if db.has("pupil_subject") else SUBJECTS
    if not db.has(relation):
        return []
    return db.rows(
        f"select distinct academic_year, year_group from benchmarks.{relation} where school_id = %(school_id)s",
        school_id=school_id,
    )


def schools(db: Published, school_ids: Collection[int]) -> list[Row]:
    """Return the published schools among these, by name."""
    return db.rows(_SCHOOLS, school_ids=list(school_ids))
