"""Look-ups of estimates, from a reference to what is in use: provide, load, fit, compare, switch, reproduce.

Both the nightly run and ``mis estimates`` call these. Nothing is ever replaced: references, runs and switches add up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import psycopg

from orchestration.estimates import calibration, comparison, files, lookup, shipped
from orchestration.estimates.errors import EstimateError
from orchestration.estimates.files import Reference
from orchestration.estimates.recipe import METHOD_VERSION, Recipe
from orchestration.warehouse import calibration_tests
from orchestration.warehouse import estimate_lookups as store
from orchestration.warehouse.estimate_lookups import KeptReference, Run

PLATFORM = "platform"


class EstimateRunError(EstimateError):
    """Something that cannot be done with look-ups; the message says what can."""


def provide(connection: psycopg.Connection[Any], folder: Path) -> list[Run]:
    """Make the look-ups of every shipped reference that are not there, and return those made; put first ones in use.

    A stage that has look-ups in use keeps them, be they an operator's or an earlier release's: the new are ``offered``.
    """
    made = []
    for found in shipped.references(folder):
        store.keep_reference(connection, found, origin="published", loaded_by=PLATFORM)
        run, made_now = _make(connection, found, shipped.recipe(folder, found.stage, found.year), PLATFORM)
        if found.stage not in store.in_use(connection):
            store.put_in_use(connection, run.run_id, reason="The first look-ups of the stage.", used_by=PLATFORM)
        if made_now:
            made.append(run)
    if made:
        store.analyse_lookups(connection)
    return made


def offered(connection: psycopg.Connection[Any]) -> list[Run]:
    """Look-ups that the platform has made since their stage was last switched: to be compared, and used or left."""
    return [
        run
        for run in store.runs(connection)
        if run.made_by == PLATFORM
        and not run.in_use
        and run.stage_switched_at is not None
        and run.stage_switched_at < run.made_at
    ]


def load(connection: psycopg.Connection[Any], path: Path, *, loaded_by: str) -> tuple[KeptReference, bool]:
    """Keep an operator's reference; with it comes whether it is new.

    Raises:
        ReferenceError: the file is refused; nothing is kept.
    """
    found = files.read(path)
    is_new = store.keep_reference(connection, found, origin="operator", loaded_by=loaded_by)
    return store.kept_reference(connection, found.digest), is_new


def fit(connection: psycopg.Connection[Any], digest: str, recipe: Recipe, *, made_by: str) -> tuple[Run, bool]:
    """Make the look-ups of a kept reference, unless this recipe has made them; with the run comes whether it is new.

    Raises:
        StoreError, ReferenceYearError, RecipeError, ChallengeError: as the store and ``lookup.build``.
    """
    found = store.read_reference(connection, store.kept_reference(connection, digest).digest)
    run, made_now = _make(connection, found, recipe, made_by)
    if made_now:
        store.analyse_lookups(connection)
    return run, made_now


def _make(connection: psycopg.Connection[Any], found: Reference, recipe: Recipe, made_by: str) -> tuple[Run, bool]:
    run_id = recipe.run_id(found.digest)
    made_now = not store.has_run(connection, run_id) and store.keep_run(
        connection, found, recipe, lookup.build(found, recipe), made_by=made_by
    )
    return store.run(connection, run_id), made_now


def compare(
    connection: psycopg.Connection[Any], proposed: str, used: str | None = None
) -> tuple[Run, Run, pd.DataFrame]:
    """The run in use (or another), the proposed one, and what would change by subject (``comparison.by_subject``).

    Raises:
        StoreError: a run is not there.
        EstimateRunError: the stage uses none, or the two are of different stages.
    """
    new = store.run(connection, proposed)
    against = used or store.in_use(connection).get(new.stage)
    if against is None:
        raise EstimateRunError(
            f"Stage {new.stage} uses no look-ups yet: there is nothing to compare {new.run_id} with."
        )
    old = store.run(connection, against)
    if old.stage != new.stage:
        raise EstimateRunError(
            f"{old.run_id} is of stage {old.stage} and {new.run_id} of {new.stage}: choose one stage."
        )
    old_rows, new_rows = (store.read_lookup(connection, run.run_id) for run in (old, new))
    return old, new, comparison.by_subject(old_rows, new_rows)


def use(connection: psycopg.Connection[Any], run_id: str, *, reason: str, used_by: str) -> Run:
    """Switch a stage to a run; the marts take it up when they are built next.

    Raises:
        StoreError: the run is not there.
        EstimateRunError: no reason is given, or the run is in use already.
    """
    run = store.run(connection, run_id)
    if not reason.strip():
        raise EstimateRunError("Give a reason: it stays on record with the switch.")
    if run.in_use:
        raise EstimateRunError(f"Stage {run.stage} uses {run.run_id} already.")
    store.put_in_use(connection, run.run_id, reason=reason.strip(), used_by=used_by)
    return store.run(connection, run.run_id)


def reproduce(connection: psycopg.Connection[Any], run_id: str) -> tuple[Run, int, pd.DataFrame]:
    """Make a run again from what is kept of it: the run, its estimates, and those that differ (``comparison.unequal``).

    Raises:
        StoreError: the run is not there, or its reference was changed.
        EstimateRunError: the run was made by another version of the method.
    """
    run = store.run(connection, run_id)
    if run.method_version != METHOD_VERSION:
        raise EstimateRunError(
            f"{run.run_id} was made by version {run.method_version} of the method, this platform has {METHOD_VERSION}:"
            " check out the release that made it and reproduce it there."
        )
    again = lookup.build(store.read_reference(connection, run.reference_digest), run.recipe)
    kept = store.read_lookup(connection, run.run_id)
    return run, len(kept.estimates), comparison.unequal(kept, again)


def calibrate(connection: psycopg.Connection[Any], folder: Path) -> int:
    """Test the method out of time on the shipped references, unless it has been; returns how many tests were made.

    The references are kept too: a test names the figures it was made with.
    """
    made = 0
    for test in shipped.TESTS:
        fitted, scored = (files.read_counts(folder / name) for name in (test.fitted, test.scored))
        if calibration_tests.is_tested(connection, fitted, scored):
            continue
        for found in (fitted, scored):
            store.keep_reference(connection, found, origin="published", loaded_by=PLATFORM)
        by = None if test.by_disadvantage is None else pd.read_csv(folder / test.by_disadvantage)
        calibration_tests.record(connection, fitted, scored, calibration.report(fitted, scored, by))
        made += 1
    return made
