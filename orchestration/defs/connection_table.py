"""How the connections stand, as the UI shows it on the asset ``ops/connections``."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.connection_report import statuses
from orchestration.defs.describe import markdown_table
from orchestration.ingest import agenda
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

#: Rows that a person looks through; `mis connections list` has all.
_SHOWN = 200


def connection_table(warehouse: Warehouse, settings: Settings) -> dg.MarkdownMetadataValue:
    """State, scopes, last and next extract, rows, and what is held or in quarantine, of each connection now."""
    with warehouse.connect() as connection:
        agenda.refresh(connection, datetime.now(UTC))
        found = statuses(connection, settings.application, limit=_SHOWN)
    return markdown_table(
        (
            "school", "name", "partner", "state", "since", "scopes", "last", "due", "rows", "quarantined", "held",
            "failed",
        ),
        [
            (
                c.school_id,
                c.name,
                c.partner if c.serves else f"({c.partner})",
                c.state,
                f"{c.state_since:%Y-%m-%d}",
                f"{c.scopes_granted}/{c.scopes_asked}",
                f"{c.last_extract:%Y-%m-%d %H:%M}" if c.last_extract else "never",
                f"{c.next_extract:%Y-%m-%d %H:%M}" if c.next_extract else "",
                c.rows_last_extracted,
                c.quarantined,
                ", ".join(c.held),
                ", ".join(c.failed),
            )
            for c in found
        ],
    )  # fmt: skip
