"""What vendors and the staff write to each other about a dispute, and disputes that are given in by a vendor's rule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
MODES = "mode IN ('test', 'live')"


def upgrade() -> None:
    """Build it."""
    for name in ("accept_at", "waits_since"):
        op.add_column("disputes", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_disputes_to_accept", "disputes", ["accept_at"], postgresql_where=sa.text("accept_at IS NOT NULL"))
    op.create_index("ix_disputes_unread", "disputes", ["waits_since"], postgresql_where=sa.text("waits_since IS NOT NULL"))
    _messages()
    _enclosures()
    _rules()


def _messages() -> None:
    op.create_table(
        "dispute_messages",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(80), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("author", sa.String(60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(MODES, name=op.f("ck_dispute_messages_mode")),
        sa.CheckConstraint("side IN ('staff', 'vendor')", name=op.f("ck_dispute_messages_side")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "dispute_id"],
            ["disputes.vendor_id", "disputes.mode", "disputes.id"],
            name=op.f("fk_dispute_messages_disputes"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_dispute_messages")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_dispute_messages_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_dispute_messages_vendor_id_mode_form_token")),
    )
    op.create_index("ix_dispute_messages_of", "dispute_messages", ["vendor_id", "mode", "dispute_id", "id"])


def _enclosures() -> None:
    op.create_table(
        "dispute_enclosures",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(MODES, name=op.f("ck_dispute_enclosures_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "message_id"],
            ["dispute_messages.vendor_id", "dispute_messages.mode", "dispute_messages.id"],
            name=op.f("fk_dispute_enclosures_dispute_messages"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_dispute_enclosures")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_dispute_enclosures_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "message_id", name=op.f("uq_dispute_enclosures_vendor_id_mode_message_id")),
    )
    op.create_index("ix_dispute_enclosures_of", "dispute_enclosures", ["vendor_id", "mode", "dispute_id"])


def _rules() -> None:
    op.create_table(
        "dispute_accept_rules",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("most_minor", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("set_by", sa.String(60), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(MODES, name=op.f("ck_dispute_accept_rules_mode")),
        sa.CheckConstraint("most_minor > 0 AND days BETWEEN 1 AND 7", name=op.f("ck_dispute_accept_rules_bounds")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_dispute_accept_rules_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "currency", name=op.f("pk_dispute_accept_rules")),
    )


def downgrade() -> None:
    """Take it down."""
    for name in ("dispute_accept_rules", "dispute_enclosures", "dispute_messages"):
        op.drop_table(name)
    for name in ("ix_disputes_unread", "ix_disputes_to_accept"):
        op.drop_index(name, "disputes")
    for name in ("waits_since", "accept_at"):
        op.drop_column("disputes", name)
