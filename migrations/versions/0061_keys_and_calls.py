"""Kinds of keys, what they are good for, and the calls that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061"
down_revision = "0060"

ADDED = ("kind", "scopes", "addresses", "plain", "last_used_from", "replaced_by", "ends_at", "revoked_because")


def upgrade() -> None:
    """Build it."""
    op.add_column("api_keys", sa.Column("kind", sa.CHAR(2), server_default="sk", nullable=False))
    op.add_column("api_keys", sa.Column("scopes", postgresql.ARRAY(sa.String(40)), server_default="{}", nullable=False))
    op.add_column("api_keys", sa.Column("addresses", postgresql.ARRAY(sa.String(43)), server_default="{}", nullable=False))
    op.add_column("api_keys", sa.Column("plain", sa.String(60), nullable=True))
    op.add_column("api_keys", sa.Column("last_used_from", sa.String(45), server_default="", nullable=False))
    op.add_column("api_keys", sa.Column("replaced_by", sa.String(40), server_default="", nullable=False))
    op.add_column("api_keys", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("revoked_because", sa.String(20), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_api_keys_kind"), "api_keys", "kind IN ('pk', 'sk', 'rk')")
    op.create_check_constraint(op.f("ck_api_keys_scopes"), "api_keys", "(kind = 'rk') = (cardinality(scopes) > 0)")
    op.create_check_constraint(op.f("ck_api_keys_plain"), "api_keys", "(kind = 'pk') = (plain IS NOT NULL)")
    op.add_column("kept_answers", sa.Column("fields", postgresql.JSONB(), nullable=True))
    op.create_table(
        "refused_calls",
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("request", sa.String(40), nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_refused_calls_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "key"],
            ["api_keys.vendor_id", "api_keys.mode", "api_keys.public_id"],
            name=op.f("fk_refused_calls_api_keys"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_refused_calls")),
    )
    op.create_index("ix_refused_calls_by_key", "refused_calls", ["vendor_id", "mode", "key", "id"])
    op.create_index("ix_refused_calls_at", "refused_calls", ["at"])


def downgrade() -> None:
    """Take it down."""
    op.drop_table("refused_calls")
    op.drop_column("kept_answers", "fields")
    for name in ("kind", "scopes", "plain"):
        op.drop_constraint(op.f(f"ck_api_keys_{name}"), "api_keys")
    for column in reversed(ADDED):
        op.drop_column("api_keys", column)
