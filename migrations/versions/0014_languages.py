"""Languages: what a link is shown in, and what a payer has read in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Build it."""
    for table in ("payment_links", "payments"):
        op.add_column(table, sa.Column("locale", sa.String(length=10), server_default="", nullable=False))


def downgrade() -> None:
    """Take it down again."""
    for table in ("payments", "payment_links"):
        op.drop_column(table, "locale")
