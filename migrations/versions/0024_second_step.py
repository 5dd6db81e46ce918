"""Signing in in two steps: authenticator apps, recovery codes, half sign-ins; who must use it, and when somebody last proved who they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "second_factors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.String(20), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("begun_in", sa.String(64), nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factors")),
    )
    for name, where in (("confirmed", "confirmed_at IS NOT NULL"), ("begun", "confirmed_at IS NULL")):
        op.create_index(f"uq_second_factors_{name}", "second_factors", ["user_id"], unique=True, postgresql_where=sa.text(where))
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_users")),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "half_sign_ins",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("door", sa.String(6), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("door IN ('portal', 'staff')", name=op.f("ck_half_sign_ins_door")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_half_sign_ins_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_half_sign_ins")),
    )
    op.create_index("ix_half_sign_ins_user", "half_sign_ins", ["user_id"])
    op.add_column("users", sa.Column("second_factor_at", MOMENT, nullable=True))
    op.add_column("user_sessions", sa.Column("confirmed_at", MOMENT, nullable=True))
    op.add_column("staff_sessions", sa.Column("confirmed_at", MOMENT, nullable=True))
    op.add_column("vendors", sa.Column("second_factor_required", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("vendors", sa.Column("refund_limit_minor", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_vendors_refund_limit_minor"), "vendors", "refund_limit_minor >= 0")


def downgrade() -> None:
    """Take it down again."""
    op.drop_constraint(op.f("ck_vendors_refund_limit_minor"), "vendors", type_="check")
    op.drop_column("vendors", "refund_limit_minor")
    op.drop_column("vendors", "second_factor_required")
    op.drop_column("staff_sessions", "confirmed_at")
    op.drop_column("user_sessions", "confirmed_at")
    op.drop_column("users", "second_factor_at")
    op.drop_table("half_sign_ins")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
