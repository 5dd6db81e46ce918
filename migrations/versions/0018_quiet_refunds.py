"""Whoever refunds decides whether the payer is written to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Build it."""
    op.add_column("refunds", sa.Column("tell_payer", sa.Boolean(), server_default="true", nullable=False))


def downgrade() -> None:
    """Take it down again."""
    op.drop_column("refunds", "tell_payer")
