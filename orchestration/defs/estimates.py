"""Stage estimates: look-ups made from references, before core; models fitted on what is in core, before the marts."""

import dagster as dg

from orchestration.defs.describe import markdown_table
from orchestration.defs.resources import Platform
from orchestration.watch import onlooker

ATTENDANCE_RISK = dg.AssetKey(["estimates", "attendance_risk"])
LOOKUP = dg.AssetKey(["estimates", "lookup"])
CALIBRATION = dg.AssetKey(["estimates", "calibration"])
SCHOOL_POOL = dg.AssetKey(["estimates", "school_pool"])


@dg.asset(
    key=ATTENDANCE_RISK,
    deps=[
        dg.AssetKey(["core", "risk_example"]),
        dg.AssetKey(["core", "pupil"]),
        dg.AssetKey(["core", "pupil_characteristics"]),
    ],
    group_name="estimates",
    owners=["team:analytics-engineering"],
    kinds={"python", "scikitlearn"},
    pool="warehouse",
    description="The risk of ending the year persistently absent: fitted when its examples change, every fit kept.",
)
def attendance_risk(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Fit the model on the completed years in core, unless these very examples have been fitted before."""
    with onlooker().stage("fit attendance risk"), platform.warehouse() as warehouse, warehouse.connect() as connection:
        # scikit-learn takes two seconds to import, which nobody who does not fit should pay.
        from orchestration.estimates.attendance_risk import fit
        from orchestration.warehouse.risk_fits import latest_use, read_examples, record

        examples = read_examples(connection)
        fit_id = latest_use(connection, examples.fingerprint())
        if fit_id is not None:
            return dg.MaterializeResult(metadata={"fit": fit_id, "examples": len(examples), "fitted_now": False})
        fitted = fit(examples)
        fit_id = record(connection, fitted)
    tested = [row for row in fitted.reliability if row.slice == "all"]
    return dg.MaterializeResult(
        metadata={
            "fit": fit_id,
            "examples": len(examples),
            "fitted_now": True,
            "reason": fitted.reason or "",
            "coefficients": markdown_table(
                ("phase", "input", "coefficient"),
                [(phase, *pair) for phase, model in fitted.models.items() for pair in model.named().items()],
            ),
            "reliability": markdown_table(
                ("test", "bin", "predicted", "observed", "predictions", "brier", "base rate", "over 10 % now"),
                [
                    (
                        row.test,
                        row.bin or "all",
                        f"{row.predicted_mean:.3f}",
                        f"{row.observed_share:.3f}",
                        row.predictions,
                        f"{row.brier:.4f}",
                        f"{row.brier_base_rate:.4f}",
                        f"{row.brier_over_ten_now:.4f}",
                    )
                    for row in tested
                ],
            ),
        }
    )


@dg.asset(
    key=LOOKUP,
    group_name="estimates",
    owners=["team:analytics-engineering"],
    kinds={"python", "scipy"},
    pool="warehouse",
    description="Look-ups of estimates from the shipped references: made once, put in use where a stage uses none.",
)
def lookup(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Make what is shipped and not there. A switch of the operator's is never undone: newer look-ups are offered."""
    with onlooker().stage("look up estimates"), platform.warehouse() as warehouse, warehouse.connect() as connection:
        # scipy and pandas take a second to import, which nobody who does not fit should pay.
        from orchestration.estimate_runs import offered, provide
        from orchestration.warehouse.estimate_lookups import runs, sizes

        made = provide(connection, platform.settings.references_dir)
        known, new, rows = runs(connection), offered(connection), sizes(connection)
    return dg.MaterializeResult(
        metadata={
            "made_now": len(made),
            "in_use": markdown_table(
                ("stage", "run", "reference", "release", "for the cohort of", "rows", "caveat"),
                [
                    (r.stage, r.run_id, r.reference_year, r.release, r.cohort_year, rows[r.run_id], r.caveat)
                    for r in known
                    if r.in_use
                ],
            ),
            "offered": markdown_table(
                ("stage", "run", "reference", "to look at it, and to switch"),
                [
                    (
                        r.stage,
                        r.run_id,
                        r.reference_year,
                        f"mis estimates compare {r.run_id}; mis estimates use {r.run_id}",
                    )
                    for r in new
                ],
            ),
        }
    )


@dg.asset(
    key=CALIBRATION,
    group_name="estimates",
    owners=["team:analytics-engineering"],
    kinds={"python", "scikitlearn"},
    pool="warehouse",
    description="How good estimates are: fitted to one year's reference and scored on the next year's results, kept.",
)
def calibration(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Test this version of the method on the shipped references, unless it has been."""
    with onlooker().stage("test estimates"), platform.warehouse() as warehouse, warehouse.connect() as connection:
        from orchestration.estimate_runs import calibrate
        from orchestration.warehouse.calibration_tests import latest_scores

        made = calibrate(connection, platform.settings.references_dir)
        scores = latest_scores(connection)
    return dg.MaterializeResult(
        metadata={
            "tested_now": made,
            "scores": markdown_table(
                ("stage", "fitted", "scored", "way", "ranked probability score", "absolute bias by subject"),
                [
                    (
                        row["stage"],
                        row["fitted_year"],
                        row["scored_year"],
                        row["way"],
                        f"{row['ranked_probability_score']:.5f}",
                        f"{row['absolute_bias_by_subject']:.5f}",
                    )
                    for row in scores
                    if row["slice"] == "all"
                ],
            ),
        }
    )


@dg.asset(
    key=SCHOOL_POOL,
    deps=[
        LOOKUP,
        dg.AssetKey(["core", "attainment"]),
        dg.AssetKey(["core", "prior_attainment"]),
        dg.AssetKey(["core", "pupil"]),
        dg.AssetKey(["core", "estimate_lookup"]),
    ],
    group_name="estimates",
    owners=["team:analytics-engineering"],
    kinds={"python", "scipy"},
    pool="warehouse",
    description="How much the platform's own schools differ in each subject, given prior attainment; every fit kept.",
)
def school_pool(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Fit the schools' effects of each stage that has look-ups, unless these very results have been fitted before."""
    with onlooker().stage("fit the own pool"), platform.warehouse() as warehouse, warehouse.connect() as connection:
        from orchestration.estimates.pool import fit
        from orchestration.warehouse.estimate_lookups import in_use
        from orchestration.warehouse.school_pool import fits_in_use, latest_use, read_results, record

        fitted_now = 0
        for stage, run_id in in_use(connection).items():
            results = read_results(connection, stage, run_id)
            if latest_use(connection, results) is None:
                record(connection, results, [fit(subject) for subject in results.subjects])
                fitted_now += 1
        known = fits_in_use(connection)
    return dg.MaterializeResult(
        metadata={
            "fitted_now": fitted_now,
            "pools": markdown_table(
                ("stage", "look-up", "schools", "results", "subjects fitted", "why not"),
                [tuple(row) for row in known],
            ),
        }
    )


ESTIMATES = [attendance_risk, lookup, calibration, school_pool]
