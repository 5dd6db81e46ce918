"""The look whether a journal is whole goes by its key as well, whatever was known of the table when it was planned."""

from __future__ import annotations

from alembic import op

revision = "0085"
down_revision = "0084"


def upgrade() -> None:
    """Build it."""
    # Counted while there are a few rows, all entries are read and put in order for less than an index costs; and a plan is kept.
    op.execute("ALTER FUNCTION journal_is_whole() SET enable_seqscan = off")


def downgrade() -> None:
    """Take it away again."""
    op.execute("ALTER FUNCTION journal_is_whole() RESET enable_seqscan")
