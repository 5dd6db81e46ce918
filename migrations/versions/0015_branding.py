"""How a vendor looks to its payers: colours, logo and a telephone number on its own row, and the picture beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def columns() -> tuple[sa.Column, ...]:
    """Made anew each time: a column belongs to one table only."""
    return (
        sa.Column("accent", sa.CHAR(length=7), nullable=True),
        sa.Column("accent_dark", sa.CHAR(length=7), nullable=True),
        sa.Column("logo_digest", sa.String(length=32), nullable=True),
        sa.Column("logo_width", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("logo_height", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("logo_says_name", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("support_phone", sa.String(length=30), server_default="", nullable=False),
    )


def upgrade() -> None:
    """Build it."""
    for column in columns():
        op.add_column("vendors", column)
    op.create_check_constraint(op.f("ck_vendors_accent"), "vendors", "accent ~ '^#[0-9a-f]{6}$' AND accent_dark ~ '^#[0-9a-f]{6}$'")
    op.create_table(
        "vendor_logos",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_logos_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", name=op.f("pk_vendor_logos")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("vendor_logos")
    op.drop_constraint(op.f("ck_vendors_accent"), "vendors", type_="check")
    for column in columns():
        op.drop_column("vendors", column.name)
