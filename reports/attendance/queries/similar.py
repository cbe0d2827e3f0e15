"""The schools most like one, and where it stands among them."""

from __future__ import annotations

from reports.attendance.queries import sources
from reports.database import Published, Row

_COLUMNS = """
    c.roll,
    c.fsm6_percent,
    c.sen_support_percent,
    c.ehcp_percent,
    c.eal_percent,
    c.is_suppressed,
    y.attendance_rate,
    y.persistent_absence_rate
"""

_PLACES = """
select measure, school_value, comparison_value, difference, comparator_schools, rank, percentile, note
from attendance.school_comparison
where school_id = %(school_id)s and academic_year = %(year)s and comparison = 'similar schools'
"""


def places(db: Published, school_id: int, year: int) -> dict[str, Row]:
    """Return the school beside the similar ones together, by measure."""
    return {row["measure"]: row for row in db.rows(_PLACES, school_id=school_id, year=year)}


def neighbours(db: Published, school_id: int, year: int) -> list[Row]:
    """Return a row a similar school, the nearest first.

    Name, characteristics and figures are of the neighbours that are this reader's schools; the rows of others are not
    theirs to read, and all of it is null.
    """
    return db.rows(
        f"""
        select
            n.rank,
            n.distance,
            n.k,
            n.pool_schools,
            n.phase,
            n.inputs,
            s.school_name,
            {_COLUMNS}
        from attendance.similar_school n
        left join attendance.school s on s.school_id = n.neighbour_school_id
        left join attendance.school_characteristics c
            on c.school_id = n.neighbour_school_id and c.academic_year = n.academic_year
        left join {sources.years(db)} y
            on y.school_id = n.neighbour_school_id and y.academic_year = n.academic_year
        where n.school_id = %(school_id)s and n.academic_year = %(year)s
        order by n.rank
        """,
        school_id=school_id,
        year=year,
    )


def school(db: Published, school_id: int, year: int) -> Row | None:
    """Return the school's own characteristics and figures, in the same columns; None when it is not counted."""
    return db.row(
        f"""
        select c.census_date, {_COLUMNS}
        from attendance.school_characteristics c
        left join {sources.years(db)} y on y.school_id = c.school_id and y.academic_year = c.academic_year
        where c.school_id = %(school_id)s and c.academic_year = %(year)s
        """,
        school_id=school_id,
        year=year,
    )
