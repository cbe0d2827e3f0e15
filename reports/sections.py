"""The parts of the application: one a purpose, with its pages of a school and its list of schools."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.ingest.categories import Purpose


@dataclass(frozen=True, slots=True)
class Section:
    """A purpose's pages. ``layout`` is the template around a page of a school, ``home`` the address of the schools."""

    purpose: Purpose
    slug: str
    title: str
    home: str
    first_page: str
    layout: str

    def address(self, school_id: int | None = None) -> str:
        """Where the section begins, for a school or for all of the reader's."""
        return self.home if school_id is None else f"/schools/{school_id}/{self.slug}/{self.first_page}"


ATTENDANCE = Section(
    Purpose.ATTENDANCE, "attendance", "Attendance", "/attendance", "overview", "attendance/school.html"
)
BENCHMARKS = Section(
    Purpose.BENCHMARKS, "benchmarks", "Estimates and targets", "/benchmarks", "subjects", "benchmarks/school.html"
)
SECTIONS = (ATTENDANCE, BENCHMARKS)
