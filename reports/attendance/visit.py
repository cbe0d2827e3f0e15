"""What every attendance page is about: a school's academic year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request

from reports.database import Published
from reports.formats import year_name
from reports.pages import NotYours, Reading, Visit, school_row


@dataclass(frozen=True, slots=True)
class Year:
    """An academic year of a school, and the last open day whose marks are in the figures."""

    academic_year: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class YearVisit(Visit):
    """One look at a page of a school's year."""

    year: Year
    years: Sequence[Year]

    @property
    def kept(self) -> str:
        return f"year={self.year.academic_year}"

    @property
    def year_options(self) -> list[tuple[int, str]]:
        """What the chooser of the year offers."""
        return [(year.academic_year, year_name(year.academic_year)) for year in self.years]


def open_visit(request: Request, now: Reading) -> YearVisit:
    """Return the visit of the school and year in the address. Raises NotYours; the year defaults to the latest."""
    school = school_row(request, now)
    years = _years(now.db, school["school_id"]) if now.db.has("school_day") else []
    if not years or now.release is None:
        raise NotYours
    wanted = request.query_params.get("year", "")
    year = next((year for year in years if str(year.academic_year) == wanted), years[0])
    return YearVisit(
        now.db, now.reader, now.release, now.section, school, request.query_params, request.path_params, year, years
    )


def _years(db: Published, school_id: int) -> list[Year]:
    rows = db.rows(
        """
        select academic_year, min(session_date) as first_day, max(session_date) as last_day
        from attendance.school_day
        where school_id = %(school_id)s and is_open_day
        group by academic_year
        order by academic_year desc
        """,
        school_id=school_id,
    )
    return [Year(row["academic_year"], row["first_day"], row["last_day"]) for row in rows]
