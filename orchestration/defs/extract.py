"""Stage extract: one raw asset a category, partitioned by school, gated as it arrives."""

from collections.abc import Iterator, Mapping, Sequence, Set

import dagster as dg

from orchestration.defs.connection_table import connection_table
from orchestration.defs.describe import markdown_table
from orchestration.defs.partitions import SCHOOLS, bring_in_step, school_id_of
from orchestration.defs.resources import Platform
from orchestration.ingest import registry
from orchestration.ingest.categories import CATEGORIES, Category, CategorySpec
from orchestration.ingest.extract import SchoolOutcome, extract_category, settled_before
from orchestration.quality.results import failed_rules
from orchestration.settings import get_settings
from orchestration.watch import onlooker

GROUP = "raw"
CONNECTIONS = dg.AssetKey(["ops", "connections"])

#: A partner that was away through all attempts of the connector gets one more try. A gate that failed will fail again,
#: so its Failure forbids retries.
_RETRY = dg.RetryPolicy(max_retries=1, delay=10)


class ExtractConfig(dg.Config):
    """Options of an extract."""

    full: bool = False
    """Read everything again and mark what has gone, instead of what changed since the last accepted extract."""
    this_year: bool = False
    """Of marks that are to be read whole, read the present academic year alone."""
    accept_held: bool = False
    """Load the schools in spite of the batch rules they break. For single schools that somebody has looked at."""


@dg.asset(
    key=CONNECTIONS,
    group_name=GROUP,
    owners=["team:data-engineering"],
    kinds={"python", "wonde", "groupcall"},
    pool="partners",
    description="Schools as the partner lists them (approved, pending, revoked ...), with the scopes each has granted.",
    # Known to what `mis up` starts: where a click runs a school again.
    metadata={"run a school again": dg.MetadataValue.url(str(page))}
    if (page := get_settings().connections_url)
    else None,
)
def connections(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Refresh ``ops.school`` and ``ops.school_scope`` and bring the partitions in step with the approved schools."""
    with platform.warehouse() as warehouse:
        schools = registry.sync_all(warehouse, platform.partners(), platform.settings)
        table = connection_table(warehouse, platform.settings)
    approved = [(school.school_id, school.name) for school in schools if school.state == "approved"]
    keys = bring_in_step(context.instance, approved)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(schools),
            "approved": len(keys),
            "schools": table,
        }
    )


def _raw_asset(spec: CategorySpec) -> dg.AssetsDefinition:
    key = dg.AssetKey([GROUP, spec.category.value])

    @dg.asset(
        key=key,
        description=f"{spec.description}\n\nTables: {', '.join(f'raw.{table.name}' for table in spec.tables)}.",
        group_name=GROUP,
        owners=["team:data-engineering"],
        kinds={"python", "postgres"},
        tags={
            "mis/data_type": spec.data_type.value,
            "mis/special_category": "yes" if spec.special else "no",
            **{f"mis/read_for_{purpose.value}": "yes" for purpose in sorted(spec.purposes)},
        },
        partitions_def=SCHOOLS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[CONNECTIONS],
        pool="partners",
        # First: after a move to another partner or MIS only it can tell who the others' pupils are.
        op_tags={"dagster/priority": "1"} if spec.category is Category.BASIC else {},
        retry_policy=_RETRY,
        # A retry logs what it adds, and no result: that would log all schools of the run once more.
        output_required=False,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=2 * spec.cadence, warn_window=1.25 * spec.cadence),
        check_specs=[
            dg.AssetCheckSpec(
                "rows",
                asset=key,
                description="Row rules: rows that break a critical one are in quarantine, the rest are loaded.",
            ),
            dg.AssetCheckSpec(
                "batch",
                asset=key,
                description="Batch rules: a school that breaks one is held and keeps its last accepted data.",
            ),
        ],
    )
    def raw(
        context: dg.AssetExecutionContext, config: ExtractConfig, platform: Platform
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        keys = {school_id_of(partition): partition for partition in context.partition_keys}
        with onlooker().stage(f"extract {spec.category.value}"), platform.warehouse() as warehouse:
            # What an earlier attempt has loaded is loaded, and what it has held would be held again.
            earlier = (
                settled_before(warehouse, spec.category, list(keys), run_id=context.run.run_id)
                if context.retry_number
                else []
            )
            outcomes = earlier + extract_category(
                warehouse,
                platform.partners(),
                platform.settings,
                spec.category,
                sorted(keys.keys() - {outcome.school_id for outcome in earlier}),
                run_id=context.run.run_id,
                full=config.full,
                accept_held=config.accept_held,
                this_year=config.this_year,
                progress=onlooker().progress,
            )
            with warehouse.connect() as connection:
                broken = failed_rules(connection, context.run.run_id, [f"raw.{table.name}" for table in spec.tables])
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name="rows",
            passed=not broken,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "quarantined": sum(outcome.rows_quarantined for outcome in outcomes),
                "rules": markdown_table(
                    ("rule", "severity", "rows", "message", "what to do"),
                    [(r.rule_id, r.severity, r.rows_failed, r.message, r.what_to_do) for r in broken],
                ),
            },
        )
        yield _batch_check(key, outcomes)
        unaccepted = [outcome for outcome in outcomes if outcome.state != "loaded"]
        logged = _logged(context, key) if context.retry_number else set()
        if not unaccepted and not logged:
            for outcome in outcomes:
                context.add_asset_metadata(_metadata(outcome), asset_key=key, partition_key=keys[outcome.school_id])
            yield dg.MaterializeResult(asset_key=key, metadata={"category": spec.title})
            return
        # A result would mark every school of the run green; so the accepted ones are logged one by one, and the step
        # fails: Dagster then shows just the others red.
        for outcome in outcomes:
            if outcome.state == "loaded" and keys[outcome.school_id] not in logged:
                context.log_event(
                    dg.AssetMaterialization(key, partition=keys[outcome.school_id], metadata=_metadata(outcome))
                )
        if not unaccepted:
            return
        raise dg.Failure(
            f"{len(unaccepted)} of {len(outcomes)} schools not loaded; the others are. "
            + "; ".join(f"school {outcome.school_id} {outcome.state}: {outcome.message}" for outcome in unaccepted[:5]),
            metadata={"schools": _outcome_table(unaccepted)},
            allow_retries=any(outcome.state == "failed" for outcome in unaccepted),
        )

    return raw


def _logged(context: dg.AssetExecutionContext, key: dg.AssetKey) -> Set[str | None]:
    """Partitions whose materialisation an earlier attempt has logged; one that died may have loaded more than those."""
    logged: Mapping[dg.AssetKey, Set[str | None]] = context.instance.get_asset_partitions_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    return logged.get(key, set())


def _batch_check(key: dg.AssetKey, outcomes: Sequence[SchoolOutcome]) -> dg.AssetCheckResult:
    held = [outcome for outcome in outcomes if outcome.state == "held"]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="batch",
        passed=not held,
        severity=dg.AssetCheckSeverity.ERROR,
        description=None
        if not held
        else f"{len(held)} of {len(outcomes)} schools held. School {held[0].school_id}: {held[0].message}",
        metadata={"schools": len(outcomes), "held": _outcome_table(held)},
    )


def _metadata(outcome: SchoolOutcome) -> dict[str, dg.MetadataValue]:
    return {
        "dagster/row_count": dg.MetadataValue.int(outcome.rows_extracted),
        "mode": dg.MetadataValue.text(outcome.mode),
        "rows_changed": dg.MetadataValue.int(outcome.rows_loaded),
        "rows_quarantined": dg.MetadataValue.int(outcome.rows_quarantined),
        "rows_removed": dg.MetadataValue.int(outcome.rows_removed),
        "pages": dg.MetadataValue.int(outcome.pages),
        "seconds": dg.MetadataValue.float(round(outcome.seconds, 2)),
        **({"note": dg.MetadataValue.text(outcome.message)} if outcome.message else {}),
    }


def _outcome_table(outcomes: Sequence[SchoolOutcome]) -> dg.MarkdownMetadataValue:
    return markdown_table(
        ("school", "state", "rows", "why and what to do"),
        [(outcome.school_id, outcome.state, outcome.rows_extracted, outcome.message) for outcome in outcomes],
    )


RAW_ASSETS = [_raw_asset(spec) for spec in CATEGORIES.values()]
