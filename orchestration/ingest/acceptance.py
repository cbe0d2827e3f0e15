"""After a batch is read: its rows are judged, the bad ones set aside, and the schools that pass are loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from orchestration.ingest import batch_profile, extracts, gates, permissions, quarantine, rematching, watermarks
from orchestration.ingest.batch_profile import SchoolBatch
from orchestration.ingest.errors import describe
from orchestration.ingest.extracts import Ending, Tallies
from orchestration.ingest.gates import Findings
from orchestration.ingest.job import Job
from orchestration.ingest.landing import Landing
from orchestration.ingest.load import Accepted, Counts, merge
from orchestration.ingest.planning import not_approved
from orchestration.ingest.reading import Reading


class Acceptance:
    """Judges and loads the readings of one batch, all of which brought rows or could have."""

    def __init__(
        self, job: Job, work: Landing, readings: Sequence[Reading], accepted_at: Mapping[int, datetime]
    ) -> None:
        """``accepted_at`` has, by school, the partner's clock of the last accepted extract, where there is one."""
        self._job = job
        self._work = work
        self._readings = readings
        self._accepted_at = accepted_at
        self._findings = Findings()
        self._repeated: dict[str, Counter[int]] = {}
        self._refused: Counter[tuple[int, str]] = Counter()
        self._waiting: dict[str, Counter[int]] = {}
        self._unsure: set[tuple[int, str]] = set()

    def run(self) -> dict[int, Ending]:
        """Judge and load; how the extract of each school ended, as it now stands in the log."""
        self._judge()
        passed = [reading for reading in self._readings if reading.school_id not in self._findings.held]
        try:
            with self._job.conn.transaction():
                return self._hold() | self._load(passed) | self._record()
        except Exception:
            if self._job.conn.broken:
                raise
        # Something in it cannot be loaded. Most likely it is one school's, and then it must stay that school's.
        with self._job.conn.transaction():
            endings = self._hold() | self._record()
        for reading in passed:
            try:
                with self._job.conn.transaction():
                    endings |= self._load([reading])
            except Exception as error:
                # Whatever it is, the school's extract must say so.
                if self._job.conn.broken:
                    raise
                endings[reading.school_id] = Ending("failed", describe(error), reading.pages, reading.as_at)
                extracts.finish(self._job.conn, reading.extract.extract_id, endings[reading.school_id])
        return endings

    def _judge(self) -> None:
        job, work = self._job, self._work
        as_at = max(map(_as_at, self._readings)).date()
        for table in job.spec.tables:
            work.reject_endless_ids(table)
        for table in job.spec.tables:
            self._repeated[table.name] = work.drop_duplicates(table)
        # After it, because a row that came twice is not told apart from two records of one name.
        rematching.rename(
            job.conn, job.spec, work, {reading.school_id: reading.extract.source_id for reading in self._readings}
        )
        for table in job.spec.tables:
            gates.judge_rows(job, table, work, self._findings, as_at=as_at)
            work.reject_unloadable(table)
            self._waiting[table.name] = work.row_counts(table)
        self._refused = work.rejected_counts()
        self._unsure = work.keyless_rejected()
        quarantine.write(
            job.conn,
            job.spec.category,
            work,
            {reading.school_id: reading.extract.extract_id for reading in self._readings},
        )
        profiles = [self._profile(reading) for reading in self._readings]
        scopes = permissions.read(job.settings.column_permissions)
        batch_profile.write(job.conn, job.spec.tables, work, profiles, scopes)
        schools = [reading.school_id for reading in self._readings]
        gates.judge_batch(job, work, self._findings, schools=schools, as_at=as_at)

    def _profile(self, reading: Reading) -> SchoolBatch:
        school_id = reading.school_id
        repeated = Counter({table: counts[school_id] for table, counts in self._repeated.items()})
        return SchoolBatch(
            school_id=school_id,
            as_at=_as_at(reading),
            previous_as_at=self._accepted_at.get(school_id),
            received=reading.received - repeated,
            refused=Counter({name: rows for (school, name), rows in self._refused.items() if school == school_id}),
            whole=reading.whole,
            denied=reading.denied_tables,
            source_id=None if reading.succeeds else reading.extract.source_id,
            covers_from=reading.covers_from,
        )

    def _record(self) -> dict[int, Ending]:
        self._findings.record(self._job.conn, self._job.run_id)
        return {}

    def _hold(self) -> dict[int, Ending]:
        endings = {}
        for reading in self._readings:
            if reasons := self._findings.held.get(reading.school_id):
                ending = Ending(
                    "held", " ".join(reasons), reading.pages, reading.as_at, tables=self._tallies(reading, {})
                )
                extracts.finish(self._job.conn, reading.extract.extract_id, ending)
                endings[reading.school_id] = ending
        return endings

    def _load(self, readings: Sequence[Reading]) -> dict[int, Ending]:
        """Load schools in the caller's transaction: rows, quarantine, watermark and log together."""
        job = self._job
        states = dict(
            # Locked, so that a withdrawal that is being recorded just now comes either before or after all of it.
            job.conn.execute(
                "select school_id, state from ops.school where school_id = any(%s) order by 1 for share",
                ([reading.school_id for reading in readings],),
            ).fetchall()
        )
        endings = {
            reading.school_id: Ending("failed", not_approved(states[reading.school_id]), reading.pages, reading.as_at)
            for reading in readings
            if states[reading.school_id] != "approved"
        }
        approved = [reading for reading in readings if reading.school_id not in endings]
        accepted = [self._accepted(reading) for reading in approved]
        counts: dict[int, dict[str, Counts]] = {reading.school_id: {} for reading in approved}
        if accepted:
            for table in job.spec.tables:
                for school_id, of_table in merge(job.conn, table, self._work, accepted).items():
                    counts[school_id][table.name] = of_table
                quarantine.supersede(job.conn, table, self._work, accepted)
        for reading in approved:
            endings[reading.school_id] = Ending(
                "loaded",
                self._remarks(reading),
                reading.pages,
                reading.as_at,
                watermarks.advance(
                    job.conn,
                    job.spec.category,
                    reading.extract,
                    _as_at(reading),
                    cursors={
                        stream: cursor for stream, cursor in reading.cursors.items() if stream in reading.finished
                    },
                    covers_from=min(reading.covers_from.values(), default=None),
                    denied=reading.denied.keys(),
                ),
                self._tallies(reading, counts[reading.school_id]),
            )
        for reading in readings:
            extracts.finish(job.conn, reading.extract.extract_id, endings[reading.school_id])
        return endings

    def _accepted(self, reading: Reading) -> Accepted:
        unsure = {name for school_id, name in self._unsure if school_id == reading.school_id}
        return Accepted(
            reading.school_id,
            reading.extract.extract_id,
            _as_at(reading),
            whole=reading.whole,
            unsure=frozenset(unsure | reading.undecoded),
            succeeds=reading.succeeds,
            recent_leavers=reading.recent_leavers,
            covers_from=reading.covers_from,
        )

    def _tallies(self, reading: Reading, counts: Mapping[str, Counts]) -> dict[str, Tallies]:
        """Rows by table; ``counts`` is empty when nothing was loaded."""
        tallies = {}
        for table in self._job.spec.tables:
            key = reading.school_id, table.name
            loaded = counts.get(table.name)
            tallies[table.name] = Tallies(
                extracted=reading.received[table.name],
                quarantined=self._refused[key],
                unchanged=self._waiting[table.name][reading.school_id] - loaded.written if loaded else 0,
                counts=loaded or Counts(),
            )
        return tallies

    def _remarks(self, reading: Reading) -> str | None:
        """What somebody should know of an extract that was loaded; None when there is nothing to say."""
        repeated = [
            f"{counts[reading.school_id]} rows of {table} came more than once; the last version counts."
            for table, counts in self._repeated.items()
            if counts[reading.school_id] and table not in reading.completed
        ]
        unsure = sorted(table for table in reading.whole if table in self._accepted(reading).unsure)
        unseen = (
            [f"Rows that have gone from {', '.join(unsure)} were not marked: refused rows may be theirs."]
            if unsure
            else []
        )
        overridden = self._findings.accepted.get(reading.school_id, [])
        remarks = [
            *([f"accepted by the operator: {' '.join(overridden)}"] if overridden else []),
            *reading.denied.values(),
            *reading.notices,
            *repeated,
            *unseen,
            *self._findings.warnings.get(reading.school_id, []),
        ]
        return " ".join(remarks) or None


def _as_at(reading: Reading) -> datetime:
    assert reading.as_at is not None
    return reading.as_at
