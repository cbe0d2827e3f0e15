"""The extract loop: one category of many schools, from the partner's pages to accepted rows in ``raw``.

Schools go in batches. A batch is read (``reading``), judged (``gates``) and loaded (``load``) as one, because a
statement for 25 schools costs little more than one for one; but each school has an extract, a verdict and an outcome of
its own, and what happens to one never decides about another. Everything that is accepted is committed together with its
watermark and its log, so a process that dies at any point leaves either the state before or the state after.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from orchestration.connectors.base import Mode, Partner
from orchestration.ingest import extracts, locks, registry, watermarks
from orchestration.ingest.acceptance import Acceptance
from orchestration.ingest.categories import Category
from orchestration.ingest.errors import describe
from orchestration.ingest.extracts import Ending, State
from orchestration.ingest.job import Job, open_job
from orchestration.ingest.landing import landing_tables
from orchestration.ingest.planning import begin_again, prepare, why_not_extract
from orchestration.ingest.progress import NO_PROGRESS, Progress, Tally
from orchestration.ingest.reading import BatchReader, Reading
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


@dataclass(frozen=True, slots=True)
class SchoolOutcome:
    """How the extraction of one school's category ended.

    ``loaded``: accepted (perhaps nothing had changed; ``message`` then tells what the school does not share). ``held``:
    a gate forbade it, the last accepted data stay. ``failed``: it could not be read or loaded, likewise.
    ``rows_loaded`` counts rows inserted, changed or restored. ``extract_id`` is None when nothing was begun.
    ``seconds`` is the time from the start of the school's batch to its end.
    """

    school_id: int
    category: Category
    state: State
    mode: Mode
    pages: int
    rows_extracted: int
    rows_loaded: int
    rows_quarantined: int
    rows_removed: int
    message: str | None
    seconds: float
    extract_id: int | None


def extract_category(
    warehouse: Warehouse,
    partners: Mapping[str, Partner],
    settings: Settings,
    category: Category,
    school_ids: Sequence[int],
    *,
    run_id: str,
    full: bool = False,
    accept_held: bool = False,
    this_year: bool = False,
    progress: Progress | None = None,
) -> list[SchoolOutcome]:
    """Extract a category of the given schools, each from the partner that serves it, and return an outcome for each.

    Reads what changed since the last accepted extract, or everything when there is none, when the last full one is
    older than the category allows, or when ``full``. An extract that was interrupted is gone on with from its archived
    pages.

    With ``accept_held`` a school is loaded in spite of the critical batch rules that it breaks; its message says which
    they were. A rule that could not be evaluated holds it all the same.

    With ``this_year`` marks that are to be read whole are read for the present academic year alone; what came of
    earlier years stays, and ``ops.watermark.covers_from`` says that they have not been read.

    What goes wrong with a school is in its outcome and in ``ops.extract``. Raises ``psycopg.Error`` only when the
    warehouse itself is gone; extracts that were under way can then be gone on with.
    """
    schools = list(dict.fromkeys(school_ids))
    tally = Tally(progress or NO_PROGRESS, category, len(schools))
    outcomes: list[SchoolOutcome] = []
    for partner, served in _by_partner(warehouse, partners, schools):
        with open_job(
            warehouse,
            partner,
            settings,
            category,
            run_id=run_id,
            full=full,
            accept_held=accept_held,
            this_year=this_year,
        ) as job:
            for start in range(0, len(served), settings.schools_per_batch):
                outcomes += _extract_batch(job, served[start : start + settings.schools_per_batch], tally)
    order = {school_id: place for place, school_id in enumerate(schools)}
    return sorted(outcomes, key=lambda outcome: order[outcome.school_id])


def _by_partner(
    warehouse: Warehouse, partners: Mapping[str, Partner], school_ids: Sequence[int]
) -> list[tuple[Partner, list[int]]]:
    """The schools by who serves them. One that nobody serves here goes to any partner, to be told why it cannot be."""
    with warehouse.connect() as conn:
        known = registry.read(conn, list(school_ids))
    served: dict[str, list[int]] = {name: [] for name in partners}
    for school_id in school_ids:
        name = known[school_id].partner if school_id in known else ""
        served[name if name in partners else next(iter(partners))].append(school_id)
    return [(partners[name], ids) for name, ids in served.items() if ids]


def settled_before(
    warehouse: Warehouse, category: Category, school_ids: Sequence[int], *, run_id: str
) -> list[SchoolOutcome]:
    """Outcomes of the schools that an earlier attempt of this run has loaded or held: they need not be read again."""
    with warehouse.connect() as conn:
        found = extracts.settled(conn, run_id, category, school_ids)
    return [SchoolOutcome(category=category, **asdict(extract)) for extract in found]


def _extract_batch(job: Job, school_ids: list[int], tally: Tally) -> Iterator[SchoolOutcome]:
    started = time.monotonic()
    batch = _Batch(job, tally)
    endings = batch.run(school_ids)
    for school_id in school_ids:
        ending = endings[school_id]
        reading = batch.readings.get(school_id)
        tally.done(school_id, ending.state)
        yield SchoolOutcome(
            school_id=school_id,
            category=job.spec.category,
            state=ending.state,
            mode=reading.extract.mode if reading else "full" if job.full else "incremental",
            pages=ending.pages,
            rows_extracted=ending.rows_extracted,
            rows_loaded=ending.rows_loaded,
            rows_quarantined=ending.rows_quarantined,
            rows_removed=ending.rows_removed,
            message=ending.message,
            seconds=time.monotonic() - started,
            extract_id=reading.extract.extract_id if reading else None,
        )


class _Batch:
    """The extraction of one batch; ``readings`` are the schools that were begun."""

    def __init__(self, job: Job, tally: Tally) -> None:
        self._job = job
        self._tally = tally
        self.readings: dict[int, Reading] = {}
        self._endings: dict[int, Ending] = {}

    def run(self, school_ids: list[int]) -> dict[int, Ending]:
        """Extract the batch; how it ended for every school."""
        conn, category = self._job.conn, self._job.spec.category
        locked: set[int] = set()
        try:
            known = registry.read(conn, school_ids)
            approved = [school_id for school_id, school in known.items() if school.state == "approved"]
            locked = locks.take_schools(conn, category, approved)
            marks = watermarks.read(conn, category, school_ids)
            for school_id in school_ids:
                if why_not := why_not_extract(self._job, school_id, known.get(school_id), locked):
                    self._endings[school_id] = Ending("failed", why_not)
                else:
                    self.readings[school_id] = prepare(self._job, known[school_id], marks.get(school_id))
            if self.readings:
                self._extract()
        except Exception as error:
            if conn.broken:
                raise
            for school_id in school_ids:
                if school_id not in self._endings:
                    self._fail(school_id, describe(error))
        finally:
            if not conn.broken:
                for school_id in locked:
                    locks.release_school(conn, category, school_id)
        return self._endings

    def _extract(self) -> None:
        job = self._job
        with landing_tables(job.conn, job.writer, job.spec) as work:
            reader = BatchReader(job, work, self._tally, begin_again=lambda reading: begin_again(job, reading))
            self.readings = {reading.school_id: reading for reading in reader.read(list(self.readings.values()))}
            usable = []
            for reading in self.readings.values():
                if reading.failure is not None:
                    self._fail(reading.school_id, reading.failure)
                elif reading.nothing_granted or reading.as_at is None:
                    # The school's own choice, and no fault: what was accepted before stays, and so does the watermark.
                    self._end(
                        reading, Ending("loaded", " ".join(reading.denied.values()), reading.pages, reading.as_at)
                    )
                else:
                    usable.append(reading)
            work.discard(list(self._endings))
            if usable:
                previous = watermarks.accepted_at(
                    job.conn, job.spec.category, [reading.school_id for reading in usable]
                )
                self._endings |= Acceptance(job, work, usable, previous).run()

    def _fail(self, school_id: int, message: str) -> None:
        if reading := self.readings.get(school_id):
            self._end(reading, Ending("failed", message, reading.pages, reading.as_at))
        else:
            self._endings[school_id] = Ending("failed", message)

    def _end(self, reading: Reading, ending: Ending) -> None:
        extracts.finish(self._job.conn, reading.extract.extract_id, ending)
        self._endings[reading.school_id] = ending
