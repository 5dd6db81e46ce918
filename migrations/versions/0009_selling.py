"""What vendors sell and ask: offers on links, tax rates, discount codes, frozen carts, payers' answers, return domains."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0007"

MODE = "mode IN ('test', 'live')"
PAYMENT = ["payments.vendor_id", "payments.mode", "payments.id"]


def upgrade() -> None:
    """Build it."""
    op.add_column("payment_links", sa.Column("offer", postgresql.JSONB(astext_type=sa.Text(), none_as_null=True), nullable=True))
    op.add_column("payments", sa.Column("tip_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("payments", sa.Column("itemised", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("payments", sa.Column("recovered_from", sa.Uuid(), nullable=True))
    op.create_check_constraint(op.f("ck_payments_tip"), "payments", "tip_minor BETWEEN 0 AND amount_minor")
    _domains()
    _rates_and_codes()
    _carts()
    _details()


def _domains() -> None:
    op.create_table(
        "vendor_domains",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("proof", sa.String(length=60), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.String(length=10), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_domains_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_vendor_domains")),
        sa.UniqueConstraint("vendor_id", "host", name=op.f("uq_vendor_domains_vendor_id_host")),
        sa.UniqueConstraint("vendor_id", "public_id", name=op.f("uq_vendor_domains_vendor_id_public_id")),
    )


def _rates_and_codes() -> None:
    op.create_table(
        "tax_rates",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("inclusive", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_away_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(MODE, name=op.f("ck_tax_rates_mode")),
        sa.CheckConstraint("bps BETWEEN 0 AND 10000", name=op.f("ck_tax_rates_bps")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_tax_rates_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_tax_rates")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_tax_rates_vendor_id_mode_public_id")),
    )
    op.create_table(
        "discount_codes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("most_uses", sa.Integer(), nullable=True),
        sa.Column("most_each", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(MODE, name=op.f("ck_discount_codes_mode")),
        sa.CheckConstraint("bps BETWEEN 1 AND 10000", name=op.f("ck_discount_codes_bps")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_discount_codes_amount")),
        sa.CheckConstraint("(bps IS NULL) <> (amount_minor IS NULL)", name=op.f("ck_discount_codes_one_kind")),
        sa.CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name=op.f("ck_discount_codes_sum_has_currency")),
        sa.CheckConstraint("most_uses BETWEEN 1 AND 1000000", name=op.f("ck_discount_codes_most_uses")),
        sa.CheckConstraint("most_each BETWEEN 1 AND 1000", name=op.f("ck_discount_codes_most_each")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_discount_codes_window")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_discount_codes_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_discount_codes")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_discount_codes_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "code", name=op.f("uq_discount_codes_vendor_id_mode_code")),
    )
    op.create_table(
        "discount_uses",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("discount_id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.String(length=254), nullable=False),
        sa.CheckConstraint(MODE, name=op.f("ck_discount_uses_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "discount_id"],
            ["discount_codes.vendor_id", "discount_codes.mode", "discount_codes.id"],
            name=op.f("fk_discount_uses_discount_codes"),
        ),
        sa.ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], PAYMENT, name=op.f("fk_discount_uses_payments")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", name=op.f("pk_discount_uses")),
    )
    op.create_index("ix_discount_uses_by_customer", "discount_uses", ["vendor_id", "mode", "discount_id", "customer"], unique=False)


def _carts() -> None:
    op.create_table(
        "payment_lines",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("item", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("unit_minor", sa.BigInteger(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_inclusive", sa.Boolean(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=False),
        sa.CheckConstraint(MODE, name=op.f("ck_payment_lines_mode")),
        sa.CheckConstraint("kind IN ('item', 'tip')", name=op.f("ck_payment_lines_kind")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name=op.f("ck_payment_lines_quantity")),
        sa.CheckConstraint("subtotal_minor = unit_minor * quantity", name=op.f("ck_payment_lines_subtotal")),
        sa.CheckConstraint("discount_minor BETWEEN 0 AND subtotal_minor AND tax_minor >= 0", name=op.f("ck_payment_lines_not_negative")),
        sa.CheckConstraint(
            "total_minor = subtotal_minor - discount_minor + CASE WHEN tax_inclusive THEN 0 ELSE tax_minor END",
            name=op.f("ck_payment_lines_total"),
        ),
        sa.ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], PAYMENT, name=op.f("fk_payment_lines_payments")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", "position", name=op.f("pk_payment_lines")),
    )
    op.create_table(
        "payment_taxes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("inclusive", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("taxable_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(MODE, name=op.f("ck_payment_taxes_mode")),
        sa.CheckConstraint("taxable_minor >= 0 AND tax_minor >= 0", name=op.f("ck_payment_taxes_not_negative")),
        sa.ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], PAYMENT, name=op.f("fk_payment_taxes_payments")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", "position", name=op.f("pk_payment_taxes")),
    )


def _details() -> None:
    op.create_table(
        "terms_texts",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(MODE, name=op.f("ck_terms_texts_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_terms_texts_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "version", name=op.f("pk_terms_texts")),
    )
    op.create_table(
        "payment_details",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=False),
        sa.Column("tax_id", sa.String(length=30), nullable=False),
        sa.Column("billing", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shipping", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("terms_version", sa.String(length=16), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_from", sa.String(length=60), nullable=False),
        sa.Column("agreed_with", sa.String(length=200), nullable=False),
        sa.CheckConstraint(MODE, name=op.f("ck_payment_details_mode")),
        sa.CheckConstraint("(terms_version IS NULL) = (agreed_at IS NULL)", name=op.f("ck_payment_details_consent_has_time")),
        sa.ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], PAYMENT, name=op.f("fk_payment_details_payments")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "terms_version"],
            ["terms_texts.vendor_id", "terms_texts.mode", "terms_texts.version"],
            name=op.f("fk_payment_details_terms_texts"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", name=op.f("pk_payment_details")),
    )


def downgrade() -> None:
    """Take it away again."""
    for table in (
        "payment_details", "terms_texts", "payment_taxes", "payment_lines", "discount_uses", "discount_codes", "tax_rates", "vendor_domains",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_constraint(op.f("ck_payments_tip"), "payments")
    for column in ("recovered_from", "itemised", "tip_minor"):
        op.drop_column("payments", column)
    op.drop_column("payment_links", "offer")
