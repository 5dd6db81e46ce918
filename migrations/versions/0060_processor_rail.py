"""Payouts through a processor: sellers' accounts there, and each payout's way through one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0060"
down_revision = "0059"
ACCOUNT = (("rail", 10, "bank"), ("provider", 20, ""), ("provider_account", 60, ""), ("last4", 4, ""), ("mark", 60, ""))
WHERE = "(rail = 'bank') = (iban <> '') AND (rail = 'processor') = (provider_account <> '')"


def upgrade() -> None:
    """Build it."""
    for name, length, usual in ACCOUNT:
        op.add_column("payout_accounts", sa.Column(name, sa.String(length), nullable=False, server_default=usual))
        op.alter_column("payout_accounts", name, server_default=None)
    op.create_check_constraint(op.f("ck_payout_accounts_rail"), "payout_accounts", "rail IN ('bank', 'processor')")
    op.create_check_constraint(op.f("ck_payout_accounts_where"), "payout_accounts", WHERE)
    _receivers()
    _carriages()


def _receivers() -> None:
    op.create_table(
        "payout_receivers",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("provider_reference", sa.String(60), nullable=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("banks", JSONB(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(60), nullable=False),
        sa.Column("opened_by", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payout_receivers_mode")),
        sa.CheckConstraint("(provider_reference IS NULL) = (state = 'opening')", name=op.f("ck_payout_receivers_opened")),
        sa.CheckConstraint(
            "state IN ('opening', 'ready', 'restricted', 'to_complete', 'under_review')", name=op.f("ck_payout_receivers_state")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_payout_receivers")),
        sa.UniqueConstraint("vendor_id", "mode", "provider", name=op.f("uq_payout_receivers_vendor_id_mode_provider")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_payout_receivers_vendor_id_mode_public_id")),
    )
    op.create_index("ix_payout_receivers_due", "payout_receivers", ["next_look_at"], postgresql_where="next_look_at IS NOT NULL")


def _carriages() -> None:
    op.create_table(
        "payout_carriages",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("receiver", sa.String(60), nullable=False),
        sa.Column("step", sa.String(8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("move_reference", sa.String(60), nullable=False),
        sa.Column("payout_reference", sa.String(60), nullable=False),
        sa.Column("back_reference", sa.String(60), nullable=False),
        sa.Column("trace", sa.String(60), nullable=False),
        sa.Column("why", sa.String(60), nullable=False),
        sa.Column("problem", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payout_carriages_mode")),
        sa.CheckConstraint("step IN ('back', 'done', 'move', 'pay', 'watch')", name=op.f("ck_payout_carriages_step")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payout_id"],
            ["payouts.vendor_id", "payouts.mode", "payouts.id"],
            name=op.f("fk_payout_carriages_payouts"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payout_id", name=op.f("pk_payout_carriages")),
    )
    op.create_index("ix_payout_carriages_due", "payout_carriages", ["next_look_at"], postgresql_where="next_look_at IS NOT NULL")
    op.create_index("ix_payout_carriages_move", "payout_carriages", ["vendor_id", "mode", "move_reference"])


def downgrade() -> None:
    """Take it down."""
    op.drop_table("payout_carriages")
    op.drop_table("payout_receivers")
    op.drop_constraint(op.f("ck_payout_accounts_where"), "payout_accounts")
    op.drop_constraint(op.f("ck_payout_accounts_rail"), "payout_accounts")
    for name, _length, _usual in ACCOUNT:
        op.drop_column("payout_accounts", name)
