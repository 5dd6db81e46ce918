"""A payer may ask to be reminded once if they do not finish."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Build it."""
    op.add_column("payments", sa.Column("remind", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Take it down again."""
    op.drop_column("payments", "remind")
