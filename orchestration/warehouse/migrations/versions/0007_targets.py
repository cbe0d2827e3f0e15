"""Targets: policies and targets as append-only logs, who may do what with them, and the special-category right."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Past SQLAlchemy's text(), which would read a colon in a comment as a parameter.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    raise RuntimeError("Targets and who set them are not thrown away: restore a backup instead.")
