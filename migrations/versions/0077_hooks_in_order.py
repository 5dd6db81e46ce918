"""A webhook sends headers of the vendor's own along, and a delivery knows its event's object and place, by which the order is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0077"
down_revision = "0076"

FILL = """
    UPDATE hook_deliveries d SET subject = e.subject, position = e.position
    FROM events e WHERE e.vendor_id = d.vendor_id AND e.mode = d.mode AND e.id = d.event_id"""


def upgrade() -> None:
    """Build it."""
    op.add_column("hook_endpoints", sa.Column("header_names", postgresql.ARRAY(sa.String(length=64)), nullable=False, server_default="{}"))
    op.add_column("hook_endpoints", sa.Column("headers_key", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("hook_endpoints", sa.Column("headers_sealed", sa.LargeBinary()))
    op.add_column("hook_deliveries", sa.Column("subject", sa.String(length=60)))
    op.add_column("hook_deliveries", sa.Column("position", sa.BigInteger()))
    op.execute(FILL)
    op.alter_column("hook_deliveries", "subject", nullable=False)
    op.alter_column("hook_deliveries", "position", nullable=False)
    op.create_index(
        "ix_hook_deliveries_in_order", "hook_deliveries", ["vendor_id", "mode", "endpoint_id", "subject", "position"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_hook_deliveries_in_order", table_name="hook_deliveries")
    op.drop_column("hook_deliveries", "position")
    op.drop_column("hook_deliveries", "subject")
    for name in ("headers_sealed", "headers_key", "header_names"):
        op.drop_column("hook_endpoints", name)
