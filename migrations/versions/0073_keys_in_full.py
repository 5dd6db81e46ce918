"""Keys with an end, a reason why they were revoked and what they were used for; the calls that came with them; links by a wish of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0073"
down_revision = "0072"


def upgrade() -> None:
    """Build it."""
    op.add_column("api_keys", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("warned", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("api_keys", sa.Column("used_scopes", postgresql.ARRAY(sa.String(40)), server_default="{}", nullable=False))
    op.add_column("api_keys", sa.Column("last_used_by", sa.String(120), server_default="", nullable=False))
    op.add_column("api_keys", sa.Column("elsewhere_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("revoked_note", sa.String(200), server_default="", nullable=False))
    op.create_index("ix_api_keys_expires_at", "api_keys", ["expires_at"], postgresql_where="expires_at IS NOT NULL AND warned < 2")
    op.create_table(
        "api_calls",
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("request", sa.String(40), nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("program", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_api_calls_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_api_calls")),
    )
    op.create_index("ix_api_calls_by_key", "api_calls", ["vendor_id", "mode", "key", "id"])
    op.create_index("ix_api_calls_at", "api_calls", ["at"])
    op.add_column("payment_links", sa.Column("wish", sa.String(80), nullable=True))
    op.add_column("payment_links", sa.Column("session", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "uq_payment_links_wish", "payment_links", ["vendor_id", "mode", "wish"], unique=True, postgresql_where="wish IS NOT NULL"
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_index("uq_payment_links_wish", "payment_links")
    op.drop_column("payment_links", "session")
    op.drop_column("payment_links", "wish")
    op.drop_table("api_calls")
    op.drop_index("ix_api_keys_expires_at", "api_keys")
    for column in ("revoked_note", "elsewhere_at", "last_used_by", "used_scopes", "warned", "expires_at"):
        op.drop_column("api_keys", column)
