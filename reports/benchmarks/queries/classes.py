"""Teaching groups in which a subject is studied."""

from __future__ import annotations

from reports.database import Published, Row

_GROUPS = """
select distinct t.group_id, t.group_name
from benchmarks.pupil_subject s
cross join lateral unnest(s.group_ids) as g (group_id)
join benchmarks.teaching_group t on t.school_id = s.school_id and t.group_id = g.group_id
where s.school_id = %(school_id)s and s.academic_year = %(academic_year)s and s.qualification = %(qualification)s
    and s.subject = %(subject)s
order by t.group_name, t.group_id
"""


def groups(db: Published, school_id: int, academic_year: int, qualification: str, subject: str) -> list[Row]:
    """Return group_id and group_name of the subject's teaching groups, by name."""
    return db.rows(
        _GROUPS, school_id=school_id, academic_year=academic_year, qualification=qualification, subject=subject
    )
