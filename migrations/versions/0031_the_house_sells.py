"""The house itself is a vendor: it sells its plans to the others. What an invoice says of a business; how far effects were followed; what a charge became."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

HOUSE = "00000000-0000-0000-0000-000000000000"  # the id of the platform's own book
STATES = "state IN ('wanted', {}'stopped', 'received', 'refused')"


def upgrade() -> None:
    """Build it."""
    op.execute(
        f"""INSERT INTO vendors (id, public_id, name, country, currency, time_zone, support_email, fee_bps, release_days, live_enabled, created_at,
            second_factor_required, logo_width, logo_height, logo_says_name, support_phone)
            VALUES ('{HOUSE}', 'vnd_0000000000000000000000', 'The directory', 'GB', 'GBP', 'Europe/London', '', 0, 0, true, now(),
            false, 0, 0, false, '')"""
    )
    op.create_table(
        "business_details",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("legal_name", sa.String(120), nullable=False),
        sa.Column("street", sa.String(120), nullable=False),
        sa.Column("postcode", sa.String(20), nullable=False),
        sa.Column("city", sa.String(80), nullable=False),
        sa.Column("registration", sa.String(60), nullable=False),
        sa.Column("vat_id", sa.String(20), nullable=False),
        sa.Column("tax_bps", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tax_bps BETWEEN 0 AND 5000", name=op.f("ck_business_details_tax_bps")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_business_details_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", name=op.f("pk_business_details")),
    )
    op.add_column("subscriptions", sa.Column("payer_email", sa.String(254), nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("followed", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("subscriptions", sa.Column("ahead_seconds", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_check_constraint(
        op.f("ck_subscriptions_ahead"), "subscriptions", "ahead_seconds = 0 OR (mode = 'test' AND ahead_seconds > 0)"
    )
    # Who subscribes to the plans of the house does so once: what was cancelled does not count.
    op.create_index(
        "uq_subscriptions_one", "subscriptions", ["vendor_id", "mode", "subscriber"], unique=True,
        postgresql_where=sa.text(f"vendor_id = '{HOUSE}' AND status <> 'cancelled'"),
    )  # fmt: skip
    op.add_column("products", sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("billing_charges", sa.Column("payment_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("ck_billing_charges_state"), "billing_charges")
    op.create_check_constraint(op.f("ck_billing_charges_state"), "billing_charges", STATES.format("'sent', "))
    op.create_index(
        "ix_billing_charges_payment",
        "billing_charges",
        ["vendor_id", "mode", "payment_id"],
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_index("ix_billing_charges_payment", "billing_charges")
    op.drop_constraint(op.f("ck_billing_charges_state"), "billing_charges")
    op.create_check_constraint(op.f("ck_billing_charges_state"), "billing_charges", STATES.format(""))
    op.drop_column("billing_charges", "payment_id")
    op.drop_column("products", "hidden")
    op.drop_index("uq_subscriptions_one", "subscriptions")
    op.drop_constraint(op.f("ck_subscriptions_ahead"), "subscriptions")
    op.drop_column("subscriptions", "ahead_seconds")
    op.drop_column("subscriptions", "followed")
    op.drop_column("subscriptions", "payer_email")
    op.drop_table("business_details")
    op.execute(f"DELETE FROM vendors WHERE id = '{HOUSE}'")
