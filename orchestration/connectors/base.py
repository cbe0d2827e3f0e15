"""What every partner offers the extract loop; a connector is an implementation of :class:`Partner`.

A partner's part is to reach the school's data, page by page, and to turn a page into rows of the tables that
``orchestration.ingest.categories`` declares. It keeps no state beyond one event loop, knows no database and no
scheduler, so that the same loop serves each partner and a test can drive it alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from types import TracebackType
from typing import Literal, Protocol, Self

from orchestration.ingest.categories import Category

#: ``incremental``: streams that can, read what changed since a time. ``full``: every stream is read whole.
Mode = Literal["incremental", "full"]

SchoolState = Literal["approved", "pending", "revoked", "declined", "audited", "offline"]

#: The Python value of one column; a ``datetime`` is aware.
Value = str | int | bool | date | datetime | None

#: One row of a table: values in the order of ``categories.Table.columns``.
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class School:
    """A school as a partner lists it; ``partner`` and ``partner_school_id`` identify it.

    ``has_custom_codes`` is None when the partner did not say (what was known before stays true).
    ``phase`` is the partner's word.
    """

    partner: str
    partner_school_id: str
    name: str
    urn: int | None
    la_code: str | None
    establishment_number: str | None
    phase: str | None
    mis: str | None
    timezone: str
    state: SchoolState
    has_custom_codes: bool | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission we ask a school for, and whether the school grants it now."""

    name: str
    granted: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """One endpoint that is read for a category.

    ``name`` is unique within the category and stands in each of its pages. ``incremental``: in the mode it was asked
    for, the stream honours ``updated_after``; otherwise it is read whole. ``optional``: the category is of use without
    it, so ``ScopeNotGranted`` or ``ResourceNotSupplied`` need not fail the category; the tables the stream fills were
    then not read whole, and no row of theirs may be taken for deleted. ``recent_leavers``: pupils who left earlier than
    the year before are not in it any more, so what it lacks of a leaver, or reports as gone, stays. ``completes``: its
    rows stand again for rows of an earlier stream and say more; that they come twice is worth no remark.
    """

    name: str
    tables: tuple[str, ...]
    incremental: bool
    optional: bool = False
    recent_leavers: bool = False
    completes: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the partner, as received; the unit of the archive. Its repr shows no pupil.

    ``endpoint`` is the stream's name, ``number`` counts from 1 within the stream, ``next_url`` is absolute (None on the
    last page), ``as_at`` the moment whose data these are, by the partner's clock (aware), never ours. ``cursor`` is
    what the partner calls the point up to which the stream has been read with this page, where it tracks changes by
    such names and not by time; of a reading the last one counts. ``covers_from``: the stream was asked for nothing
    before this day, of which it says nothing then.
    """

    endpoint: str
    number: int
    body: bytes = field(repr=False)
    next_url: str | None
    as_at: datetime
    cursor: str | None = None
    covers_from: date | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Decoded rows of one table, in the order received."""

    table: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class BadRow:
    """One source row that did not decode: its bytes as received, and the reason, which names the field.

    ``table`` is the first table the stream fills, also where the row would have filled several.
    """

    table: str
    payload: bytes = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Records that the partner says it no longer has: the rows of ``table`` whose ``column`` is one of ``ids``."""

    table: str
    column: str
    ids: list[str]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one page holds."""

    rows: list[Rows] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)


class Decoder(Protocol):
    """Turns the pages of one school and category into rows.

    Stateful: pages are fed in the order of the streams and of the pages within them, once each; a replay from the
    archive feeds the same pages to a new decoder and gets the same rows.
    """

    @property
    def incomplete(self) -> frozenset[str]:
        """Tables that the pages so far could not fill (an include refused or not granted): absent, not deleted."""

    def decode(self, stream_name: str, body: bytes) -> Decoded:
        """What one page holds. Raises ``MalformedPage`` when the body is no page at all."""


class Partner(Protocol):
    """A source of school data. ``async with partner:`` holds its connections and limits for one event loop.

    ``schools``, ``school``, ``scopes`` and ``pages`` need it to be entered and raise ``PartnerError``; it may be
    entered again later, in another event loop. The other methods are usable at any time.
    """

    @property
    def name(self) -> str:
        """The partner's short name, as in ``ops.school.partner``."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def schools(self, known: Collection[str] = ()) -> list[School]:
        """Every school of ours, in whatever state; each once.

        Of ``known`` ones (the partner's ids) what costs a request of its own, and does not tell the state, is left out.
        """

    async def school(self, partner_school_id: str) -> School | None:
        """One school of ours as it stands now, asked for by itself; None when we may not read it (any more)."""

    async def scopes(self, school: School) -> list[Scope]:
        """What we ask of the school and what it grants now."""

    def streams(self, category: Category, mode: Mode) -> tuple[Stream, ...]:
        """The endpoints read for a category, in the order in which their pages must be decoded."""

    def pages(
        self,
        school: School,
        stream: Stream,
        *,
        updated_after: datetime | None,
        cursor: str | None = None,
        this_year: bool = False,
        resume_from: str | None = None,
        first_number: int = 1,
    ) -> AsyncIterator[Page]:
        """The pages of a stream, each once.

        ``this_year``: of a long history, which is read whole, only the present academic year by the partner's clock.

        ``updated_after`` and ``cursor`` (that of the stream's last accepted reading) are ignored by a stream that is
        not incremental; one that tracks changes by cursor and is given none reads everything. ``resume_from`` is the
        ``next_url`` of the last page already held, ``first_number`` the number of the page after it.
        """

    def decoder(self, category: Category) -> Decoder:
        """A fresh decoder for one school and category."""

    def notices(self, school: School) -> tuple[str, ...]:
        """What a reader of this school's extracts should know, in plain English: includes that its MIS refused ..."""
