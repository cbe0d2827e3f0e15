"""Reading one batch of schools from a partner: pages into the archive and, decoded, into the work tables.

Requests run side by side on an event loop. Everything else (compressing, decoding, COPY) happens in one thread beside
it, page by page, so that there is nothing to lock and the partner is asked for a page no sooner than the one before it
is dealt with. At any time a school in progress holds two pages (one in hand, one on its way) and the work tables a few
chunks of rows; as many schools are in progress as the partner may have requests: that is all, however many there are.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg

from orchestration.connectors.base import Page, School, Stream
from orchestration.connectors.errors import (
    ForeignAddress,
    PartnerError,
    RequestRefused,
    ResourceNotSupplied,
    SchoolNotAvailable,
    ScopeNotGranted,
    Unauthorised,
)
from orchestration.ingest.archive import ArchiveError, ArchiveWriter, ExtractLabel
from orchestration.ingest.categories import CategorySpec
from orchestration.ingest.errors import describe
from orchestration.ingest.extracts import Extract
from orchestration.ingest.job import Job
from orchestration.ingest.landing import Landing
from orchestration.ingest.progress import Tally

P = ParamSpec("P")
T = TypeVar("T")

_LOG = logging.getLogger(__name__)


class CannotResume(Exception):
    """The partner does not let an interrupted extract go on where it was; it has to be begun again."""


@dataclass(slots=True)
class Reading:
    """One school's reading of a category, and what came of it.

    ``succeeds``: what was accepted before came from another source. ``since`` has, by stream, the cursor of its last
    accepted reading, or None where it could not be read then; ``cursors`` that of this one; ``covers_from`` has, by
    table, the day before which nothing was asked for. ``received`` counts rows by table as the partner sent them,
    undecodable ones under the stream's first table; ``undecoded`` names every table of a stream with such a row.
    ``denied`` has, by stream, why it was not read. ``failure`` is set when nothing of the reading may be used,
    ``nothing_granted`` when what the category cannot do without was denied.
    """

    school: School
    extract: Extract
    label: ExtractLabel
    streams: tuple[Stream, ...]
    resumed: bool
    succeeds: bool
    since: Mapping[str, str | None]
    cursors: dict[str, str] = field(default_factory=dict)
    covers_from: dict[str, date] = field(default_factory=dict)
    as_at: datetime | None = None
    pages: int = 0
    received: Counter[str] = field(default_factory=Counter)
    undecoded: set[str] = field(default_factory=set)
    incomplete: frozenset[str] = frozenset()
    finished: set[str] = field(default_factory=set)
    denied: dict[str, str] = field(default_factory=dict)
    nothing_granted: bool = False
    notices: tuple[str, ...] = ()
    failure: str | None = None

    @property
    def school_id(self) -> int:
        """Our number of the school."""
        return self.extract.school_id

    @property
    def path(self) -> str:
        """Where the pages are archived."""
        assert self.extract.archive_path is not None
        return self.extract.archive_path

    @property
    def whole(self) -> frozenset[str]:
        """Tables of which everything was read: every stream of theirs to its end, and none just for changes."""
        tables = frozenset(table for stream in self.streams for table in stream.tables)
        in_part = (stream for stream in self.streams if stream.incremental or stream.name not in self.finished)
        return tables - {table for stream in in_part for table in stream.tables} - self.incomplete

    @property
    def completed(self) -> frozenset[str]:
        """Tables of which some rows come twice, the second time with more in them."""
        return frozenset(table for stream in self.streams if stream.completes for table in stream.tables)

    @property
    def recent_leavers(self) -> frozenset[str]:
        """Tables that a stream fills which knows recent leavers alone."""
        return frozenset(table for stream in self.streams if stream.recent_leavers for table in stream.tables)

    @property
    def denied_tables(self) -> frozenset[str]:
        """Tables that were kept from us, or are not supplied, in whole or in part."""
        denied = (stream for stream in self.streams if stream.name in self.denied)
        return self.incomplete.union(table for stream in denied for table in stream.tables)


def fingerprint(spec: CategorySpec, streams: Sequence[Stream]) -> str:
    """What of a declaration decides which pages are asked for and how they are read."""
    declared = [
        *(f"{table.name}:{field.name}:{field.sql_type}" for table in spec.tables for field in table.fields),
        *(f"{stream.name}:{stream.incremental}:{','.join(stream.tables)}" for stream in streams),
    ]
    return hashlib.sha256("\n".join(declared).encode()).hexdigest()[:16]


class BatchReader:
    """Reads the schools of one batch."""

    def __init__(self, job: Job, landing: Landing, tally: Tally, *, begin_again: Callable[[Reading], Reading]) -> None:
        self._job = job
        self._landing = landing
        self._tally = tally
        self._begin_again = begin_again
        self._refused: Unauthorised | None = None
        self._consent = _Consent(job.conn)

    def read(self, readings: Sequence[Reading]) -> list[Reading]:
        """Read all of them; a reading that cannot go on where it was interrupted comes back as another one.

        A school's failure is noted in its reading. Raises only what concerns the whole batch: the warehouse is gone, or
        the process is asked to stop.
        """
        try:
            return asyncio.run(self._read_all(readings))
        except* psycopg.Error as group:
            raise group.exceptions[0] from group

    async def _read_all(self, readings: Sequence[Reading]) -> list[Reading]:
        slots = asyncio.Semaphore(self._job.settings.partner_concurrency)
        with ThreadPoolExecutor(1, thread_name_prefix="landing") as beside:
            async with self._job.partner, asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._read_in_turn(reading, slots, beside)) for reading in readings]
            await _run(beside, self._landing.flush)
        return [task.result() for task in tasks]

    async def _read_in_turn(self, reading: Reading, slots: asyncio.Semaphore, beside: Executor) -> Reading:
        async with slots:
            self._tally.started(reading.school_id)
            try:
                await self._read_school(reading, beside)
            except CannotResume as stuck:
                _LOG.warning(
                    "School %s, %s: %s It is begun again.", reading.school_id, self._job.spec.category.value, stuck
                )
                await _run(beside, self._landing.discard, [reading.school_id])
                reading = await _run(beside, self._begin_again, reading)
                await self._read_school(reading, beside)
            return reading

    async def _read_school(self, reading: Reading, beside: Executor) -> None:
        """Read a school; whatever stops it is noted in ``reading.failure`` and stops nobody else."""
        pages = _Pages(reading, self._job, self._landing, self._tally, self._consent)
        try:
            if self._refused is not None:
                raise self._refused
            try:
                await self._read_streams(reading, pages, beside)
                if reading.received:
                    await self._check_source(reading)
            finally:
                # What was received stays in the archive, a page that could not be read above all.
                await _run(beside, pages.close)
            reading.notices = self._job.partner.notices(reading.school)
        except (CannotResume, psycopg.Error):
            raise
        except SchoolNotAvailable as error:
            reading.failure = f"The school is no longer approved: {error}"
        except Unauthorised as error:
            # Asking once more for each of the other schools would not help, and might get us locked out.
            self._refused = error
            reading.failure = str(error)
        except (PartnerError, ArchiveError) as error:
            reading.failure = str(error)
        except Exception as error:
            # One school's trouble, even a fault of ours, must not stop the others.
            reading.failure = describe(error)

    async def _check_source(self, reading: Reading) -> None:
        """Whether the school still is in the MIS that it is registered with, now that all is read.

        In another one every record has another id, and rows that were loaded under the wrong one would stand beside
        themselves for ever. Raises ``PartnerError``.
        """
        known = reading.school
        now = await self._job.partner.school(known.partner_school_id)
        if now is None:
            raise SchoolNotAvailable("it withdrew while it was being read; what had been read of it is not loaded.")
        if now.mis != known.mis and None not in (now.mis, known.mis):
            raise PartnerError(
                f"The school has moved from {known.mis} to {now.mis}, where every id is another. Nothing was loaded; "
                "the next run notices the move and reads the school anew."
            )

    async def _read_streams(self, reading: Reading, pages: _Pages, beside: Executor) -> None:
        archived = await _run(beside, pages.replay) if reading.resumed else {}
        for stream in reading.streams:
            last = archived.get(stream.name)
            if last is None or last.next_url is not None:
                try:
                    await self._read_stream(reading, stream, last, pages, beside)
                except ScopeNotGranted as error:
                    reading.denied[stream.name] = f"{stream.name} not granted: {error}"
                except ResourceNotSupplied as error:
                    if not stream.optional:
                        raise
                    reading.denied[stream.name] = f"{stream.name} not supplied: {error}"
            if stream.name not in reading.denied:
                reading.finished.add(stream.name)
            elif not stream.optional:
                reading.nothing_granted = True
                return

    async def _read_stream(
        self, reading: Reading, stream: Stream, last: Page | None, pages: _Pages, beside: Executor
    ) -> None:
        since, cursor = reading.extract.watermark_from, reading.since.get(stream.name)
        if stream.name in reading.since and cursor is None:
            # It was denied last time: of what changed since the reading before that one, nothing has come.
            since = None
        source = self._job.partner.pages(
            reading.school,
            stream,
            updated_after=since if stream.incremental else None,
            cursor=cursor if stream.incremental else None,
            this_year=self._job.this_year,
            resume_from=last.next_url if last else None,
            first_number=last.number + 1 if last else 1,
        )
        try:
            async with aclosing(_one_ahead(source)) as coming:
                async for page in coming:
                    await _run(beside, pages.take, stream, page)
        except (ForeignAddress, RequestRefused) as error:
            if last is None:
                raise
            raise CannotResume(f"{stream.name} cannot be read on after page {last.number}: {error}") from error


class _Consent:
    """Whether schools still let us read them, as our own records have it; asked at most once a second."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn
        self._asked_at = float("-inf")
        self._approved: set[int] = set()

    def check(self, school_id: int) -> None:
        """Raises ``SchoolNotAvailable`` when the school has withdrawn since: the partner may not know it yet."""
        if time.monotonic() - self._asked_at > 1:
            rows = self._conn.execute("select school_id from ops.school where state = 'approved'")
            self._approved = {number for (number,) in rows}
            self._asked_at = time.monotonic()
        if school_id not in self._approved:
            raise SchoolNotAvailable("it withdrew while it was being read; what had been read of it is not loaded.")


class _Pages:
    """What is done with the pages of one reading, in the order of its streams."""

    def __init__(self, reading: Reading, job: Job, landing: Landing, tally: Tally, consent: _Consent) -> None:
        self._reading = reading
        self._consent = consent
        self._archive = job.archive
        self._landing = landing
        self._tally = tally
        self._decoder = job.partner.decoder(job.spec.category)
        self._writer: ArchiveWriter | None = None

    def replay(self) -> dict[str, Page]:
        """Take the pages that are archived already; the last one of each stream."""
        streams = {stream.name: stream for stream in self._reading.streams}
        last = {}
        for page in self._archive.replay(self._reading.path):
            self._land(streams[page.endpoint], page)
            last[page.endpoint] = page
        return last

    def take(self, stream: Stream, page: Page) -> None:
        """Archive a page, then decode it into the work tables. Raises ``SchoolNotAvailable`` for a withdrawn school."""
        self._consent.check(self._reading.school_id)
        if self._writer is None:
            self._writer = self._archive.writer(self._reading.path, self._reading.label)
        self._writer.append(page)
        self._land(stream, page)

    def close(self) -> None:
        """Store the pages that are not yet stored, and note which tables the partner could not fill."""
        if self._writer is not None:
            self._writer.seal()
        self._reading.incomplete = self._decoder.incomplete

    def _land(self, stream: Stream, page: Page) -> None:
        reading = self._reading
        page_holds = self._decoder.decode(stream.name, page.body)
        for part in page_holds.rows:
            self._landing.add(reading.school_id, part.table, part.rows)
            reading.received[part.table] += len(part.rows)
        if page_holds.bad:
            self._landing.add_undecoded(reading.school_id, page_holds.bad)
            reading.received.update(row.table for row in page_holds.bad)
            reading.undecoded.update(stream.tables)
        self._landing.add_gone(reading.school_id, page_holds.gone)
        if page.covers_from is not None:
            reading.covers_from.update(dict.fromkeys(stream.tables, page.covers_from))
        if page.cursor is not None:
            reading.cursors[stream.name] = page.cursor
        reading.as_at = reading.as_at or page.as_at
        reading.pages += 1
        self._tally.page(reading.school_id, sum(len(part.rows) for part in page_holds.rows) + len(page_holds.bad))


async def _one_ahead(pages: AsyncIterator[Page]) -> AsyncGenerator[Page, None]:
    """The pages, with the next one already asked for while one is dealt with."""

    async def ask() -> Page | None:
        return await anext(pages, None)

    coming = asyncio.create_task(ask())
    try:
        while (page := await coming) is not None:
            coming = asyncio.create_task(ask())
            yield page
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _run(beside: Executor, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(beside, partial(function, *arguments, **named))
