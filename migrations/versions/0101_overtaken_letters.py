"""A letter that was not sent because it was no longer true is one of its own kind: it did not fail, and nobody has to do anything."""

from __future__ import annotations

from migrations.steps import ANY_TIME, PATIENCE, each_by_itself

revision = "0101"
down_revision = "0100"

BEFORE = "state IN ('queued', 'sent', 'kept', 'failed', 'held', 'bounced')"
NOW = "state IN ('queued', 'sent', 'kept', 'failed', 'held', 'bounced', 'overtaken')"
REWORD = "ALTER TABLE messages DROP CONSTRAINT ck_messages_state, ADD CONSTRAINT ck_messages_state CHECK ({}) NOT VALID"


def upgrade() -> None:
    """Build it."""
    _reword(NOW)


def downgrade() -> None:
    """As it was."""
    _reword(BEFORE, "UPDATE messages SET state = 'failed' WHERE state = 'overtaken'")


def _reword(states: str, *first: str) -> None:
    """Letters go on being written meanwhile: the table is held for a moment only, and what stands in it is looked through afterwards."""
    with each_by_itself() as connection:
        for step in (*first, PATIENCE, REWORD.format(states), ANY_TIME, "ALTER TABLE messages VALIDATE CONSTRAINT ck_messages_state"):
            connection.execute(step)
