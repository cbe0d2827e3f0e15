"""Attendance marks from the partner's HTTP pages to accepted raw rows, beside COPY, dlt and pandas.

What is measured is the platform's own first extract of the attendance category: pages over HTTP, archived, decoded,
COPYed to landing tables, judged by the row and batch gates and merged into ``raw.attendance_mark``, with its watermark
and log. The limit is the server reading the same rows, in the same order, from a prepared binary file of its own into
the same table with its primary key. The peers get less to do: dlt appends what it fetched to a table of its own without
a key and without any check, and pandas, beside the same from the pages, is also given rows that are already decoded.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any

from benchmarks import peers
from benchmarks.measuring import Cost, Meter, Spread, in_turns, ratios
from benchmarks.report import Result, Table
from benchmarks.scratch import Scratch, scratch
from benchmarks.spans import Span, spans
from orchestration.connectors.base import Row
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.connectors.wonde.decode import WondeDecoder
from orchestration.ingest import acceptance, batch_profile, gates, quarantine, registry
from orchestration.ingest.archive import ArchiveWriter
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import extract_category
from orchestration.ingest.landing import Landing
from orchestration.ingest.reading import BatchReader
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running

_PAGE_SIZES = (200, 1000)
#: The peers load the first school's marks since this day: at their speed all marks would take minutes a round.
_SINCE = date(2025, 1, 1)

_PANDAS, _TO_SQL = f"pandas, pages of {_PAGE_SIZES[-1]}", "pandas.to_sql, decoded rows"
_AIMS = {"COPY": 0.25, "dlt": 15.0, "to_sql": 10.0}

#: The parts of an extract, and where each is done. Outer ones contain inner ones; see ``_breakdown``.
_PLACES: tuple[tuple[str, Any, str], ...] = (
    ("read", BatchReader, "read"),
    ("archive", ArchiveWriter, "append"),
    ("archive", ArchiveWriter, "seal"),
    ("decode", WondeDecoder, "decode"),
    ("COPY", Landing, "add"),
    ("COPY", Landing, "flush"),
    ("duplicates", Landing, "drop_duplicates"),
    ("row gates", gates, "judge_rows"),
    ("batch gate", gates, "judge_batch"),
    ("unloadable", Landing, "reject_unloadable"),
    ("profile", batch_profile, "write"),
    ("quarantine", quarantine, "write"),
    ("quarantine", quarantine, "supersede"),
    ("merge", acceptance, "merge"),
)


@dataclass(frozen=True)
class _Setting:
    """Server, partner and the approved schools, known to the model database."""

    server: Scratch
    partner: Sandbox
    schools: dict[int, str]

    @property
    def meter(self) -> Meter:
        return Meter(postgres=self.server.server_pid, partner=self.partner.pid)

    def connector(self, page_size: int, since: date | None = None) -> WondePartner:
        return WondePartner(WondeConfig(self.partner.url, self.partner.token, page_size=page_size, history_from=since))

    def extract(self, page_size: int) -> Callable[[], int]:
        """A first extract, ready to go: what it needs is made now and does not count. Returns the marks accepted."""
        warehouse = self.server.fresh("platform")
        home = self.server.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        settings, partner = Settings(home=home, page_size=page_size), self.connector(page_size)

        def work() -> int:
            outcomes = extract_category(
                warehouse,
                {partner.name: partner},
                settings,
                Category.ATTENDANCE,
                list(self.schools),
                run_id="benchmark",
            )
            unaccepted = [outcome.message for outcome in outcomes if outcome.state != "loaded"]
            if unaccepted:
                raise RuntimeError(f"A benchmark must not measure what failed: {unaccepted}")
            return _marks_in(warehouse)

        return work


def measure(*, quick: bool) -> Result:
    """Rows a second of all contenders, and where the platform's time goes."""
    # It writes a line a request; in a run the platform keeps it as silent.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    rounds, size = (2, 0.05) if quick else (3, 1.0)
    with scratch() as server, running(size=size, directory=server.folder / "sandbox") as partner:
        model = server.warehouse()
        connector = WondePartner(WondeConfig(partner.url, partner.token))
        schools = {
            school.school_id: school.partner_school_id
            for school in registry.sync(model, connector, Settings(home=server.folder))
            if school.state == "approved"
        }
        setting = _Setting(server, partner, schools)
        contenders = _Contenders(setting)
        costs = in_turns(contenders.all(), rounds)
        parts = {page_size: _parts(setting, page_size) for page_size in _PAGE_SIZES}
        return _result(costs, contenders.rows, parts)


class _Contenders:
    """Every contender as a call that prepares, then measures its own part; ``rows`` is what each loaded."""

    def __init__(self, setting: _Setting) -> None:
        self._setting = setting
        self._meter = setting.meter
        self.rows: dict[str, int] = {}
        # A warm server and partner for everybody; and the rows that the peers start from.
        setting.extract(_PAGE_SIZES[-1])()
        self._loaded = setting.server.warehouse("platform")
        with self._loaded.connect() as conn:
            self._file = peers.export(conn, "binary")
        self._school_id, self._school = next(iter(setting.schools.items()))
        self._decoded = asyncio.run(_decoded(setting.connector(_PAGE_SIZES[-1], _SINCE), setting, self._school_id))

    def all(self) -> dict[str, Callable[[], Cost]]:
        """The contenders by name."""
        found: dict[str, Callable[[], Cost]] = {}
        for page_size in _PAGE_SIZES:
            found[f"platform, pages of {page_size}"] = partial(self._platform, page_size)
        found["COPY, primary key"] = lambda: self._copy("COPY, primary key", indexed=True)
        found["COPY, heap"] = lambda: self._copy("COPY, heap", indexed=False)
        for page_size in _PAGE_SIZES:
            found[f"dlt, pages of {page_size}"] = partial(self._dlt, page_size)
        found[_PANDAS] = self._pandas
        found[_TO_SQL] = self._to_sql
        return found

    def _cost(self, name: str, work: Callable[[], int]) -> Cost:
        def keep() -> None:
            self.rows[name] = work()

        return self._meter.cost(keep)

    def _platform(self, page_size: int) -> Cost:
        return self._cost(f"platform, pages of {page_size}", self._setting.extract(page_size))

    def _copy(self, name: str, *, indexed: bool) -> Cost:
        with self._setting.server.fresh("copying").connect() as conn:
            return self._cost(name, lambda: peers.copy(conn, self._file, "binary", indexed=indexed))

    def _dlt(self, page_size: int) -> Cost:
        warehouse, folder = self._setting.server.fresh("dlt"), self._setting.server.folder / "dlt"
        shutil.rmtree(folder, ignore_errors=True)
        partner = self._setting.partner
        return self._cost(
            f"dlt, pages of {page_size}",
            lambda: peers.dlt_load(warehouse, folder, partner, self._school, page_size=page_size, since=_SINCE),
        )

    def _pandas(self) -> Cost:
        warehouse, partner = self._setting.server.fresh("pandas"), self._setting.partner
        return self._cost(
            _PANDAS,
            lambda: peers.pandas_load(warehouse, partner, self._school, page_size=_PAGE_SIZES[-1], since=_SINCE),
        )

    def _to_sql(self) -> Cost:
        warehouse = self._setting.server.fresh("pandas")
        return self._cost(_TO_SQL, lambda: peers.to_sql(warehouse, self._school_id, self._decoded))


def _marks_in(warehouse: Warehouse) -> int:
    with warehouse.connect() as conn:
        row = conn.execute("select count(*) from raw.attendance_mark").fetchone()
    assert row is not None
    return int(row[0])


async def _decoded(connector: WondePartner, setting: _Setting, school_id: int) -> list[Row]:
    """All marks of pupils on roll of one school, as the connector decodes them."""
    with setting.server.warehouse().connect() as conn:
        school = registry.read(conn, [school_id])[school_id].as_source()
    decoder = connector.decoder(Category.ATTENDANCE)
    found: list[Row] = []
    async with connector:
        for stream in connector.streams(Category.ATTENDANCE, "full"):
            if stream.name in ("attendance-codes", "session"):
                async for page in connector.pages(school, stream, updated_after=None):
                    for part in decoder.decode(stream.name, page.body).rows:
                        found += part.rows if part.table == peers.MARKS.name else []
    return found


# -- where the time goes -----------------------------------------------------------------------------------------------


def _parts(setting: _Setting, page_size: int) -> dict[str, Span]:
    """The parts of one extract, the quicker of two."""
    tried = []
    for _ in range(2):
        work = setting.extract(page_size)
        with spans((("all", _Work, "__call__"), *_PLACES)) as found:
            _Work(work)()
        tried.append(found)
    return min(tried, key=lambda found: found["all"].wall)


@dataclass(frozen=True)
class _Work:
    work: Callable[[], int]

    def __call__(self) -> None:
        self.work()


def _breakdown(parts: dict[int, dict[str, Span]]) -> Table:
    """What comes one after the other; with a dot, what is done while reading, in a thread beside fetching."""
    rows = []
    for name in ("read", "· archive", "· decode", "· COPY", *_IN_A_ROW[1:], "all"):
        spans_of = [found[name.removeprefix("· ")] for found in parts.values()]
        rows.append((name, *(f"{seconds:.2f}" for span in spans_of for seconds in (span.wall, span.cpu))))
    return Table(
        "Where the platform's time goes: seconds on the clock and of the calling thread's processor",
        ("part", *(f"pages of {size}, {what}" for size in parts for what in ("wall", "CPU"))),
        rows,
    )


_IN_A_ROW = ("read", "duplicates", "row gates", "unloadable", "batch gate", "profile", "quarantine", "merge")


# -- figures -----------------------------------------------------------------------------------------------------------


def _result(costs: dict[str, list[Cost]], rows: dict[str, int], parts: dict[int, dict[str, Span]]) -> Result:
    speeds = {name: [rows[name] / cost.wall for cost in of] for name, of in costs.items()}
    limit = speeds["COPY, primary key"]
    table = Table(
        "Attendance marks: rows a second, median (least-most)",
        ("way", "rows", "rows a second", "of the COPY", "CPU µs a row", "· here", "· Postgres", "· partner"),
        [
            (
                name,
                f"{rows[name]:,}",
                Spread.of(speeds[name]).text(",.0f"),
                ratios(speeds[name], limit).text(".3f"),
                *(f"{_micros(figures, rows[name]):.1f}" for figures in _shares(of)),
            )
            for name, of in costs.items()
        ],
    )
    return Result(
        "marks",
        [table, _breakdown(parts)],
        {
            "rows": rows,
            "costs": {name: [asdict(cost) for cost in of] for name, of in costs.items()},
            "parts": {size: {name: asdict(span) for name, span in found.items()} for size, found in parts.items()},
        },
        aims=[_aim(speeds, page_size) for page_size in _PAGE_SIZES],
    )


def _shares(costs: list[Cost]) -> tuple[list[float], ...]:
    """Processor seconds of everybody, of this process, of Postgres, of the partner."""
    return (
        [cost.cpu for cost in costs],
        [cost.ours for cost in costs],
        [cost.theirs["postgres"] for cost in costs],
        [cost.theirs["partner"] for cost in costs],
    )


def _micros(seconds: list[float], rows: int) -> float:
    return Spread.of(seconds).median / rows * 1e6


def _aim(speeds: dict[str, list[float]], page_size: int) -> str:
    ours = speeds[f"platform, pages of {page_size}"]
    others = {
        "COPY": speeds["COPY, primary key"],
        "dlt": speeds[f"dlt, pages of {page_size}"],
        "to_sql": speeds[_TO_SQL],
    }
    said = []
    for name, aim in _AIMS.items():
        found = ratios(ours, others[name]).median
        said.append(f"{found:.2f} x {name} (aim {aim:g}: {'met' if found >= aim else 'missed'})")
    return f"Pages of {page_size}: {', '.join(said)}."
