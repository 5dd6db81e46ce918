"""Ways to pay: what each vendor offers, what a link allows, what an attempt was opened for and what really paid."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

SQL = Path(__file__).parents[1] / "sql"
METHODS = "IN ('bank_redirect', 'bank_transfer', 'card', 'qr', 'wallet')"


def upgrade() -> None:
    """Build it. What was there before was opened for a card, at the provider of its payment."""
    op.create_table(
        "vendor_methods",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=True),
        sa.Column("maximum_minor", sa.BigInteger(), nullable=True),
        sa.Column("currencies", postgresql.ARRAY(sa.CHAR(length=3)), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.CHAR(length=2)), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_vendor_methods_mode")),
        sa.CheckConstraint(f"method {METHODS}", name=op.f("ck_vendor_methods_method")),
        sa.CheckConstraint("minimum_minor > 0 AND minimum_minor <= maximum_minor", name=op.f("ck_vendor_methods_range")),
        sa.CheckConstraint(
            "currency IS NOT NULL OR (minimum_minor IS NULL AND maximum_minor IS NULL)",
            name=op.f("ck_vendor_methods_limits_have_a_currency"),
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_methods_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "method", name=op.f("pk_vendor_methods")),
    )
    op.add_column("payment_links", sa.Column("methods", postgresql.ARRAY(sa.String(length=20)), nullable=False, server_default="{}"))
    op.add_column("payments", sa.Column("payer_country", sa.CHAR(length=2), nullable=True))
    op.add_column("payments", sa.Column("method", sa.String(length=20), nullable=True))
    op.add_column("payments", sa.Column("method_kind", sa.String(length=40), nullable=True))
    op.add_column("payments", sa.Column("card_funding", sa.String(length=10), nullable=True))
    op.create_check_constraint(op.f("ck_payments_method"), "payments", f"method {METHODS}")
    op.add_column("attempts", sa.Column("method", sa.String(length=20), nullable=False, server_default="card"))
    op.add_column("attempts", sa.Column("provider", sa.String(length=20), nullable=True))
    op.add_column("attempts", sa.Column("delayed_days", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_check_constraint(op.f("ck_attempts_method"), "attempts", f"method {METHODS}")
    op.execute("UPDATE payments SET method = 'card', method_kind = 'card' WHERE card_brand IS NOT NULL")
    op.execute(
        "UPDATE attempts SET provider = payments.provider FROM payments "
        "WHERE payments.vendor_id = attempts.vendor_id AND payments.mode = attempts.mode AND payments.id = attempts.payment_id"
    )
    op.alter_column("attempts", "provider", nullable=False)
    op.create_check_constraint(op.f("ck_attempts_sandbox_is_test"), "attempts", "provider <> 'sandbox' OR mode = 'test'")
    op.get_bind().exec_driver_sql((SQL / "payments_methods.sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    """Take it away again."""
    before = (SQL / "capture.sql").read_text()
    op.get_bind().exec_driver_sql(before[before.index("CREATE OR REPLACE FUNCTION settle_payments") :].replace("%", "%%"))
    op.drop_constraint(op.f("ck_attempts_sandbox_is_test"), "attempts")
    op.drop_constraint(op.f("ck_attempts_method"), "attempts")
    op.drop_constraint(op.f("ck_payments_method"), "payments")
    for table, columns in {
        "attempts": ("delayed_days", "provider", "method"),
        "payments": ("card_funding", "method_kind", "method", "payer_country"),
        "payment_links": ("methods",),
    }.items():
        for column in columns:
            op.drop_column(table, column)
    op.drop_table("vendor_methods")
