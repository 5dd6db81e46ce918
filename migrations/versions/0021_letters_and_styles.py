"""Which letters a vendor's payers get, and what the vendor adds to them; named styles, and which link wears which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
COLOURS = "accent ~ '^#[0-9a-f]{6}$' AND accent_dark ~ '^#[0-9a-f]{6}$'"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "payer_letters",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("paragraph", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_payer_letters_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_payer_letters_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "kind", name=op.f("pk_payer_letters")),
    )
    op.create_table(
        "link_styles",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("accent", sa.CHAR(7), nullable=False),
        sa.Column("accent_dark", sa.CHAR(7), nullable=True),
        sa.Column("put_away_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_link_styles_mode")),
        sa.CheckConstraint(COLOURS, name=op.f("ck_link_styles_accent")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_link_styles_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_link_styles")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_link_styles_vendor_id_mode_public_id")),
    )
    op.add_column("payment_links", sa.Column("style", sa.String(40), server_default="", nullable=False))
    op.add_column("payment_links", sa.Column("accent", sa.CHAR(7), nullable=True))
    op.add_column("payment_links", sa.Column("accent_dark", sa.CHAR(7), nullable=True))
    op.create_check_constraint(op.f("ck_payment_links_accent"), "payment_links", COLOURS)
    worn = sa.text("style <> ''")
    op.create_index("ix_payment_links_by_style", "payment_links", ["vendor_id", "mode", "style"], postgresql_where=worn)


def downgrade() -> None:
    """Take it down again."""
    op.drop_index("ix_payment_links_by_style", table_name="payment_links")
    op.drop_constraint(op.f("ck_payment_links_accent"), "payment_links")
    for column in ("accent_dark", "accent", "style"):
        op.drop_column("payment_links", column)
    op.drop_table("link_styles")
    op.drop_table("payer_letters")
