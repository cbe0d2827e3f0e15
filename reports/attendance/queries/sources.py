"""Where counts of the whole school come from: the same columns, whatever the reader's level.

Readers of aggregates may not read a school's year or week as counted, but the group ``all`` of the figures that have
been through suppression. It is the same school.
"""

from __future__ import annotations

from reports.database import Published

_YEAR_OF_GROUPS = """
(
    select
        g.*,
        d.last_session_date,
        s.national_phase,
        n.absence_rate as national_absence_rate,
        n.attendance_rate as national_attendance_rate,
        n.persistent_absence_rate as national_persistent_absence_rate
    from attendance.group_year g
    join attendance.school s using (school_id)
    left join (
        select school_id, academic_year, max(session_date) as last_session_date
        from attendance.school_day
        where is_open_day
        group by school_id, academic_year
    ) d using (school_id, academic_year)
    left join (
        select
            academic_year,
            national_phase,
            max(rate) filter (where measure = 'absence_rate') as absence_rate,
            max(rate) filter (where measure = 'attendance_rate') as attendance_rate,
            max(rate) filter (where measure = 'persistent_absence_rate') as persistent_absence_rate
        from attendance.national_rate
        group by academic_year, national_phase
    ) n on n.academic_year = g.academic_year and n.national_phase = s.national_phase
    where g.group_1 = 'all' and g.group_2 = 'all'
)
"""

_WEEK_OF_GROUPS = """
(
    select
        g.*,
        g.period::date as week_start,
        g.enrolments as pupils,
        d.half_term,
        row_number() over (partition by g.school_id, g.academic_year order by g.period) as week_number
    from attendance.group_period g
    left join (
        select school_id, week_start, min(half_term) as half_term
        from attendance.school_day
        group by school_id, week_start
    ) d on d.school_id = g.school_id and d.week_start = g.period::date
    where g.period_type = 'week' and g.group_1 = 'all'
)
"""


def year_relation(db: Published) -> str:
    """Return the name of the relation that counts school years for this reader."""
    return "school_year" if db.has("school_year") else "group_year"


def week_relation(db: Published) -> str:
    """Return the name of the relation that counts school weeks for this reader."""
    return "school_week" if db.has("school_week") else "group_period"


def years(db: Published) -> str:
    """Return the SQL of a relation with a row a school and year."""
    return "attendance.school_year" if year_relation(db) == "school_year" else _YEAR_OF_GROUPS


def weeks(db: Published) -> str:
    """Return the SQL of a relation with a row a school and week."""
    return "attendance.school_week" if week_relation(db) == "school_week" else _WEEK_OF_GROUPS
