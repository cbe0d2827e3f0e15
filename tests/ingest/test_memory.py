"""What an extract holds in memory does not grow with the number of schools."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from fake_partner import pupil
from trial import MakeTrial, Trial

from orchestration.ingest import gates
from orchestration.quality.results import GateResult

_PADDING = "x" * 20_000


def _peak(trial: Trial, schools: int) -> int:
    """Most bytes in use at once while so many schools are extracted, beyond those in use before."""
    # In the large heap that other tests leave, the collector comes so seldom that what nobody holds piles up.
    gc.collect()
    gc.freeze()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    outcomes = trial.extract(*[f"S{n}" for n in range(schools)], full=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.unfreeze()
    assert {(outcome.state, outcome.pages) for outcome in outcomes} == {("loaded", 21)}
    return peak - before


def test_memory_stays_flat_as_schools_are_added(make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    # Great Expectations is not what is measured, and under tracemalloc it takes half a minute.
    monkeypatch.setattr(gates, "run_gate", lambda engine, suite, **_: GateResult(suite.stage, suite.name, "", ()))
    trial = make_trial([f"S{n}" for n in range(24)])
    trial.settings = trial.settings.model_copy(update={"partner_concurrency": 2, "schools_per_batch": 24})
    trial.partner.page_size = 10
    pages = [pupil(n, padding=_PADDING) for n in range(200)]  # pages of 200 kB; decoded, their padding is dropped
    for n in range(24):
        trial.partner[f"S{n}"].put("students", *pages)
    _peak(trial, 1)  # caches
    few, many = _peak(trial, 6), _peak(trial, 24)
    assert many < few * 1.3
    assert many < 24 * 200 * len(_PADDING) / 5
