"""Sessions by reason, over the year and by half-term."""

from __future__ import annotations

from collections.abc import Sequence

from reports.attendance.queries import sources
from reports.attendance.reasons_of_absence import Reason, other_authorised
from reports.database import Published, Row


def years(db: Published, school_id: int, years: list[int], reasons: Sequence[Reason]) -> list[Row]:
    """Return a row a year and reason: sessions, and their share of possible sessions and of absence in per cent."""
    return db.rows(
        f"""
        select
            y.academic_year,
            r.reason,
            r.sessions,
            round(100 * r.sessions::numeric / nullif(y.possible_sessions, 0), 6) as rate,
            round(100 * r.sessions::numeric / nullif(y.absence_sessions, 0), 6) as share
        from {sources.years(db)} y
        cross join lateral (values {_values(reasons)}) as r (reason, sessions)
        where y.school_id = %(school_id)s and y.academic_year = any(%(years)s)
        """,
        school_id=school_id,
        years=years,
    )


def half_terms(db: Published, school_id: int, year: int, reasons: Sequence[Reason]) -> list[Row]:
    """Return a row a half-term and reason of one year: sessions, and their share of possible sessions in per cent."""
    return db.rows(
        f"""
        with half_term as (
            select half_term, {", ".join(f"sum({column}) as {column}" for column in _columns(reasons))}
            from {sources.weeks(db)} w
            where school_id = %(school_id)s and academic_year = %(year)s
            group by half_term
        )

        select
            h.half_term,
            h.possible_sessions,
            r.reason,
            r.sessions,
            round(100 * r.sessions::numeric / nullif(h.possible_sessions, 0), 6) as rate
        from half_term h
        cross join lateral (values {_values(reasons)}) as r (reason, sessions)
        order by h.half_term
        """,
        school_id=school_id,
        year=year,
    )


def _columns(reasons: Sequence[Reason]) -> list[str]:
    return ["possible_sessions", "authorised_sessions", *(reason.column for reason in reasons)]


def _values(reasons: Sequence[Reason]) -> str:
    # Names of columns are ours, from a fixed list; nothing of a request is in here.
    named = [f"('{reason.column}', {reason.column})" for reason in reasons]
    return ", ".join([*named, f"('other_authorised', {other_authorised(list(reasons))})"])
