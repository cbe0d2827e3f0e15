"""What pages of a purpose have in common: who may see them, of which school and year."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from orchestration.ingest.categories import Purpose
from reports.database import Published, Release, Row, current_release, published_for
from reports.formats import year_name
from reports.readers import Reader, load_reader
from reports.signin import Session, session_of
from reports.site import Site, site_of


class SignInNeeded(Exception):
    """Nobody is signed in, or the person has gone."""


class NotYours(Exception):
    """There is no such school, pupil or page, or it is not this reader's: the answer does not tell which."""


@dataclass(frozen=True, slots=True)
class Year:
    """An academic year of a school, and the last open day whose marks are in the figures."""

    academic_year: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at a page of a school."""

    db: Published
    reader: Reader
    release: Release
    school: Row
    year: Year
    years: Sequence[Year]
    query: QueryParams
    path: Mapping[str, Any]

    @property
    def school_id(self) -> int:
        return int(self.school["school_id"])

    @property
    def address(self) -> str:
        """Where the pages of this school are."""
        return f"/schools/{self.school_id}/attendance"

    @property
    def year_options(self) -> list[tuple[int, str]]:
        """What the chooser of the year offers."""
        return [(year.academic_year, year_name(year.academic_year)) for year in self.years]

    @property
    def query_with_open_tables(self) -> str:
        """The page's query, with the tables beneath charts shown."""
        kept = [(name, value) for name, value in self.query.multi_items() if name != "tables"]
        return urlencode([*kept, ("tables", "open")])

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Return a parameter of the address if it is one of these, else the default."""
        chosen = self.query.get(name, default)
        return chosen if chosen in allowed else default


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a school. It is shown when ``needs`` (relation to columns) is published and open to the reader; of
    relations with ``|`` between them one is enough.

    ``build`` returns what the template shows beyond the common parts. ``note`` says what is suppressed, and why.
    """

    slug: str
    title: str
    template: str
    build: Callable[[Visit], Mapping[str, Any]]
    needs: Mapping[str, Sequence[str]]
    note: str
    is_of_pupils: bool = False
    path: str = ""
    in_menu: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A request of somebody who may read the purpose, and the transaction that their page is read in."""

    site: Site
    session: Session
    reader: Reader
    release: Release | None
    db: Published

    def context(self) -> dict[str, Any]:
        return {
            "reader": self.reader,
            "form_token": self.site.signer.form_token(self.session.session_id),
            "release": self.release,
        }


@contextmanager
def reading(request: Request, purpose: Purpose) -> Iterator[Reading]:
    """Read as the signed-in person, with the rights they have at this moment.

    Raises SignInNeeded without a session, and NotYours when the person has not been granted the purpose.
    """
    session = session_of(request)
    if session is None:
        raise SignInNeeded
    site = site_of(request)
    with site.pool.transaction() as connection:
        reader = load_reader(connection, session.person_id)
        if reader is None:
            raise SignInNeeded
        if not reader.may_read(purpose):
            raise NotYours
        release = current_release(connection, purpose)
        with published_for(connection, reader, purpose) as db:
            yield Reading(site, session, reader, release, db)


def school_endpoint(page: Page, menu: Sequence[Page]) -> Callable[[Request], Response]:
    """Return the endpoint that shows ``page`` of the school and year in the address."""

    def endpoint(request: Request) -> Response:
        with reading(request, Purpose.ATTENDANCE) as now:
            visit = open_visit(request, now)
            context = now.context() | {"page": page, "menu": menu, "visit": visit, "missing": lacks(page, now.db)}
            if page.is_of_pupils and not now.reader.may_see_pupils:
                return now.site.render(request, "attendance/pupils_not_open.html", context, 403)
            if context["missing"]:
                return now.site.render(request, "attendance/not_published.html", context)
            return now.site.render(request, page.template, context | dict(page.build(visit)))

    return endpoint


def open_visit(request: Request, now: Reading) -> Visit:
    """Return the visit of the school and year in the address. Raises NotYours; the year defaults to the latest."""
    school_id = request.path_params["school_id"]
    if school_id not in now.reader.school_ids or now.release is None or not now.db.has("school", "school_name"):
        raise NotYours
    school = now.db.row("select * from attendance.school where school_id = %(school_id)s", school_id=school_id)
    years = _years(now.db, school_id) if now.db.has("school_day") else []
    if school is None or not years:
        raise NotYours
    wanted = request.query_params.get("year", "")
    year = next((year for year in years if str(year.academic_year) == wanted), years[0])
    return Visit(now.db, now.reader, now.release, school, year, years, request.query_params, request.path_params)


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


def lacks(page: Page, db: Published) -> list[str]:
    """Return the relations that the page needs and this reader does not have."""
    return [
        relations.split("|")[-1]
        for relations, columns in page.needs.items()
        if not any(db.has(relation, *columns) for relation in relations.split("|"))
    ]
