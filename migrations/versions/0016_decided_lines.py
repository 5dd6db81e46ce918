"""Lines of bank statements about which a person has decided are read newest first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Build it."""
    op.create_index(
        "ix_bank_lines_decided", "bank_lines", ["mode", "resolved_at", "public_id"], postgresql_where=sa.text("state = 'resolved'")
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_bank_lines_decided", table_name="bank_lines")
