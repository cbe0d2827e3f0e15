"""Peak memory of an extraction as the number of schools grows: it must stay flat.

Every size is measured in a process of its own, in which nothing is left of another, after the imports. Schools are
primary schools of one sandbox, so that many schools are no larger on average than few.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import asdict, dataclass
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
from sandbox import running

_MIB = 2**20
#: Most of the sandbox's schools are primary, by the national figures: so many are made that there are enough.
_MADE_FOR_ONE_PRIMARY = 1.5
_FLAT = 1.1


@dataclass(frozen=True)
class Extraction:
    """One extraction of all categories; resident memory after the imports, and the most while it ran (MiB)."""

    schools: int
    rows: int
    seconds: float
    before: float
    peak: float


def measure(*, quick: bool) -> Result:
    """Peak memory at several numbers of schools."""
    sizes, size = ((2, 4, 8), 0.05) if quick else ((3, 12, 48), 0.3)
    made = round(max(sizes) * _MADE_FOR_ONE_PRIMARY) + 3
    with scratch() as server, running(schools=made, size=size, directory=server.folder / "sandbox") as partner:
        connector = WondePartner(WondeConfig(partner.url, partner.token))
        schools = [
            school.school_id
            for school in registry.sync(server.warehouse(), connector, Settings(home=server.folder))
            if school.state == "approved" and school.phase == "PRIMARY"
        ]
        found = []
        for number in sizes:
            server.fresh("extraction")
            database = server.cluster.url("extraction")
            found.append(in_a_process(_extract, database, partner.url, partner.token, schools[:number]))
    return _result(found)


def _extract(database: str, url: str, token: str, schools: list[int]) -> Extraction:
    """In a process of its own: extract all categories, and say what it took."""
    # Great Expectations comes with it; imported here, it is no part of the extraction.
    import orchestration.quality.expectations  # noqa: F401

    logging.basicConfig(handlers=[logging.NullHandler()])
    rows = 0
    with tempfile.TemporaryDirectory(prefix="mis-bench-") as home:
        settings, warehouse = Settings(home=Path(home)), Warehouse(database, database)
        before = psutil.Process().memory_info().rss / _MIB
        with measured("extraction") as stage:
            for category in Category:
                partner = WondePartner(WondeConfig(url, token, page_size=settings.page_size))
                outcomes = extract_category(
                    warehouse, {partner.name: partner}, settings, category, schools, run_id="benchmark"
                )
                if any(outcome.state != "loaded" for outcome in outcomes):
                    raise RuntimeError(f"not loaded: {[outcome.message for outcome in outcomes]}")
                rows += sum(outcome.rows_extracted for outcome in outcomes)
    return Extraction(len(schools), rows, stage.seconds, before, stage.peak_mib)


def _result(found: list[Extraction]) -> Result:
    settings = Settings()
    table = Table(
        f"All six categories; {settings.partner_concurrency} requests at once,"
        f" {settings.schools_per_batch} schools a batch",
        ("schools", "rows", "seconds", "MiB after imports", "peak MiB", "more"),
        [
            (
                str(of.schools),
                f"{of.rows:,}",
                f"{of.seconds:.1f}",
                f"{of.before:.0f}",
                f"{of.peak:.0f}",
                f"{of.peak - of.before:.0f}",
            )
            for of in found
        ],
    )
    # The first has fewer schools in progress than the partner may have requests, the others as many as ever.
    growth = found[-1].peak / found[1].peak
    times = found[-1].schools / found[1].schools
    met = "met" if growth <= _FLAT else "missed"
    return Result(
        "memory",
        [table],
        {"extractions": [asdict(of) for of in found]},
        aims=[f"{times:.0f} x the schools take {growth:.2f} x the peak memory (aim: flat, {_FLAT:g} or less: {met})."],
    )
