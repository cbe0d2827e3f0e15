"""Estimates of a million pupil-subjects at three challenge levels: the mart's own SQL, beside pandas and beside numpy.

The look-ups are the real ones, of KS2 to GCSE; the pupils are made up. The platform runs the compiled models of dbt:
which row of the look-up stands for a pupil and subject, the rows that are needed, and then a reading of the view
``estimate`` from end to end. For whoever wants the three million rows stored, the same as a table is measured too.
pandas does the same with merges of frames that are in memory when the clock starts. numpy is the limit: everything is a
number already, and an estimate is one read of an array.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg

from benchmarks.children import in_a_process
from benchmarks.in_process_dbt import Dbt
from benchmarks.measuring import Cost, Meter, Spread, ratios
from benchmarks.report import Result, Table
from benchmarks.scratch import Scratch, scratch
from orchestration import estimate_runs
from orchestration.dbt.project import target_dir
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

_SEEDS = Path(__file__).parents[1] / "dbt_project" / "seeds" / "estimates"
_PUPILS_A_SCHOOL = 1_000
_SUBJECTS_A_PUPIL = 10
_MIB = 2**20
_PLATFORM, _STORED = "the platform", "the platform, all rows stored"
_PANDAS, _NUMPY = "pandas", "numpy (the limit)"

#: One pupil in twenty is without KS2. Each studies ten of the subjects that have figures at every point: the peers need
#: no families of subjects.
_PUPILS = """
    create table core.pupil as
    select school as school_id, pupil::bigint as pupil_key, case when pupil % 2 = 0 then 'F' else 'M' end as sex
    from generate_series(1, {schools}) as school, generate_series(1, {pupils}) as pupil;
    create table core.prior_attainment as
    select school_id, pupil_key, 'ks2_ks4' as stage, 'ks2_mean' as prior_measure, 1::smallint as place,
        (79 + abs(hashint8(pupil_key * 7919 + school_id)) % 83 / 2.0)::numeric(8, 4) as prior_value
    from core.pupil where pupil_key % 20 <> 0
    union all
    select school_id, pupil_key, 'ks2_ks4', 'national', 8::smallint, 0::numeric(8, 4) from core.pupil;
    create table core.pupil_subject as
    with counted as (
        select qualification, subject, count(*) as rows, max(count(*)) over () as most
        from core.estimate_lookup where level = 'subject' group by qualification, subject
    ),
    taken as (
        select qualification, subject, row_number() over (order by subject) - 1 as place, count(*) over () as subjects
        from counted where rows = most
    )
    select school_id, pupil_key, 202425 as academic_year, qualification, subject, 'ks2_ks4' as stage,
        null::text as family, '9' as year_group, 2027::smallint as exam_year, array['G' || taken.place] as group_ids
    from core.pupil
    cross join generate_series(0, {taken} - 1) as chosen
    inner join taken on taken.place = (chosen * 3 + pupil_key) % taken.subjects;
    analyze core.pupil; analyze core.prior_attainment; analyze core.pupil_subject
"""
_READ = """
    select count(*), sum(expected_points), sum(chance), sum(chances[array_length(chances, 1)])
    from build_benchmarks.estimate
"""


#: Inputs of the peers: what the models read.
_INPUTS = {
    "pupil": "select school_id, pupil_key, sex from core.pupil",
    "prior": "select school_id, pupil_key, prior_measure, place, prior_value::float8 from core.prior_attainment",
    "subject": "select school_id, pupil_key, qualification, subject from core.pupil_subject",
    "lookup": "select qualification, subject, sex, prior_measure, prior_value::float8, challenge::float8,"
    " estimate_grade, chance, chance_higher, chance_lower, expected_points, points_sd, standard_error, basis_n,"
    " effective_n, reliability, method, run_id, chances from core.estimate_lookup where level = 'subject'",
}


def measure(*, quick: bool) -> Result:
    """The ways in turns, each in a process of its own that starts with its inputs at hand."""
    schools, rounds = (2, 1) if quick else (100, 3)
    costs: dict[str, list[Cost]] = {way: [] for way in (_PLATFORM, _STORED, _PANDAS, _NUMPY)}
    peaks: dict[str, list[float]] = {way: [] for way in costs}
    totals: dict[str, list[float]] = {}
    with scratch() as server:
        settings = Settings(home=server.folder / "home")
        warehouse = server.warehouse()
        models = _prepare(warehouse, settings, schools)
        for _ in range(rounds):
            for way, measured in (
                (_PLATFORM, _in_postgres(server, warehouse, models, stored=False)),
                (_STORED, _in_postgres(server, warehouse, models, stored=True)),
                (_PANDAS, in_a_process(_in_memory, warehouse.url, _PANDAS)),
                (_NUMPY, in_a_process(_in_memory, warehouse.url, _NUMPY)),
            ):
                cost, peak, totals[way] = measured
                costs[way].append(cost)
                peaks[way].append(peak)
        sizes = _sizes(warehouse)
    if not all(np.allclose(total, totals[_NUMPY], rtol=1e-9) for total in totals.values()):
        raise RuntimeError(f"The ways do not estimate the same: {totals}")
    return _result(costs, peaks, sizes, int(totals[_NUMPY][0]))


def _prepare(warehouse: Warehouse, settings: Settings, schools: int) -> dict[str, str]:
    """Look-ups and pupils in the warehouse; the SQL of the models, as dbt compiles it."""
    dbt = Dbt(settings, warehouse)
    with warehouse.connect(autocommit=True) as conn:
        estimate_runs.provide(conn, _SEEDS)
        conn.execute(
            "delete from estimates.lookup using estimates.lookup_run as run"
            " where lookup.run_id = run.run_id and run.stage <> 'ks2_ks4'"
        )
        conn.execute("create schema if not exists build_benchmarks")
        dbt("run", "--select", "estimate_lookup")
        dbt("seed", "--select", "lookup_alias")
        conn.execute(_PUPILS.format(schools=schools, pupils=_PUPILS_A_SCHOOL, taken=_SUBJECTS_A_PUPIL).encode())
        conn.execute("vacuum analyze estimates.lookup")
    names = ("pupil_subject", "estimate_basis", "estimate")
    dbt("compile", "--select", *(f"benchmarks__{name}" for name in names))
    compiled = target_dir(settings) / "compiled" / "mis" / "models" / "marts" / "benchmarks"
    return {name: (compiled / f"benchmarks__{name}.sql").read_text() for name in names}


def _in_postgres(
    server: Scratch, warehouse: Warehouse, models: dict[str, str], *, stored: bool
) -> tuple[Cost, float, list[float]]:
    """Cost, peak of the session's private memory (MiB) and totals."""
    with warehouse.connect(autocommit=True) as conn:
        conn.execute("drop schema build_benchmarks cascade; create schema build_benchmarks; checkpoint")
        found: list[float] = []
        cost = Meter(postgres=server.server_pid).cost(lambda: found.extend(_estimate(conn, models, stored=stored)))
        return cost, _peak(conn.info.backend_pid), found


def _estimate(conn: psycopg.Connection[Any], models: dict[str, str], *, stored: bool) -> list[float]:
    for name in ("pupil_subject", "estimate_basis"):
        conn.execute(
            f"create table build_benchmarks.{name} as {models[name]}; analyze build_benchmarks.{name}".encode()
        )
    kind = "table" if stored else "view"
    conn.execute(f"create {kind} build_benchmarks.estimate as {models['estimate']}".encode())
    row = conn.execute(_READ).fetchone()
    assert row is not None
    return [float(value) for value in row]


def _peak(pid: int) -> float:
    """The most resident memory of a process so far (MiB); pages of shared buffers that it touched count."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def _sizes(warehouse: Warehouse) -> dict[str, float]:
    """MiB of the relations that the last, stored, round left."""
    with warehouse.connect() as conn:
        return {
            name: row[0] / _MIB
            for name in ("pupil_subject", "estimate_basis", "estimate")
            if (
                row := conn.execute(
                    "select pg_total_relation_size(%s::regclass)", [f"build_benchmarks.{name}"]
                ).fetchone()
            )
        }


def _frames(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    """The inputs, for the ways that have them in memory."""
    frames = {}
    with warehouse.connect() as conn:
        for name, query in _INPUTS.items():
            cursor = conn.execute(query.encode())
            columns = [column.name for column in cursor.description or ()]
            frames[name] = pd.DataFrame(cursor.fetchall(), columns=columns)
    return frames


def _in_memory(url: str, way: str) -> tuple[Cost, float, list[float]]:
    """In a process of its own: the inputs are read before the clock starts, the peak is of the whole process."""
    frames = _frames(Warehouse(url, url))
    work = _coded(frames) if way == _NUMPY else partial(_merged, frames)
    found: list[float] = []
    cost = Meter().cost(lambda: found.extend(work()))
    return cost, _peak(os.getpid()), found


def _merged(frames: dict[str, pd.DataFrame]) -> list[float]:
    """What the models do, in merges."""
    pupil_key = ["school_id", "pupil_key"]
    best = frames["prior"].sort_values([*pupil_key, "place"]).drop_duplicates(pupil_key)
    lookup = frames["lookup"]
    points = {of: np.sort(rows.unique()) for of, rows in lookup.groupby("prior_measure")["prior_value"]}
    located = [
        rows.assign(
            prior_value=points[str(of)][
                np.maximum(np.searchsorted(points[str(of)], rows["prior_value"], "right") - 1, 0)
            ]
        )
        for of, rows in best.groupby("prior_measure")
    ]
    placed = pd.concat(located)[[*pupil_key, "prior_measure", "prior_value"]].merge(frames["pupil"], on=pupil_key)
    estimate = (
        frames["subject"]
        .merge(placed, on=pupil_key)
        .merge(lookup, on=["qualification", "subject", "sex", "prior_measure", "prior_value"])
    )
    last = np.array([chances[-1] for chances in estimate["chances"]])
    return [float(len(estimate)), estimate["expected_points"].sum(), estimate["chance"].sum(), float(last.sum())]


def _coded(frames: dict[str, pd.DataFrame]) -> Callable[[], list[float]]:
    """The same as numbers of rows: coded before the clock starts, as no real input is."""
    lookup, levels = frames["lookup"], np.sort(frames["lookup"]["challenge"].unique())
    key = ["qualification", "subject", "sex", "prior_measure", "prior_value"]
    rows = lookup.sort_values([*key, "challenge"]).reset_index(drop=True)
    firsts = rows.iloc[:: len(levels)]
    best = frames["prior"].sort_values("place").drop_duplicates(["school_id", "pupil_key"])
    points = {of: np.sort(found.unique()) for of, found in lookup.groupby("prior_measure")["prior_value"]}
    best = best.assign(
        prior_value=[
            points[of][max(np.searchsorted(points[of], value, "right") - 1, 0)]
            for of, value in zip(best["prior_measure"], best["prior_value"], strict=True)
        ]
    )
    asked = frames["subject"].merge(
        best.merge(frames["pupil"], on=["school_id", "pupil_key"]), on=["school_id", "pupil_key"]
    )
    row = asked.merge(firsts[key].assign(row=np.arange(len(firsts))), on=key)["row"].to_numpy()
    shape = (-1, len(levels))
    expected, chance = (rows[name].to_numpy().reshape(shape) for name in ("expected_points", "chance"))
    width = max(map(len, rows["chances"]))
    chances = np.array([[0.0] * (width - len(of)) + list(of) for of in rows["chances"]]).reshape(*shape, width)

    def gather() -> list[float]:
        distributions = chances[row]
        return [float(distributions[..., 0].size), expected[row].sum(), chance[row].sum(), distributions[..., -1].sum()]

    return gather


def _result(
    costs: dict[str, list[Cost]], peaks: dict[str, list[float]], sizes: dict[str, float], estimates: int
) -> Result:
    wall = {way: [cost.wall for cost in of] for way, of in costs.items()}
    table = Table(
        f"{estimates:,} estimates of {estimates // 3:,} pupil-subjects at 3 challenge levels, median (least-most)",
        ("way", "seconds", "CPU s", "of pandas", "of numpy", "estimates a second", "peak MiB"),
        [
            (
                way,
                Spread.of(wall[way]).text(".2f"),
                Spread.of([cost.cpu for cost in costs[way]]).text(".2f"),
                ratios(wall[way], wall[_PANDAS]).text(".2f"),
                ratios(wall[way], wall[_NUMPY]).text(".1f"),
                f"{estimates / Spread.of(wall[way]).median:,.0f}",
                f"{max(peaks[way]):,.0f}",
            )
            for way in costs
        ],
    )
    stored = Table(
        "What is stored, MiB",
        ("relation", "MiB"),
        [
            ("pupil_subject (a row a pupil and subject)", f"{sizes['pupil_subject']:,.0f}"),
            ("estimate_basis (the distributions in use)", f"{sizes['estimate_basis']:,.0f}"),
            ("estimate, if it were a table", f"{sizes['estimate']:,.0f}"),
        ],
    )
    against = ratios(wall[_PLATFORM], wall[_PANDAS])
    return Result(
        "scoring",
        [table, stored],
        {"costs": {way: [asdict(cost) for cost in of] for way, of in costs.items()}, "peaks": peaks, "sizes": sizes},
        aims=[f"The platform takes {against.text('.2f')} x the seconds of pandas, and gives the same estimates."],
    )
