"""Of which card's end a subscription's people were told last, so that nobody is looked at twice for the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0067"


def upgrade() -> None:
    """Build it."""
    op.add_column("subscriptions", sa.Column("card_told", sa.String(60), server_default="", nullable=False))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("subscriptions", "card_told")
