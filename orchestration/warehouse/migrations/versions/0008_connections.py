"""Connections: who let us read what through whom, sources of ids, records told again, and the ledger of consent."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Past SQLAlchemy's text(), which would read a colon in a comment as a parameter.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    raise RuntimeError("Who consented to what is not thrown away: restore a backup instead.")
