"""Stage estimates, between core and marts: numeric models fitted on what is in core, applied by the marts in SQL."""

import dagster as dg

from orchestration.defs.describe import markdown_table
from orchestration.defs.resources import Platform
from orchestration.watch import onlooker

ATTENDANCE_RISK = dg.AssetKey(["estimates", "attendance_risk"])


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
