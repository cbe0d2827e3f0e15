"""Stage publish: what has passed its gate becomes what people read, in one transaction a purpose."""

from datetime import timedelta
from typing import Any

import dagster as dg
import psycopg

from orchestration.defs.dbt import DBT_ASSETS
from orchestration.defs.describe import grouped_bars, markdown_table, sample
from orchestration.defs.resources import Platform
from orchestration.ingest.categories import Purpose
from orchestration.summary import attendance_beside_national
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import Release, publish
from orchestration.watch import onlooker

GROUP = "published"
_SCHOOLS_IN_PICTURE = 20


def _marts(purpose: Purpose) -> list[dg.AssetKey]:
    return sorted(key for assets in DBT_ASSETS for key in assets.keys if key.path[0] == purpose.value)


class PublishConfig(dg.Config):
    """Options of a publication."""

    allow_breaking: bool = False
    """Drop and make again the views of relations whose columns have gone or changed type."""


def _published_asset(purpose: Purpose) -> dg.AssetsDefinition:
    key = dg.AssetKey([GROUP, purpose.value])

    @dg.asset(
        key=key,
        deps=_marts(purpose),
        group_name=GROUP,
        owners=["team:data-engineering"],
        kinds={"postgres", "view"},
        pool="warehouse",
        freshness_policy=dg.FreshnessPolicy.cron(
            deadline_cron="0 7 * * *", lower_bound_delta=timedelta(days=1), timezone="Europe/London"
        ),
        description=f"Schema `{purpose.value}`: stable views on the latest release of its marts. "
        f"`mis rollback {purpose.value}` returns to the one before.",
    )
    def published(
        context: dg.AssetExecutionContext, config: PublishConfig, platform: Platform
    ) -> dg.MaterializeResult[None]:
        with onlooker().stage(f"publish {purpose.value}"), platform.warehouse() as warehouse:
            with warehouse.connect() as connection:
                release = publish(connection, purpose, context.run_id, allow_breaking=config.allow_breaking)
            metadata = _metadata(warehouse, purpose, release)
        return dg.MaterializeResult(metadata=metadata)

    return published


def _metadata(warehouse: Warehouse, purpose: Purpose, release: Release) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {"release": dg.MetadataValue.text(release.schema_name)}
    with warehouse.connect() as connection:
        metadata["relations"] = markdown_table(("relation", "rows, about"), _sizes(connection, release))
        if purpose is Purpose.ATTENDANCE:
            metadata["school_year"] = sample(connection, purpose.value, "school_year")
            metadata["attendance_rate"] = _attendance_picture(connection)
    return metadata


def _sizes(connection: psycopg.Connection[Any], release: Release) -> list[tuple[str, int | None]]:
    """Each published relation with its rows as of the publication's ``analyze``; a view over others has none.

    Counting took 7 of the 9 s of a publication: the views of single sessions decode two million of them for it.
    """
    rows = connection.execute(
        """
        select relname, case when relkind <> 'v' then reltuples::bigint end
        from pg_class
        where relnamespace = %s::regnamespace and relname = any(%s)
        order by relname
        """,
        [release.schema_name, list(release.relations)],
    )
    return [(name, size) for name, size in rows]


def _attendance_picture(connection: psycopg.Connection[Any]) -> dg.MarkdownMetadataValue:
    figures = attendance_beside_national(connection, limit=_SCHOOLS_IN_PICTURE)
    latest = [figure for figure in figures if figure.academic_year == figures[0].academic_year]
    return grouped_bars(
        f"Attendance {latest[0].academic_year}, %" if latest else "Attendance",
        [figure.school for figure in latest],
        {
            "school": [figure.attendance_percent or 0.0 for figure in latest],
            "England, same phase": [figure.national_percent or 0.0 for figure in latest],
        },
    )


PUBLISHED_ASSETS = [_published_asset(purpose) for purpose in Purpose]
