"""A payment that is settled by itself goes its own way: the same end, in plain statements."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0043"
down_revision = "0039"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Build it."""
    op.get_bind().exec_driver_sql((SQL / "settle_one.sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP FUNCTION settle_payment")
    op.execute("DROP FUNCTION ledger_shard")
    op.execute("ALTER FUNCTION ledger_find_shard RENAME TO ledger_shard")
