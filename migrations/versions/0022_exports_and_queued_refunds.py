"""Long exports are kept for a while; a person has a language; a refund may wait for the seller's balance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"


REFUNDS = ("canceled", "failed", "pending", "requested", "submitted", "succeeded", "unknown")


def _refund_states(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_refunds_state"), "refunds")
    op.create_check_constraint(op.f("ck_refunds_state"), "refunds", f"state IN ({', '.join(repr(state) for state in states)})")


def _sums(not_negative: str, within: str) -> None:
    op.drop_constraint(op.f("ck_payments_not_negative"), "payments")
    op.create_check_constraint(op.f("ck_payments_not_negative"), "payments", not_negative)
    op.drop_constraint(op.f("ck_payments_refund_within_capture"), "payments")
    op.create_check_constraint(op.f("ck_payments_refund_within_capture"), "payments", within)


def upgrade() -> None:
    """Build it."""
    op.add_column("payments", sa.Column("queued_minor", sa.BigInteger(), server_default="0", nullable=False))
    _sums(
        "captured_minor >= 0 AND refunded_minor >= 0 AND refunding_minor >= 0 AND queued_minor >= 0",
        "refunded_minor + refunding_minor + queued_minor <= captured_minor",
    )
    _refund_states(tuple(sorted((*REFUNDS, "queued"))))
    queued = sa.text("state = 'queued'")
    op.create_index("ix_refunds_queued", "refunds", ["vendor_id", "mode", "currency", "id"], postgresql_where=queued)
    op.add_column("users", sa.Column("language", sa.String(10), server_default="", nullable=False))
    op.create_table(
        "exports",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("file_format", sa.String(4), nullable=False),
        sa.Column("narrow", postgresql.JSONB(), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("total_rows", sa.Integer(), nullable=True),
        sa.Column("done_rows", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("newest_row", sa.Uuid(), nullable=False),
        sa.Column("last_row", sa.Uuid(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure_reason", sa.String(40), nullable=True),
        sa.Column("requested_by", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_exports_mode")),
        sa.CheckConstraint("state IN ('waiting', 'running', 'ready', 'failed', 'expired')", name=op.f("ck_exports_state")),
        sa.CheckConstraint("file_format IN ('csv', 'xlsx')", name=op.f("ck_exports_file_format")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_exports_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_exports")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_exports_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_exports_vendor_id_mode_form_token")),
    )
    op.create_index("ix_exports_kept", "exports", ["expires_at"], postgresql_where=sa.text("state = 'ready'"))
    op.create_table(
        "export_pieces",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_export_pieces_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "export_id"], ["exports.vendor_id", "exports.mode", "exports.id"], name=op.f("fk_export_pieces_exports")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "export_id", "number", name=op.f("pk_export_pieces")),
    )


def downgrade() -> None:
    """Take it down again."""
    op.drop_table("export_pieces")
    op.drop_index("ix_exports_kept", table_name="exports")
    op.drop_table("exports")
    op.drop_column("users", "language")
    op.drop_index("ix_refunds_queued", table_name="refunds")
    op.execute("UPDATE refunds SET state = 'canceled' WHERE state = 'queued'")
    _refund_states(REFUNDS)
    _sums(
        "captured_minor >= 0 AND refunded_minor >= 0 AND refunding_minor >= 0",
        "refunded_minor + refunding_minor <= captured_minor",
    )
    op.drop_column("payments", "queued_minor")
