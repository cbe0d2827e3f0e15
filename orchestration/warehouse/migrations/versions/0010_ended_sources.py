"""Sources of ids that have ended: schools that moved within one MIS."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Past SQLAlchemy's text(), which would read a colon in a comment as a parameter.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    raise RuntimeError("A source that has ended would be taken for the one in use: restore a backup instead.")
