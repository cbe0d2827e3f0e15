"""A day's extract of many schools: how many a minute, how many requests each, and how much memory.

Every school has been extracted whole before; then the sandbox's clock moves on by a school day, and what is measured is
the incremental extract of that day, all six categories, in a process of its own. It must take each school as long
whether there are fifty or a thousand, and no longer when a school's marks go back five years.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import psutil

from benchmarks.children import in_a_process
from benchmarks.report import Result, Table
from benchmarks.scratch import scratch
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest import registry
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import extract_category
from orchestration.measure import measured
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox import Sandbox, running

_MIB = 2**20
_LINEAR = 0.8
_FLAT = 1.15

#: Marks are held from this day on, so that reading a thousand schools whole, which is not measured, takes minutes.
_HISTORY_FROM = date(2025, 4, 22)

#: Marks of four earlier years, as the same days of this one: what raw holds and no extract asks for.
_EARLIER_YEARS = """
    insert into raw.attendance_mark
    select (jsonb_populate_record(mark, jsonb_build_object(
        'mark_date', mark.mark_date - 364 * years, 'mark_id', mark.mark_id || '-' || years
    ))).*
    from raw.attendance_mark as mark cross join generate_series(1, 4) as years
"""


@dataclass(frozen=True)
class Day:
    """A day's extract: schools, rows and requests (pages) of it, its time, memory after the imports and at its peak
    (MiB), and the marks that raw held before.
    """

    label: str
    schools: int
    requests: int
    rows: int
    seconds: float
    before: float
    peak: float
    marks_held: int

    @property
    def a_minute(self) -> float:
        """Schools a minute."""
        return self.schools / self.seconds * 60


def measure(*, quick: bool) -> Result:
    """Schools a minute of a day's extract, few and many, with a short history and a long one."""
    few, many, size = (4, 16, 0.02) if quick else (50, 1000, 0.02)
    with scratch() as server, running(schools=many, size=size, directory=server.folder / "sandbox") as partner:
        days = []
        for number in (few, many):
            warehouse = server.fresh(f"schools_{number}")
            days.append(_day(f"{number} schools", warehouse, partner, number))
        warehouse = server.fresh("long_history")
        days.append(_day(f"{few} schools, five summer terms of marks", warehouse, partner, few, longer=True))
    return _result(days)


def _day(label: str, warehouse: Warehouse, partner: Sandbox, number: int, *, longer: bool = False) -> Day:
    url = warehouse.url
    with tempfile.TemporaryDirectory(prefix="mis-bench-") as home:
        schools = [
            school.school_id
            for school in registry.sync(warehouse, _connector(partner.url, partner.token), Settings(home=Path(home)))
            if school.state == "approved"
        ][:number]
        in_a_process(_extract, url, home, partner.url, partner.token, schools)
        if longer:
            with warehouse.connect(autocommit=True) as conn:
                conn.execute(_EARLIER_YEARS.encode())
                conn.execute("vacuum analyze raw.attendance_mark")
        with warehouse.connect() as conn:
            ((held,),) = conn.execute("select count(*) from raw.attendance_mark").fetchall()
        partner.advance()
        requests, rows, seconds, before, peak = in_a_process(_extract, url, home, partner.url, partner.token, schools)
    return Day(label, len(schools), requests, rows, seconds, before, peak, held)


def _connector(url: str, token: str) -> WondePartner:
    return WondePartner(WondeConfig(url, token, history_from=_HISTORY_FROM))


def _extract(
    database: str, home: str, url: str, token: str, schools: Sequence[int]
) -> tuple[int, int, float, float, float]:
    """In a process of its own: extract all categories; requests, rows, seconds, memory before and at its peak."""
    # Great Expectations comes with it; imported here, it is no part of the extraction.
    import orchestration.quality.expectations  # noqa: F401

    logging.basicConfig(handlers=[logging.NullHandler()])
    settings, warehouse = Settings(home=Path(home)), Warehouse(database, database)
    before = psutil.Process().memory_info().rss / _MIB
    requests = rows = 0
    with measured("extraction") as stage:
        for category in Category:
            outcomes = extract_category(
                warehouse, {"wonde": _connector(url, token)}, settings, category, schools, run_id="benchmark"
            )
            if any(outcome.state != "loaded" for outcome in outcomes):
                raise RuntimeError(f"not loaded: {[o.message for o in outcomes if o.state != 'loaded'][:3]}")
            requests += sum(outcome.pages for outcome in outcomes)
            rows += sum(outcome.rows_extracted for outcome in outcomes)
    return requests, rows, stage.seconds, before, stage.peak_mib


def _result(days: list[Day]) -> Result:
    few, many, long = days
    table = Table(
        "The extract of one more day, all six categories, by Wonde's API",
        ("what", "schools a minute", "requests a school", "rows", "marks held before", "MiB after imports", "peak MiB"),
        [
            (
                day.label,
                f"{day.a_minute:.0f}",
                f"{day.requests / day.schools:.1f}",
                f"{day.rows:,}",
                f"{day.marks_held:,}",
                f"{day.before:.0f}",
                f"{day.peak:.0f}",
            )
            for day in days
        ],
    )
    linear, flat, memory = many.a_minute / few.a_minute, few.a_minute / long.a_minute, many.peak / few.peak
    return Result(
        "schools",
        [table],
        {"days": [asdict(day) for day in days]},
        aims=[
            f"{many.schools} schools go at {linear:.2f} x the rate of {few.schools} "
            f"(aim: linear, {_LINEAR:g} or more: {_met(linear >= _LINEAR)}).",
            f"Five summer terms of marks take {flat:.2f} x the time of one "
            f"(aim: flat, {_FLAT:g} or less: {_met(flat <= _FLAT)}).",
            f"{many.schools} schools take {memory:.2f} x the peak memory of {few.schools} "
            f"(aim: flat, {_FLAT:g} or less: {_met(memory <= _FLAT)}).",
        ],
    )


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"
