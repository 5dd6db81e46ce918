"""Guards against card testing: the attack mode of a vendor, and the payments that were held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "attack_modes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(60), nullable=False),
        sa.Column("ended_by", sa.String(60), nullable=False),
        sa.Column("declines", sa.Integer(), nullable=False),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_attack_modes_mode")),
        sa.CheckConstraint("ends_at >= began_at", name=op.f("ck_attack_modes_span")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_attack_modes_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", name=op.f("pk_attack_modes")),
    )
    op.add_column("payments", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_payments_held", "payments", ["vendor_id", "mode", "id"], postgresql_where=sa.text("held_until IS NOT NULL"))


def downgrade() -> None:
    """Take it down again."""
    op.drop_index("ix_payments_held", table_name="payments")
    op.drop_column("payments", "held_until")
    op.drop_table("attack_modes")
