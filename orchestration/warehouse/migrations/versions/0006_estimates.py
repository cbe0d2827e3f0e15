"""Estimates as look-up tables: references, runs, which run is in use, how good they are, the own pool."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Past SQLAlchemy's text(), which would read a colon in a comment as a parameter; the driver does so with %.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    raise RuntimeError("Every published estimate must be reproducible from its run: restore a backup instead.")
