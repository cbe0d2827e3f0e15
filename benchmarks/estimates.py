"""Fitting the estimates of all GCSE subjects beside a standard library's fits of the same counts, and their accuracy.

Every way is fitted to the published counts of 2023 and scored on those of 2024. The library's ways get the counts as
weighted rows (a row a sex, band and grade), which is the least work that can be given to them; they forecast for 11
bands, the model for 82 points, families and all subjects too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from benchmarks.children import in_a_process
from benchmarks.measuring import Cost, Meter, Spread
from benchmarks.report import Result, Table
from orchestration.estimates import baselines, calibration, files, lookup, model
from orchestration.estimates.counts import QualificationCounts, counts
from orchestration.estimates.recipe import Recipe
from orchestration.measure import measured

_SEEDS = Path(__file__).parents[1] / "dbt_project" / "seeds" / "estimates"
_MIB = 2**20
_OURS = "the model (this engine)"
_ORDINAL = "ordinal logit (scipy)"
_MULTINOMIAL = "multinomial logit (scikit-learn)"
_WAYS = {_OURS: calibration.MODEL, _ORDINAL: _ORDINAL, _MULTINOMIAL: _MULTINOMIAL}
_BAND_LOOK_UPS = ("band look-up", "band and sex look-up")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def measure(*, quick: bool) -> Result:
    """Fits in turns in one process, then memory of fitting and of the look-up in a process of its own."""
    # Read by the linear algebra when a process starts: the measured work runs in processes that start after this.
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    rounds = 1 if quick else 5
    costs = in_a_process(_fits, rounds)
    peak, before, rows = in_a_process(_memory)
    accuracy = in_a_process(_accuracy)
    ratio = {
        way: Spread.of([theirs.cpu / ours.cpu for theirs, ours in zip(costs[way], costs[_OURS], strict=True)])
        for way in _WAYS
    }
    fits = Table(
        "All GCSE subjects and both sexes, one thread, median (least-most)",
        ("way", "CPU s", "of the model's", "ranked probability score of 2024", "log loss", "bias by subject"),
        [
            (
                way,
                Spread.of([cost.cpu for cost in costs[way]]).text(".2f"),
                ratio[way].text(".2f"),
                *(f"{accuracy[name][figure]:.5f}" for figure in ("rps", "log_loss", "absolute_bias_by_subject")),
            )
            for way, name in _WAYS.items()
        ]
        + [
            (
                way,
                "",
                "",
                *(f"{accuracy[way][figure]:.5f}" for figure in ("rps", "log_loss", "absolute_bias_by_subject")),
            )
            for way in _BAND_LOOK_UPS
        ],
    )
    memory = Table(
        "Fit and look-up (3 levels) in a process of its own",
        ("what", "figure"),
        [
            ("resident after the imports, MiB", f"{before:.0f}"),
            ("peak, MiB", f"{peak:.0f}"),
            ("estimates, with their distributions", f"{rows:,}"),
        ],
    )
    return Result(
        "estimates",
        [fits, memory],
        {
            "costs": {way: [asdict(cost) for cost in of] for way, of in costs.items()},
            "accuracy": accuracy,
            "peak_mib": peak,
        },
        aims=[_aim(way, ratio[way], accuracy) for way in (_ORDINAL, _MULTINOMIAL)],
    )


def _aim(way: str, ratio: Spread, accuracy: dict[str, dict[str, float]]) -> str:
    better = accuracy[calibration.MODEL]["rps"] <= accuracy[way]["rps"]
    return f"{way}: {ratio.median:.1f} x the model's CPU seconds; the model scores {'better' if better else 'WORSE'}."


def _fits(rounds: int) -> dict[str, list[Cost]]:
    """In a process of its own: the ways in turns."""
    fitted = files.read_counts(_SEEDS / "ks4_grade_count_2023.csv")
    qualifications = counts(fitted)
    work: dict[str, Callable[[], object]] = {
        _OURS: partial(model.fit, fitted),
        _ORDINAL: partial(_each, qualifications, baselines.ordinal_logit),
        _MULTINOMIAL: partial(_each, qualifications, baselines.multinomial_logit),
    }
    for do in work.values():
        do()  # imports and first calls are not measured
    meter = Meter()
    costs: dict[str, list[Cost]] = {way: [] for way in work}
    for _ in range(rounds):
        for way, do in work.items():
            costs[way].append(meter.cost(do))
    return costs


def _each(qualifications: list[QualificationCounts], way: Callable[..., object]) -> None:
    for found in qualifications:
        middle = np.array([found.scale.positions[band].mean() for band in found.bands])
        for subject in found.pupils:
            way(subject, middle)


def _memory() -> tuple[float, float, int]:
    """In a process of its own: peak and start of resident memory (MiB), rows of the look-up."""
    before = psutil.Process().memory_info().rss / _MIB
    with measured("estimates") as stage:
        built = lookup.build(files.read_counts(_SEEDS / "ks4_grade_count_2024.csv"), Recipe(cohort_year=2025))
    return stage.peak_mib, before, len(built.estimates)


def _accuracy() -> dict[str, dict[str, float]]:
    fitted = model.fit(files.read_counts(_SEEDS / "ks4_grade_count_2023.csv"))
    found = calibration.cells(fitted, files.read_counts(_SEEDS / "ks4_grade_count_2024.csv"))
    table = calibration.overall(found).set_index("way")
    return {str(way): {str(name): float(value) for name, value in row.items()} for way, row in table.iterrows()}
