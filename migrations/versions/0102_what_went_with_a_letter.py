"""A letter remembers the names of the files that went with it: whoever is asked about it sees whether the receipt was attached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0102"
down_revision = "0101"


def upgrade() -> None:
    """Build it."""
    op.add_column("messages", sa.Column("enclosed", JSONB(), server_default=sa.text("'[]'"), nullable=False))


def downgrade() -> None:
    """As it was."""
    op.drop_column("messages", "enclosed")
