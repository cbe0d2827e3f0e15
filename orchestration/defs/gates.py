"""Gates between stages: blocking checks that one process evaluates for a whole stage."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from orchestration.defs.describe import markdown_table
from orchestration.defs.resources import Platform, engine
from orchestration.ingest.categories import Purpose
from orchestration.quality.gate import run_gate
from orchestration.quality.report import write_report
from orchestration.quality.results import GateResult, record
from orchestration.quality.suites import Suite, load_suites
from orchestration.settings import get_settings
from orchestration.watch import onlooker

CHECK = "gate"


def _gate(name: str, prefix: str, suites: Sequence[Suite]) -> dg.AssetChecksDefinition:
    keys = {suite.name: dg.AssetKey([prefix, suite.table]) for suite in suites}
    specs = [
        dg.AssetCheckSpec(
            CHECK,
            asset=keys[suite.name],
            blocking=True,
            description=f"{len(suite.rules)} rules of {suite.source}. A critical failure stops publication.",
        )
        for suite in suites
    ]

    @dg.multi_asset_check(name=name, specs=specs, pool="warehouse")
    def gate(context: dg.AssetCheckExecutionContext, platform: Platform) -> Iterator[dg.AssetCheckResult]:
        run_id = context.op_execution_context.run_id
        with onlooker().stage(name.replace("_", " ")), platform.warehouse() as warehouse, engine(warehouse) as opened:
            results = [run_gate(opened, suite) for suite in suites]
            with warehouse.connect() as connection:
                for result in results:
                    record(connection, run_id, result)
                connection.commit()
        report = write_report(platform.settings.reports_dir, run_id, results)
        for suite, result in zip(suites, results, strict=True):
            yield _check_result(keys[suite.name], result, report)

    return gate


def _check_result(key: dg.AssetKey, result: GateResult, report: Path) -> dg.AssetCheckResult:
    broken = [rule for rule in result.results if rule.outcome != "passed"]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=CHECK,
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if result.blocks else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{rule.rule_id}: {rule.message}" for rule in broken)
        or f"{len(result.results)} rules hold",
        metadata={
            "rules": len(result.results),
            "failed": markdown_table(
                ("rule", "severity", "outcome", "rows failed", "of", "examples", "message", "what to do"),
                [
                    (
                        r.rule_id,
                        r.severity,
                        r.outcome,
                        r.rows_failed,
                        r.rows_checked,
                        r.examples[:3],
                        r.message,
                        r.what_to_do,
                    )
                    for r in broken
                ],
            ),
            "report": dg.MetadataValue.path(str(report)),
        },
    )


_expectations = get_settings().expectations_dir

GATES = [
    _gate("gate_core", "core", load_suites(_expectations / "core")),
    *(
        _gate(f"gate_{purpose.value}", purpose.value, suites)
        for purpose in Purpose
        if (suites := load_suites(_expectations / "marts" / purpose.value))
    ),
]
