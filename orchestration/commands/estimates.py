"""``mis estimates``: references of estimates, the look-ups made from them, and which of them are in use."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer

from orchestration.access.people import actor
from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.settings import get_settings

if TYPE_CHECKING:
    from orchestration.warehouse.estimate_lookups import Run

app = typer.Typer(
    help="Estimates: load a reference, make look-ups of it, compare them with those in use, switch, reproduce.",
    no_args_is_help=True,
)


class Effects(StrEnum):
    """Where it is known from how much schools differ."""

    DEFAULT = "default"
    POOL = "pool"


RunId = Annotated[str, typer.Argument(help="A run's id, or its first characters, as `mis estimates runs` prints it.")]
By = Annotated[str | None, typer.Option(help="Who does it; you by default.", show_default=False)]
_LATER = "The marts take it up when they are built next: `mis publish benchmarks`."


@app.command("references")
def references(as_json: AsJson = False) -> None:
    """List the references that are kept: shipped, loaded, counted from the own pool."""
    from orchestration.warehouse import estimate_lookups as store

    with _connection() as connection:
        found = store.references(connection)
    if as_json:
        print_json([vars(reference) for reference in found])
        return
    print_table(
        ("digest", "stage", "year", "release", "source", "origin", "results", "loaded by", "loaded"),
        [
            (
                r.digest[:12],
                r.stage,
                r.reference_year,
                r.release,
                r.source,
                r.origin,
                f"{r.pupils:,}",
                r.loaded_by,
                f"{r.loaded_at:%Y-%m-%d %H:%M}",
            )
            for r in found
        ],
    )


@app.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet in the format of docs/estimates.md.")], *, by: By = None
) -> None:
    """Load a reference: the whole file or nothing, every fault named by line and column."""
    from orchestration.estimate_runs import load as keep

    with _connection() as connection:
        found, is_new = keep(connection, file, loaded_by=by or actor())
    known = "is loaded" if is_new else "was loaded already"
    out.print(
        f"{found.stage} {found.reference_year} {found.release}, {found.pupils:,} results, {known}.\n"
        f"Next: mis estimates fit {found.digest[:12]}",
        markup=False,
    )


@app.command("fit")
def fit(
    digest: Annotated[str, typer.Argument(help="Digest of the reference, or its first characters.")],
    *,
    cohort: Annotated[
        int | None,
        typer.Option(help="Year in which the first cohort is examined; the year after the reference by default."),
    ] = None,
    substitutes: Annotated[
        Path | None,
        typer.Option(help="CSV of what stands for KS2 where it is missing; what is shipped by default (ks2_ks4)."),
    ] = None,
    school_effects: Annotated[
        Effects, typer.Option(help="How much schools differ: as Progress 8 of 2015/16, or as in your own pool.")
    ] = Effects.DEFAULT,
    level: Annotated[
        list[float] | None,
        typer.Option(help="A challenge level; may be given more than once. Default: 50, 20, 5."),
    ] = None,
    override: Annotated[
        bool, typer.Option("--override", help="Accept a reference year graded differently; estimates carry the label.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make look-ups of a reference. Nothing is switched: compare them first."""
    from orchestration.estimate_runs import fit as make
    from orchestration.estimates import shipped, substitute
    from orchestration.warehouse import estimate_lookups as store
    from orchestration.warehouse.school_pool import pool_effects

    with _connection() as connection:
        kept = store.kept_reference(connection, digest)
        recipe = shipped.recipe(get_settings().references_dir, kept.stage, kept.reference_year)
        recipe = replace(
            recipe,
            cohort_year=cohort or recipe.cohort_year,
            levels=tuple(level) if level else recipe.levels,
            effects=pool_effects(connection, kept.stage) if school_effects is Effects.POOL else recipe.effects,
            substitutes=recipe.substitutes if substitutes is None else substitute.read(substitutes),
            accept_graded_differently=override,
        )
        run, is_new = make(connection, kept.digest, recipe, made_by=by or actor())
    if as_json:
        print_json(vars(run))
        return
    out.print(
        f"Run {run.run_id} {'is made' if is_new else 'was made already'}: {run.stage}, {run.reference_year}"
        f" {run.release}, for the cohort of {run.cohort_year}.{_caveat(run)}\nNext: mis estimates compare {run.run_id}",
        markup=False,
    )


@app.command("compare")
def compare(
    run: RunId,
    against: Annotated[str | None, typer.Argument(help="Another run; the one in use by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show by subject what would change: estimates at challenge 50 of both sexes together."""
    from orchestration.estimate_runs import compare as put_beside

    with _connection() as connection:
        old, new, table = put_beside(connection, run, against)
    table = table.sort_values("mean_change", key=lambda change: -change.abs())
    if as_json:
        print_json({"used": vars(old), "proposed": vars(new), "subjects": table.to_dict("records")})
        return
    for what, of in (("in use" if old.in_use else "against", old), ("proposed", new)):
        out.print(f"{what}: {of.run_id}, {of.reference_year} {of.release}, {of.source}.{_caveat(of)}", markup=False)
    print_table(
        (
            "qualification",
            "level",
            "subject",
            "estimates",
            "other grade",
            "mean change",
            "largest",
            "gone",
            "new",
        ),
        [
            (
                row["qualification"],
                row["level"],
                row["subject"],
                row["estimates"],
                row["grade_changes"],
                _points(row["mean_change"]),
                _points(row["largest_change"]),
                row["only_used"] or None,
                row["only_proposed"] or None,
            )
            for row in table.to_dict("records")
        ],
    )
    out.print(f"Changes are in points. To switch: mis estimates use {new.run_id} --reason ...", markup=False)


@app.command("use")
def use(run: RunId, *, reason: Annotated[str, typer.Option(help="Why; it stays on record.")], by: By = None) -> None:
    """Switch a stage to a run. The runs before stay, and can be switched back to."""
    from orchestration.estimate_runs import use as switch

    with _connection() as connection:
        now = switch(connection, run, reason=reason, used_by=by or actor())
    out.print(f"Stage {now.stage} uses {now.run_id}.{_caveat(now)} {_LATER}", markup=False)


@app.command("runs")
def runs(as_json: AsJson = False) -> None:
    """List the runs, and which of them are in use."""
    from orchestration.warehouse import estimate_lookups as store

    with _connection() as connection:
        found = store.runs(connection)
    if as_json:
        print_json([vars(run) for run in found])
        return
    print_table(
        ("run", "stage", "in use", "reference", "year", "release", "cohort", "method", "caveat", "made by", "made"),
        [
            (
                r.run_id,
                r.stage,
                "yes" if r.in_use else "",
                r.reference_digest[:12],
                r.reference_year,
                r.release,
                r.cohort_year,
                r.method_version,
                r.caveat,
                r.made_by,
                f"{r.made_at:%Y-%m-%d %H:%M}",
            )
            for r in found
        ],
    )


@app.command("reproduce")
def reproduce(run: RunId) -> None:
    """Make a run again from the kept reference and inputs, and compare it with what is kept row by row."""
    from orchestration.estimate_runs import reproduce as again

    with _connection() as connection:
        made, estimates, differing = again(connection, run)
    if differing.empty:
        out.print(f"{made.run_id}: equal, {estimates:,} estimates with their distributions.", markup=False)
        return
    print_table(tuple(differing.columns), [tuple(row) for row in differing.head(20).itertuples(index=False)])
    fail(
        f"{made.run_id}: {len(differing):,} values of {estimates:,} estimates differ from what is kept;"
        " the first are above."
    )


@app.command("calibration")
def calibration(
    by: Annotated[
        str, typer.Option(help="all, subject, prior attainment, sex or disadvantage.", metavar="SLICE")
    ] = "all",
    as_json: AsJson = False,
) -> None:
    """Show how good the method was out of time: fitted to one year, scored on the next, beside plain baselines."""
    from orchestration.warehouse.calibration_tests import latest_scores

    with _connection() as connection:
        scores = latest_scores(connection)
    if as_json:
        print_json(scores)
        return
    wanted = [row for row in scores if row["slice"] == by]
    if not wanted:
        slices = ", ".join(sorted({row["slice"] for row in scores}))
        fail(
            f"There are no scores by {by}: choose of {slices}." if scores else "Nothing is tested yet: `mis run` does."
        )
    print_table(
        ("stage", "fitted", "scored", by, "way", "results", "score", "log loss", "bias", "by subject", "in 50/80/95 %"),
        [
            (
                row["stage"],
                row["fitted_year"],
                row["scored_year"],
                row["slice_value"],
                row["way"],
                f"{row['pupils']:,}",
                _points(row["ranked_probability_score"], 5),
                _points(row["log_loss"], 5),
                _points(row["bias"], 4),
                _points(row["absolute_bias_by_subject"], 5),
                _covered(row),
            )
            for row in wanted
            if by == "all" or row["way"] == "model"
        ],
    )


@contextmanager
def _connection() -> Iterator[psycopg.Connection[Any]]:
    """Connect to the migrated warehouse; the changes are one transaction, and a refusal ends the command plainly."""
    from orchestration.estimates.errors import EstimateError
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse:
        try:
            with warehouse.connect() as connection:
                yield connection
        except EstimateError as error:
            fail(str(error))


def _caveat(run: Run) -> str:
    return f" Label: {run.caveat}." if run.caveat else ""


def _points(value: float | None, places: int = 2) -> str | None:
    return None if value is None or math.isnan(value) else f"{value:.{places}f}"


def _covered(row: dict[str, Any]) -> str | None:
    parts = [row[f"coverage_{inside}"] for inside in (50, 80, 95)]
    return None if None in parts else " / ".join(f"{100 * part:.1f}" for part in parts)
