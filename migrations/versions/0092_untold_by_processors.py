"""What a processor has not told to its end is kept with the look that asked, so that the next one goes on there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0092"
down_revision = "0091"


def upgrade() -> None:
    """Build it."""
    op.add_column("recon_runs", sa.Column("untold", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    """As it was."""
    op.drop_column("recon_runs", "untold")
