"""What the registry of VAT numbers of the European Union answered about a business, kept as evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "vat_checks",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vat_id", sa.String(20), nullable=False),
        sa.Column("requester", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(60), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consultation", sa.String(60), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.CheckConstraint("state IN ('asked', 'valid', 'invalid')", name=op.f("ck_vat_checks_state")),
        sa.CheckConstraint("(state = 'asked') = (answered_at IS NULL)", name=op.f("ck_vat_checks_answered")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vat_checks_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_vat_checks")),
    )
    op.create_index("ix_vat_checks_due", "vat_checks", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))


def downgrade() -> None:
    """Take it down."""
    op.drop_index("ix_vat_checks_due", "vat_checks")
    op.drop_table("vat_checks")
