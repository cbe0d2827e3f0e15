"""What pages of a purpose have in common: who may see them, and of which school."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from reports.addresses import query_without
from reports.database import Connection, Published, Release, Row, current_release, published_for
from reports.readers import Reader, load_reader
from reports.sections import SECTIONS, Section
from reports.signin import Session, session_of
from reports.site import Site, site_of


class SignInNeeded(Exception):
    """Nobody is signed in, or the person has gone."""


class NotYours(Exception):
    """There is no such school, pupil or page, or it is not this reader's: the answer does not tell which."""


@dataclass(frozen=True, slots=True)
class Visit(ABC):
    """One look at a page of a school. Each section adds what its pages are about: a year, or a year group."""

    db: Published
    reader: Reader
    release: Release
    section: Section
    school: Row
    query: QueryParams
    path: Mapping[str, Any]

    @property
    def school_id(self) -> int:
        return int(self.school["school_id"])

    @property
    def address(self) -> str:
        """Where the section's pages of this school are."""
        return f"/schools/{self.school_id}/{self.section.slug}"

    @property
    @abstractmethod
    def kept(self) -> str:
        """The query that links from page to page keep."""

    @property
    def query_with_open_tables(self) -> str:
        """The page's query, with the tables beneath charts shown."""
        return query_without(self.query, "tables", tables="open")

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Return a parameter of the address if it is one of these, else the default."""
        chosen = self.query.get(name, default)
        return chosen if chosen in allowed else default


AnyVisit = TypeVar("AnyVisit", bound=Visit)


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyVisit]):
    """A page of a school. It is shown when ``needs`` (relation to columns) is published and open to the reader; of
    relations with ``|`` between them one is enough.

    ``build`` returns what the template shows beyond the common parts. ``note`` says what is suppressed, and why.
    """

    slug: str
    title: str
    template: str
    build: Callable[[AnyVisit], Mapping[str, Any]]
    needs: Mapping[str, Sequence[str]]
    note: str
    is_of_pupils: bool = False
    path: str = ""
    in_menu: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A request of somebody who may read the section, and the transaction that their page is read in."""

    site: Site
    session: Session
    connection: Connection
    reader: Reader
    section: Section
    release: Release | None
    db: Published

    def context(self) -> dict[str, Any]:
        return {
            "reader": self.reader,
            "form_token": self.site.signer.form_token(self.session.session_id),
            "release": self.release,
            "section": self.section,
            "sections": [each for each in SECTIONS if self.reader.may_read(each.purpose)],
        }


@contextmanager
def signed_in(request: Request, *, read_only: bool = True) -> Iterator[tuple[Session, Connection, Reader]]:
    """A transaction for the signed-in person, with the rights they have at this moment. Raises SignInNeeded."""
    session = session_of(request)
    if session is None:
        raise SignInNeeded
    with site_of(request).pool.transaction(read_only=read_only) as connection:
        reader = load_reader(connection, session.person_id)
        if reader is None:
            raise SignInNeeded
        yield session, connection, reader


@contextmanager
def reading(request: Request, section: Section, *, read_only: bool = True) -> Iterator[Reading]:
    """Read a section as the signed-in person.

    Raises SignInNeeded without a session, and NotYours when the person has not been granted the section's purpose.
    """
    with signed_in(request, read_only=read_only) as (session, connection, reader):
        if not reader.may_read(section.purpose):
            raise NotYours
        release = current_release(connection, section.purpose)
        with published_for(connection, reader, section.purpose) as db:
            yield Reading(site_of(request), session, connection, reader, section, release, db)


def home(request: Request) -> Response:
    """Go to the first section that the reader may read."""
    with signed_in(request) as (_, _, reader):
        address = next((each.home for each in SECTIONS if reader.may_read(each.purpose)), None)
    if address is None:
        raise NotYours
    return RedirectResponse(address, 303)


def page_routes(
    section: Section, pages: Sequence[Page[AnyVisit]], open_visit: Callable[[Request, Reading], AnyVisit]
) -> list[Route]:
    """Return the addresses of a section's pages of a school; ``open_visit`` makes the visit of the request."""

    def endpoint(page: Page[AnyVisit]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            with reading(request, section) as now:
                return show(now, page, pages, open_visit(request, now))

        return answer

    return [
        Route(f"/schools/{{school_id:int}}/{section.slug}/{page.path or page.slug}", endpoint(page)) for page in pages
    ]


def show(
    now: Reading, page: Page[AnyVisit], pages: Sequence[Page[AnyVisit]], visit: AnyVisit, status: int = 200
) -> Response:
    """Answer with a page of the section's ``pages``, or with what the reader lacks of it."""
    menu = [each for each in pages if each.in_menu]
    context = now.context() | {"page": page, "menu": menu, "visit": visit, "missing": lacks(page, now.db)}
    if page.is_of_pupils and not now.reader.may_see_pupils:
        return now.site.render("pupils_not_open.html", context, 403)
    if context["missing"]:
        return now.site.render("not_published.html", context)
    return now.site.render(page.template, context | dict(page.build(visit)), status)


def school_row(request: Request, now: Reading) -> Row:
    """Return the published school in the address. Raises NotYours when it is not the reader's, or not published."""
    school_id = request.path_params["school_id"]
    if school_id not in now.reader.school_ids or not now.db.has("school", "school_name"):
        raise NotYours
    school = now.db.row(
        f"select * from {now.section.purpose.value}.school where school_id = %(school_id)s", school_id=school_id
    )
    if school is None:
        raise NotYours
    return school


def lacks(page: Page[AnyVisit], db: Published) -> list[str]:
    """Return the relations that the page needs and this reader does not have."""
    return [
        relations.split("|")[-1]
        for relations, columns in page.needs.items()
        if not any(db.has(relation, *columns) for relation in relations.split("|"))
    ]
