"""Sends quarantined rows through the present rules again and loads those that pass.

A row that was refused by a rule is taken from its entry. One that did not decode is decoded again from the archived
pages of its extract, all of them, because what a page means may depend on those before it (attendance codes).

What is loaded is logged as an extract of its own, and the rows name that one: whoever has read a school's rows up to an
extract finds all that changed since under later numbers (core.register_year does).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.connectors.base import Partner
from orchestration.connectors.errors import MalformedPage
from orchestration.ingest import extracts, gates, locks, payload, quarantine, rematching
from orchestration.ingest.archive import ArchiveError
from orchestration.ingest.categories import Category
from orchestration.ingest.extracts import Ending, Tallies
from orchestration.ingest.gates import Findings
from orchestration.ingest.job import Job, open_job
from orchestration.ingest.landing import KEYLESS, UNSTORABLE, Landing, landing_tables
from orchestration.ingest.load import Accepted, merge
from orchestration.ingest.planning import not_approved
from orchestration.ingest.quarantine import Entry
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


@dataclass(frozen=True, slots=True)
class RetryResult:
    """Entries: ``loaded`` ones are closed, ``still_bad`` broke a rule again, for ``not_tried`` ones see ``notes``."""

    loaded: int
    still_bad: int
    not_tried: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Share:
    """The open entries of one extract, and the source it was read from."""

    school_id: int
    extract_id: int
    source_id: int
    entries: list[Entry]


def retry(
    warehouse: Warehouse,
    partners: Mapping[str, Partner],
    settings: Settings,
    *,
    school_id: int | None = None,
    category: Category | None = None,
) -> RetryResult:
    """Retry the open entries, of one school or category if given.

    Entries of an extract that is held are not tried: its other rows were not accepted either. The partners, by name,
    are not asked for anything; they only lend their decoders. Entries of a partner that is not among them stay.
    """
    results = [
        _retry_category(warehouse, partner, settings, chosen, school_id)
        for partner in partners.values()
        for chosen in ([category] if category else list(Category))
    ]
    return RetryResult(
        sum(result.loaded for result in results),
        sum(result.still_bad for result in results),
        sum(result.not_tried for result in results),
        tuple(note for result in results for note in result.notes),
    )


def _retry_category(
    warehouse: Warehouse, partner: Partner, settings: Settings, category: Category, school_id: int | None
) -> RetryResult:
    loaded = still_bad = not_tried = 0
    notes: list[str] = []
    with open_job(warehouse, partner, settings, category, run_id=f"retry-{uuid.uuid4()}", full=False) as job:
        for share in _shares(job, quarantine.list_open(job.conn, school_id=school_id, category=category)):
            try:
                bad = _retry_share(job, share)
            except NotTried as error:
                not_tried += len(share.entries)
                notes.append(f"School {share.school_id}, extract {share.extract_id}: {error}")
            else:
                still_bad += bad
                loaded += max(0, len(share.entries) - bad)
    return RetryResult(loaded, still_bad, not_tried, tuple(notes))


class NotTried(Exception):
    """Why the entries of an extract could not be judged."""


def _shares(job: Job, entries: Sequence[Entry]) -> list[_Share]:
    """The entries that came from the job's partner, by extract, older extracts first, so that a later version of a row
    comes after an earlier one.
    """
    by_extract: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_extract[entry.extract_id].append(entry)
    origins = job.conn.execute(
        "select extract_id, extract.school_id, source_id from ops.extract as extract"
        " inner join ops.source as source using (source_id)"
        " where extract_id = any(%s) and source.partner = %s order by 1",
        (list(by_extract), job.partner.name),
    )
    return [_Share(school, extract, source, by_extract[extract]) for extract, school, source in origins]


def _retry_share(job: Job, share: _Share) -> int:
    """Judge and load the entries of one extract; how many rows are refused again. Raises ``NotTried``."""
    # What no column can hold will not have become loadable, whatever the rules say now; its payload only spells it out.
    entries = [entry for entry in share.entries if not {UNSTORABLE, KEYLESS} & set(entry.rules)]
    hopeless = len(share.entries) - len(entries)
    if not entries:
        return hopeless
    if not locks.take_schools(job.conn, job.spec.category, [share.school_id]):
        raise NotTried(
            f"another run is extracting {job.spec.category.value} of this school; try again when it has ended."
        )
    try:
        if extracts.interrupted(job.conn, job.spec.category, share.school_id):
            # Gone on with, it would load its rows under a lower number than the retry's.
            raise NotTried(
                f"an extract of {job.spec.category.value} was interrupted; run mis run first, then try again."
            )
        accepted, archive_path = _extract_of(job, share)
        with landing_tables(job.conn, job.writer, job.spec) as work:
            _land(job, work, share, entries, archive_path)
            return hopeless + _judge_and_load(job, work, accepted, entries, share.source_id)
    finally:
        locks.release_school(job.conn, job.spec.category, share.school_id)


def _extract_of(job: Job, share: _Share) -> tuple[Accepted, str]:
    """The extract that brought the entries, and where its pages are."""
    row = job.conn.execute(
        "select extract.state, school.state, as_at, archive_path from ops.extract as extract"
        " inner join ops.school as school using (school_id) where extract_id = %s",
        (share.extract_id,),
    ).fetchone()
    if row is None or row[0] != "loaded":
        raise NotTried("the extract was not accepted; its rows wait for the next extract.")
    _, state, as_at, archive_path = row
    if state != "approved":
        raise NotTried(not_approved(state))
    return Accepted(share.school_id, share.extract_id, as_at), archive_path


def _land(job: Job, work: Landing, share: _Share, entries: Sequence[Entry], archive_path: str) -> None:
    """Bring the rows of the entries into the work tables."""
    tables = {table.name: table for table in job.spec.tables}
    undecoded = {entry.table_name for entry in entries if entry.payload_kind == "source"}
    if undecoded:
        _decode_again(job, work, share.school_id, undecoded, archive_path)
        work.flush()
        for table in job.spec.tables:
            work.reject_endless_ids(table)
            work.drop_duplicates(table)
        # Before the refused rows are added: those were refused under the names that the school's records have here.
        rematching.rename(job.conn, job.spec, work, {share.school_id: share.source_id})
    for entry in entries:
        if entry.payload_kind == "landing":
            work.add(share.school_id, entry.table_name, [payload.to_row(tables[entry.table_name], entry.payload)])
    work.flush()


def _decode_again(job: Job, work: Landing, school_id: int, undecoded: set[str], archive_path: str) -> None:
    """Land what the streams that begin with these tables brought; what has not changed will not be written again."""
    streams = {
        stream.name for stream in job.partner.streams(job.spec.category, "full") if stream.tables[0] in undecoded
    }
    decoder = job.partner.decoder(job.spec.category)
    found = False
    try:
        for page in job.archive.replay(archive_path):
            found = True
            page_holds = decoder.decode(page.endpoint, page.body)
            if page.endpoint in streams:
                for part in page_holds.rows:
                    work.add(school_id, part.table, part.rows)
                work.add_undecoded(school_id, page_holds.bad)
    except (ArchiveError, MalformedPage) as error:
        raise NotTried(str(error)) from error
    if not found:
        raise NotTried("its pages are no longer in the archive; extract the category again with --full.")


def _judge_and_load(job: Job, work: Landing, accepted: Accepted, entries: Sequence[Entry], source_id: int) -> int:
    """How many rows are refused again."""
    findings = Findings()
    for table in job.spec.tables:
        work.drop_duplicates(table)
        gates.judge_rows(job, table, work, findings, as_at=accepted.as_at.date())
        work.reject_endless_ids(table)
        work.reject_unloadable(table)
    if accepted.school_id in findings.held:
        raise NotTried(" ".join(findings.held[accepted.school_id]))
    with job.conn.transaction():
        quarantine.drop_closed(job.conn, work, accepted.extract_id)
        quarantine.write(job.conn, job.spec.category, work, {accepted.school_id: accepted.extract_id})
        _load(job, work, accepted, source_id)
        quarantine.resolve(job.conn, work, [entry.quarantine_id for entry in entries])
        findings.record(job.conn, job.run_id)
    return sum(work.rejected_counts().values())


def _load(job: Job, work: Landing, brought: Accepted, source_id: int) -> None:
    """Load the rows that passed, if any, under a new extract; in the caller's transaction."""
    landed = {table.name: work.row_counts(table).get(brought.school_id, 0) for table in job.spec.tables}
    if not any(landed.values()):
        return
    school_id = brought.school_id
    extract = extracts.start(
        job.conn,
        run_id=job.run_id,
        school_id=school_id,
        source_id=source_id,
        category=job.spec.category,
        mode="incremental",
        watermark_from=None,
    )
    accepted = Accepted(school_id, extract.extract_id, brought.as_at, read_by=brought.extract_id)
    tables = {}
    for table in job.spec.tables:
        counts = merge(job.conn, table, work, [accepted])[school_id]
        tables[table.name] = Tallies(
            landed[table.name], 0, unchanged=landed[table.name] - counts.written, counts=counts
        )
    message = f"Retried from quarantine: rows of extract {brought.extract_id}."
    extracts.finish(job.conn, extract.extract_id, Ending("loaded", message, as_at=brought.as_at, tables=tables))
