"""A letter that was not sent because it was no longer true is one of its own kind: it did not fail, and nobody has to do anything."""

from __future__ import annotations

from alembic import op

revision = "0101"
down_revision = "0100"

BEFORE = "state IN ('queued', 'sent', 'kept', 'failed', 'held', 'bounced')"
NOW = "state IN ('queued', 'sent', 'kept', 'failed', 'held', 'bounced', 'overtaken')"


def upgrade() -> None:
    """Build it."""
    _reword(NOW)


def downgrade() -> None:
    """As it was."""
    op.execute("UPDATE messages SET state = 'failed' WHERE state = 'overtaken'")
    _reword(BEFORE)


def _reword(states: str) -> None:
    op.drop_constraint(op.f("ck_messages_state"), "messages")
    op.create_check_constraint(op.f("ck_messages_state"), "messages", states)
