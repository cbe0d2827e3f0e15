"""Before a batch is read: which schools may be extracted, and whether an interrupted extract is gone on with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from orchestration.connectors.base import Mode
from orchestration.ingest import extracts, registry, watermarks
from orchestration.ingest.archive import ArchiveError, ExtractLabel
from orchestration.ingest.categories import Category
from orchestration.ingest.extracts import Ending, Extract
from orchestration.ingest.job import Job
from orchestration.ingest.reading import Reading, fingerprint
from orchestration.ingest.registry import RegisteredSchool
from orchestration.ingest.watermarks import Watermark

#: Categories whose rows name pupils that only the basic category tells.
_WITH_PUPILS = frozenset(Category) - {Category.BASIC, Category.STAFF}


def why_not_extract(job: Job, school_id: int, school: RegisteredSchool | None, locked: set[int]) -> str | None:
    """Why a school may not be extracted now; None when it may. ``locked`` are the schools whose lock this job has."""
    if school is None:
        return f"There is no school {school_id}. `mis status` lists the schools."
    if school.partner != job.partner.name:
        return (
            f"The school is served by {school.partner}, which is not configured here. Set its address and credentials "
            "(operator's guide, Settings)."
        )
    if school.state != "approved":
        return not_approved(school.state)
    if job.spec.category in _WITH_PUPILS and _pupils_are_unknown(job, school):
        return (
            "The school moved to another partner or MIS, and its pupils are not known by their new ids yet. Extract its"
            " basic category first; mis run does."
        )
    if school_id not in locked:
        return (
            f"Another run is extracting {job.spec.category.value} of this school. Wait until it has ended, or stop it."
        )
    return None


def _pupils_are_unknown(job: Job, school: RegisteredSchool) -> bool:
    known = watermarks.read(job.conn, Category.BASIC, [school.school_id]).get(school.school_id)
    return known is not None and known.source_id != school.source_id


def not_approved(state: str) -> str:
    """The message for a school whose permission is not, or not any more, there."""
    return f"The school is no longer approved: it is {state} at the partner. Nothing was loaded; what is there stays."


def prepare(job: Job, school: RegisteredSchool, watermark: Watermark | None) -> Reading:
    """Go on with the school's interrupted extract where that is possible, else begin a new one."""
    now = _now(job)
    mode = watermarks.next_mode(watermark, job.spec, now, full=job.full)
    going_on: Extract | None = None
    for extract in extracts.interrupted(job.conn, job.spec.category, school.school_id):
        if going_on:
            _supersede(job, extract, "a later one was begun")
        elif why_not := _why_not_resume(job, extract, school, mode=mode, watermark=watermark, now=now):
            _supersede(job, extract, why_not)
        else:
            extracts.take_up(job.conn, extract.extract_id, job.run_id)
            going_on = extract
    if going_on is None:
        return _begin(job, school, mode, watermark)
    return _reading(job, school, going_on, watermark, resumed=True)


def begin_again(job: Job, reading: Reading) -> Reading:
    """A new extract in place of an interrupted one that the partner does not let us go on with."""
    _supersede(job, reading.extract, "the partner did not give the page after the last one")
    school = registry.read(job.conn, [reading.school_id])[reading.school_id]
    return _begin(
        job,
        school,
        reading.extract.mode,
        watermarks.read(job.conn, job.spec.category, [school.school_id]).get(school.school_id),
    )


def _why_not_resume(
    job: Job, extract: Extract, school: RegisteredSchool, *, mode: Mode, watermark: Watermark | None, now: datetime
) -> str | None:
    """What forbids going on with an interrupted extract. A full one may be gone on with though less was asked for."""
    if extract.source_id != school.source_id:
        return "the school is read from another partner or MIS since"
    if now - extract.started_at > extracts.RESUME_WITHIN:
        return "it is older than a day"
    if mode == "full" and extract.mode != "full":
        return "a full one is due"
    if extract.mode == "incremental" and (watermark is None or extract.watermark_from != watermark.updated_after):
        return "another was accepted since"
    return _why_not_use_pages(job, extract, school)


def _why_not_use_pages(job: Job, extract: Extract, school: RegisteredSchool) -> str | None:
    """What is wrong with the pages that an interrupted extract has archived, if it has any."""
    if extract.archive_path is None:
        return None
    try:
        label = job.archive.label(extract.archive_path)
    except ArchiveError as error:
        return str(error)
    fits = label is None or label == _label(job, school, extract)
    return None if fits else "the category's fields or streams are not what they were"


def _supersede(job: Job, extract: Extract, why: str) -> None:
    message = f"Superseded: it was interrupted, and not gone on with because {why}."
    extracts.finish(job.conn, extract.extract_id, Ending("failed", message))


def _begin(job: Job, school: RegisteredSchool, mode: Mode, watermark: Watermark | None) -> Reading:
    extract = extracts.start(
        job.conn,
        run_id=job.run_id,
        school_id=school.school_id,
        source_id=school.source_id,
        category=job.spec.category,
        mode=mode,
        watermark_from=watermark.updated_after if watermark and mode == "incremental" else None,
    )
    return _reading(job, school, extract, watermark, resumed=False)


def _reading(
    job: Job, school: RegisteredSchool, extract: Extract, watermark: Watermark | None, *, resumed: bool
) -> Reading:
    label = _label(job, school, extract)
    if extract.archive_path is None:
        path = job.archive.new_path(label)
        extracts.set_archive_path(job.conn, extract.extract_id, path)
        extract = replace(extract, archive_path=path)
    streams = job.partner.streams(job.spec.category, extract.mode)
    return Reading(
        school=school.as_source(),
        extract=extract,
        label=label,
        streams=streams,
        resumed=resumed,
        succeeds=watermark is not None and watermark.source_id != extract.source_id,
        since=watermark.cursors if watermark else {},
    )


def _label(job: Job, school: RegisteredSchool, extract: Extract) -> ExtractLabel:
    return ExtractLabel(
        partner=school.partner,
        partner_school_id=school.partner_school_id,
        category=job.spec.category.value,
        extract_id=extract.extract_id,
        mode=extract.mode,
        fields=fingerprint(job.spec, job.partner.streams(job.spec.category, extract.mode)),
    )


def _now(job: Job) -> datetime:
    """The database's clock, which also dated what is compared with it."""
    row = job.conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now
