"""Loading a file: read, matched, judged by the same row rules as what partners send, and then all of it or none.

A file that cannot be read is logged and nothing else. One that can is archived as it came and becomes an extract for
each category it fills; its bad rows go to quarantine, its good ones into ``raw``, in one transaction with the log. The
rows are of the school's source ``file``, so no partner's reading ever takes them for gone.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from orchestration.connectors.base import Page
from orchestration.files import log, replacing, rows
from orchestration.files.faults import FileError, FileFault
from orchestration.files.judging import judge, key_of, numbers_told, refused_rows
from orchestration.files.log import FileRecord, FileState
from orchestration.files.matching import read_roll
from orchestration.files.reading import Request, laestab_of, read_file
from orchestration.files.records import Contents
from orchestration.files.replacing import Replaced
from orchestration.files.rows import TABLES
from orchestration.files.vocabulary import Vocabulary, read_vocabulary
from orchestration.ingest import connections, extracts, gates, locks, quarantine, registry, sources
from orchestration.ingest.archive import ExtractLabel
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.extracts import Ending, Tallies
from orchestration.ingest.gates import Findings
from orchestration.ingest.job import Bench, open_bench
from orchestration.ingest.landing import KEYLESS, UNSTORABLE, Landing, landing_tables
from orchestration.ingest.load import Accepted, Counts, merge
from orchestration.ingest.registry import RegisteredSchool
from orchestration.quality.suites import load_suite
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

#: What is to be done with the good rows of a file that has bad ones.
GoodRows = Literal["load", "hold"]


class LoadError(Exception):
    """Why a file was not looked at; nothing was written, and the message says what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file.

    ``unchanged``: the same file was loaded before, as ``file_id``. ``would_load`` and ``would_reject`` are the verdicts
    of a dry run. Rows are rows of the file; ``raw_rows_written`` counts rows of ``raw`` that were inserted, changed or
    restored, ``raw_rows_removed`` those of a replaced file that this one lacks.
    """

    state: FileState | Literal["unchanged", "would_load", "would_load_in_part", "would_reject"]
    name: str
    rows_good: int = 0
    rows_bad: int = 0
    rows_loaded: int = 0
    rows_left_out: int = 0
    raw_rows_written: int = 0
    raw_rows_removed: int = 0
    file_id: int | None = None
    faults: tuple[FileFault, ...] = ()
    warnings: tuple[FileFault, ...] = ()
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """The report as plain members."""
        return asdict(self)


def load_file(
    warehouse: Warehouse, settings: Settings, request: Request, *, good_rows: GoodRows = "hold", dry_run: bool = False
) -> Report:
    """Load a file for a school, and report. With ``hold``, nothing is loaded when a row is bad.

    Raises LoadError when there is no such school, it has withdrawn, or somebody else is loading it just now.
    """
    run_id = f"file-{uuid.uuid4()}"
    with request.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with open_bench(warehouse, settings, CATEGORIES[Category.ASSESSMENT], run_id=run_id) as bench:
        school = registry.read(bench.conn, [request.school_id]).get(request.school_id)
        if school is None:
            raise LoadError(f"There is no school {request.school_id}. `mis status` lists the schools.")
        # They have taken their consent back: nothing of them is loaded, whichever way it comes.
        if school.state in connections.WITHDRAWN:
            raise LoadError(f"School {school.school_id} has {school.state} its consent: nothing of it is loaded.")
        replaced = None
        if request.replaces is not None:
            replaced = replacing.find(bench.conn, school.school_id, request.kind, request.replaces)
            if replaced is None:
                raise LoadError(
                    f"There is no file {request.replaces} of kind {request.kind} of school {school.school_id} to"
                    " replace. ops.file lists the files."
                )
        if before := log.loaded_before(bench.conn, school.school_id, request.kind, sha256):
            return Report(
                "unchanged",
                request.path.name,
                file_id=before.file_id,
                message=f"The same file was loaded on {before.received_at:%Y-%m-%d %H:%M} by {before.loaded_by} (file "
                f"{before.file_id}); nothing was changed.",
            )
        vocabulary = read_vocabulary(settings.attainment_dir, laestab_of(school))
        record = FileRecord(
            school.school_id,
            request.kind,
            request.path.name,
            sha256,
            request.loaded_by,
            run_id,
            "rejected",
            replaces=request.replaces,
        )
        try:
            contents = read_file(bench.conn, request, school, settings, vocabulary)
        except FileError as error:
            return _rejected(bench, record, error, dry_run=dry_run)
        attempt = _Attempt(
            bench,
            school,
            record,
            warehouse=warehouse,
            replaced=replaced,
            contents=contents,
            vocabulary=vocabulary,
            path=request.path,
        )
        report = attempt.run(good_rows, dry_run=dry_run)
        if request.centre is not None and report.rows_good and not dry_run:
            # A file that agrees with the number shows that it is no slip of the hand.
            log.set_centre(bench.conn, school.school_id, request.centre, request.loaded_by)
        return report


def _rejected(bench: Bench, record: FileRecord, error: FileError, *, dry_run: bool) -> Report:
    if dry_run:
        return Report("would_reject", record.name, faults=error.faults, message=str(error))
    with bench.conn.transaction():
        file_id = log.write(bench.conn, record, error.faults, ())
    return Report("rejected", record.name, file_id=file_id, faults=error.faults, message=str(error))


class _Attempt:
    """The loading of one file that could be read."""

    def __init__(
        self,
        bench: Bench,
        school: RegisteredSchool,
        record: FileRecord,
        *,
        warehouse: Warehouse,
        replaced: Replaced | None,
        contents: Contents,
        vocabulary: Vocabulary,
        path: Path,
    ) -> None:
        self._warehouse = warehouse
        self._replaced = replaced
        self._bench = bench
        self._school = school
        self._record = record
        self._contents = contents
        self._vocabulary = vocabulary
        self._path = path
        self._as_at = datetime.now(UTC)
        self._judged = judge(contents, read_roll(bench.conn, school.school_id))
        self._findings = {category: Findings() for category in self._categories()}

    def run(self, good_rows: GoodRows, *, dry_run: bool) -> Report:
        """Judge all rows, and load what may be."""
        with self._locked(), ExitStack() as stack:
            work = {}
            for category, bench in self._benches().items():
                # A connection each: its lock says that the tables are in use, and one session may take it twice.
                keeper = stack.enter_context(closing(self._warehouse.connect(autocommit=True)))
                work[category] = stack.enter_context(landing_tables(keeper, bench.writer, bench.spec))
            self._land(work)
            self._gate(work)
            bad = sum(1 for one in self._judged if one.faults)
            good = len(self._judged) - bad
            loads = bad == 0 or (good > 0 and good_rows == "load")
            state: FileState = "rejected" if not loads else "loaded_in_part" if bad else "loaded"
            record = replace(
                self._record,
                state=state,
                rows_good=good,
                rows_bad=bad,
                rows_loaded=good if loads else 0,
                rows_left_out=self._contents.left_out,
            )
            faults = tuple(sorted(fault for one in self._judged for fault in one.faults))
            if dry_run:
                return self._would(record, faults)
            return self._write(record, faults, work, loads=loads)

    def _categories(self) -> set[Category]:
        """The categories that the rows of the file belong to, and those of the file that it replaces; that of results
        when there is no row at all.
        """
        replaced = self._replaced.categories if self._replaced else frozenset()
        return {TABLES[one.entry.table][0] for one in self._judged} | replaced or {Category.ASSESSMENT}

    def _benches(self) -> dict[Category, Bench]:
        """A bench for each category, with the tables of it that files fill."""
        tables: dict[Category, list[Any]] = defaultdict(list)
        for category, table in TABLES.values():
            tables[category].append(table)
        return {
            category: replace(
                self._bench, spec=replace(CATEGORIES[category], tables=tuple(tables[category]), file_tables=())
            )
            for category in sorted(self._categories())
        }

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The right to change the school's categories, which an extract of them has otherwise."""
        conn, school_id = self._bench.conn, self._school.school_id
        taken = []
        try:
            for category in sorted(self._categories()):
                if not locks.take_schools(conn, category, [school_id]):
                    raise LoadError(
                        f"Another run is extracting {category.value} of this school. Wait until it has ended, then load"
                        " the file again."
                    )
                taken.append(category)
            yield
        finally:
            if not conn.broken:
                for category in taken:
                    locks.release_school(conn, category, school_id)

    def _land(self, work: Mapping[Category, Landing]) -> None:
        """Bring the good rows into the work tables, and the bad ones among the rejected."""
        school_id = self._school.school_id
        good = [one for one in self._judged if not one.faults]
        items = [item for one in good for item in one.entry.items]
        for row in [*rows.shared(items, self._vocabulary), *(row for one in good for row in one.rows)]:
            work[TABLES[row.table][0]].add(school_id, row.table, [row.as_row()])
        for one in self._judged:
            if one.faults:
                work[TABLES[one.entry.table][0]].add_refused(school_id, refused_rows(one))
        for landing in work.values():
            landing.flush()

    def _gate(self, work: Mapping[Category, Landing]) -> None:
        """Put the landed rows to the row rules; what they refuse is entered as faults of the rows of the file."""
        as_at = self._as_at.date()
        by_key = {key_of(row): one for one in self._judged if not one.faults for row in one.rows}
        for category, bench in self._benches().items():
            landing, findings = work[category], self._findings[category]
            for table in bench.spec.tables:
                gates.judge_rows(bench, table, landing, findings, as_at=as_at)
                landing.reject_unloadable(table)
            if reasons := findings.held.get(self._school.school_id):
                raise LoadError(" ".join(reasons))
            advice = _advice(bench)
            for table_name, row_key, broken, messages in self._bench.conn.execute(
                f"select table_name, row_key, rules, messages from {landing.rejected}".encode()
            ):
                one = by_key.get((table_name, tuple(sorted((k, str(v)) for k, v in row_key.items()))))
                if one is not None:
                    one.faults += [
                        FileFault(one.entry.line, table_name, message, rule, advice[rule])
                        for rule, message in zip(broken, messages, strict=True)
                        if rule in advice
                    ]

    def _would(self, record: FileRecord, faults: tuple[FileFault, ...]) -> Report:
        state = {"loaded": "would_load", "loaded_in_part": "would_load_in_part", "rejected": "would_reject"}
        return Report(
            state[record.state],  # type: ignore[arg-type]  # the values are of the Literal
            record.name,
            record.rows_good,
            record.rows_bad,
            record.rows_loaded,
            record.rows_left_out,
            faults=faults,
            warnings=self._contents.warnings,
            message="Nothing was written: this was a dry run.",
        )

    def _write(
        self, record: FileRecord, faults: tuple[FileFault, ...], work: Mapping[Category, Landing], *, loads: bool
    ) -> Report:
        conn = self._bench.conn
        with conn.transaction():
            source_id = sources.provide(conn, self._school.school_id, sources.FILE, None, None)
            written, removed, extract_ids, path = 0, 0, [], None
            for category, bench in self._benches().items():
                extract = extracts.start(
                    conn,
                    run_id=self._record.run_id,
                    school_id=self._school.school_id,
                    source_id=source_id,
                    category=category,
                    mode="incremental",
                    watermark_from=None,
                )
                path = path or self._archive(extract.extract_id, category)
                extracts.set_archive_path(conn, extract.extract_id, path)
                extract_ids.append(extract.extract_id)
                ending = self._settle(bench, work[category], extract.extract_id, loads=loads)
                written, removed = written + ending.rows_loaded, removed + ending.rows_removed
                self._findings[category].record(conn, self._record.run_id)
            record = replace(
                record, extract_id=extract_ids[0], raw_rows_written=written, raw_rows_removed=removed if loads else 0
            )
            file_id = log.write(conn, record, faults, self._contents.warnings)
            if loads and self._replaced:
                replacing.close_entries(conn, self._replaced)
            if loads:
                log.learn_numbers(conn, self._school.school_id, file_id, numbers_told(self._judged))
        return Report(
            record.state,
            record.name,
            record.rows_good,
            record.rows_bad,
            record.rows_loaded,
            record.rows_left_out,
            written,
            removed,
            file_id,
            faults,
            self._contents.warnings,
        )

    def _archive(self, extract_id: int, category: Category) -> str:
        """Archive the file as it came; it is archived once, whatever categories it fills."""
        data = self._path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self._record.sha256:
            raise LoadError(f"{self._path.name} was changed while it was read; nothing was loaded. Load it again.")
        archive, school_id = self._bench.archive, str(self._school.school_id)
        label = ExtractLabel(sources.FILE, school_id, category.value, extract_id, "incremental", self._record.kind)
        path = archive.new_path(label)
        writer = archive.writer(path, label)
        writer.append(Page(self._record.kind, 1, data, None, self._as_at))
        writer.seal()
        return path

    def _settle(self, bench: Bench, landing: Landing, extract_id: int, *, loads: bool) -> Ending:
        """Quarantine and, when the file loads, merge one category; how its extract ended."""
        conn, school_id = bench.conn, self._school.school_id
        accepted = Accepted(school_id, extract_id, self._as_at)
        refused: Counter[str] = Counter({name: number for (_, name), number in landing.rejected_counts().items()})
        quarantine.write(conn, bench.spec.category, landing, {school_id: extract_id})
        tallies = {}
        for table in bench.spec.tables:
            landed = landing.row_counts(table)[school_id]
            counts = Counts()
            if loads:
                counts = merge(conn, table, landing, [accepted])[school_id]
                if self._replaced:
                    removed = replacing.mark_removed(conn, self._replaced, table, landing, accepted)
                    counts = replace(counts, removed=removed)
                quarantine.supersede(conn, table, landing, [accepted])
            tallies[table.name] = Tallies(
                landed + refused[table.name], refused[table.name], landed - counts.written if loads else 0, counts
            )
        message = f"From the file {self._record.name}." if loads else f"Held: {self._record.name} has bad rows."
        ending = Ending("loaded" if loads else "held", message, 1, self._as_at, tables=tallies)
        extracts.finish(conn, extract_id, ending)
        return ending


def _advice(bench: Bench) -> dict[str, str]:
    """What to do about each critical row rule, and about what the loader itself cannot store."""
    suites = bench.settings.expectations_dir / "raw"
    return dict.fromkeys((UNSTORABLE, KEYLESS), "Correct the row in the file.") | {
        rule.rule_id: rule.what_to_do
        for table in bench.spec.tables
        for rule in load_suite(suites / f"{table.name}.json").rules
        if rule.severity == "critical"
    }
