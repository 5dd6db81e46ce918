"""A letter remembers the names of the files that went with it: whoever is asked about it sees whether the receipt was attached.

The words of letters to members that were sent before they were no longer kept (core/notifications/notify.py) go, as those of today do.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0102"
down_revision = "0101"


def upgrade() -> None:
    """Build it."""
    op.add_column("messages", sa.Column("enclosed", JSONB(), server_default=sa.text("'[]'"), nullable=False))
    op.execute(
        "UPDATE messages SET text = NULL, html = NULL WHERE text IS NOT NULL AND state = 'sent'"
        " AND kind IN ('membership_welcome', 'membership_news', 'membership_page')"
    )


def downgrade() -> None:
    """As it was."""
    op.drop_column("messages", "enclosed")
