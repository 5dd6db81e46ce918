"""Reference rates, and quotes by which a vendor's balance goes into another currency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "reference_rates",
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units > 0 AND decimals BETWEEN 0 AND 9", name=op.f("ck_reference_rates_rate")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$' AND currency <> 'EUR'", name=op.f("ck_reference_rates_currency")),
        sa.PrimaryKeyConstraint("currency", "published_on", name=op.f("pk_reference_rates")),
    )
    op.create_table(
        "rate_quotes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("from_currency", sa.CHAR(3), nullable=False),
        sa.Column("from_minor", sa.BigInteger(), nullable=False),
        sa.Column("to_currency", sa.CHAR(3), nullable=False),
        sa.Column("to_minor", sa.BigInteger(), nullable=False),
        sa.Column("worth_minor", sa.BigInteger(), nullable=False),
        sa.Column("rate_numerator", sa.BigInteger(), nullable=False),
        sa.Column("rate_denominator", sa.BigInteger(), nullable=False),
        sa.Column("margin_bps", sa.SmallInteger(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("made_by", sa.String(60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_rate_quotes_mode")),
        sa.CheckConstraint(
            "from_currency <> to_currency AND from_minor > 0 AND to_minor > 0 AND worth_minor >= to_minor",
            name=op.f("ck_rate_quotes_amounts"),
        ),
        sa.CheckConstraint(
            "rate_numerator > 0 AND rate_denominator > 0 AND margin_bps BETWEEN 0 AND 9999", name=op.f("ck_rate_quotes_rate")
        ),
        sa.CheckConstraint("expires_at > made_at", name=op.f("ck_rate_quotes_expiry")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_rate_quotes_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_rate_quotes")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_rate_quotes_vendor_id_mode_public_id")),
    )
    op.create_index("ix_rate_quotes_newest", "rate_quotes", ["vendor_id", "mode", "made_at", "id"])


def downgrade() -> None:
    """Take it down again."""
    op.drop_table("rate_quotes")
    op.drop_table("reference_rates")
