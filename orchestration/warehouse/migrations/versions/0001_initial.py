"""The warehouse as it begins: raw, ops, quarantine, access, and the schemas that others fill."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Past SQLAlchemy's text(), which would read a colon in a comment as a parameter.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    raise RuntimeError("There is nothing before the first migration: drop the database instead.")
