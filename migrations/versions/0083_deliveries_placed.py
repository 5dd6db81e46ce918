"""A delivery written without its event's object and place gets them from the event: processes older than 0077 do not know the two columns."""

from __future__ import annotations

from alembic import op

from migrations.steps import SQL

revision = "0083"
down_revision = "0082"


def upgrade() -> None:
    """Build it. A database that takes 0077 now has it already from there, for the time in between."""
    op.get_bind().exec_driver_sql((SQL / "deliveries.sql").read_text())


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP TRIGGER hook_deliveries_placed ON hook_deliveries")
    op.execute("DROP FUNCTION place_delivery()")
