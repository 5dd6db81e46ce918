"""Checkouts with several sellers: the event, its orders in their sellers' books with their lines, the platform's fees of them, and consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0057"
down_revision = "0056"
KEPT = ("order_events", "checkout_parts", "order_lines", "order_refund_lines", "order_terms")  # append-only


def upgrade() -> None:
    """Build it."""
    op.add_column("payments", sa.Column("seller_bears", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("payments", sa.Column("borne_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("payments", sa.Column("release_days", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_payments_release_days"), "payments", "release_days BETWEEN 0 AND 90")
    op.create_check_constraint(
        op.f("ck_payments_borne"), "payments", "borne_minor = 0 OR (seller_bears AND borne_minor BETWEEN 1 AND captured_minor)"
    )
    for table in ("saved_cards", "savings"):
        op.add_column(table, sa.Column("only_for", sa.String(40), nullable=False, server_default=""))
    op.create_check_constraint(op.f("ck_saved_cards_only_for"), "saved_cards", "only_for = '' OR NOT is_default")
    _tables()
    for table in KEPT:
        op.execute(f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_keep_all")


def _tables() -> None:
    op.create_table(
        "checkouts",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("checkout_id", sa.String(80), nullable=False),
        sa.Column("digest", sa.CHAR(64), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("payer_name", sa.String(120), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("opened_by", sa.String(60), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_checkouts_mode")),
        sa.CheckConstraint("rule IN ('all_or_nothing', 'keep')", name=op.f("ck_checkouts_rule")),
        sa.CheckConstraint(
            "state IN ('done', 'expired', 'open', 'partly', 'paying', 'undone', 'unpaid', 'unwinding', 'waiting')",
            name=op.f("ck_checkouts_state"),
        ),
        sa.CheckConstraint("total_minor > 0", name=op.f("ck_checkouts_total")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_checkouts_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("vendor_id", "mode", "checkout_id", name=op.f("uq_checkouts_vendor_id_mode_checkout_id")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_checkouts_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_checkouts_vendor_id_mode_token_id")),
    )
    op.create_index("ix_checkouts_by_email", "checkouts", ["vendor_id", "mode", "email"])
    op.create_index("ix_checkouts_due", "checkouts", ["due_at"], postgresql_where="due_at IS NOT NULL")
    op.create_index("ix_checkouts_newest", "checkouts", ["id"])
    op.create_index("ix_checkouts_public_id", "checkouts", ["public_id"])
    op.create_table(
        "checkout_parts",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_checkout_parts_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "checkout_id"],
            ["checkouts.vendor_id", "checkouts.mode", "checkouts.id"],
            name=op.f("fk_checkout_parts_checkouts"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "checkout_id", "place", name=op.f("pk_checkout_parts")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "checkout_id", "seller_id", name=op.f("uq_checkout_parts_vendor_id_mode_checkout_id_seller_id")
        ),
    )
    op.create_table(
        "orders",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("seller_bears", sa.Boolean(), nullable=False),
        sa.Column("release_days", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("why_over", sa.String(60), nullable=False),
        sa.Column("ended_because", sa.String(10), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_by", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("delivered_at IS NULL OR state = 'paid'", name=op.f("ck_orders_delivered")),
        sa.CheckConstraint("ended_because IN ('', 'undone', 'time')", name=op.f("ck_orders_ended_because")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_orders_mode")),
        sa.CheckConstraint("state IN ('action', 'declined', 'over', 'paid', 'paying', 'waiting')", name=op.f("ck_orders_state")),
        sa.CheckConstraint("amount_minor > 0 AND fee_minor BETWEEN 0 AND amount_minor", name=op.f("ck_orders_amount")),
        sa.CheckConstraint("release_days BETWEEN 1 AND 90", name=op.f("ck_orders_release_days")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"], name=op.f("fk_orders_payments")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_orders_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint("vendor_id", "mode", "payment_id", name=op.f("uq_orders_vendor_id_mode_payment_id")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_orders_vendor_id_mode_public_id")),
    )
    op.create_index("ix_orders_by_state", "orders", ["vendor_id", "mode", "state", "id"])
    op.create_index(
        "ix_orders_to_deliver", "orders", ["vendor_id", "mode", "id"], postgresql_where="state = 'paid' AND delivered_at IS NULL"
    )
    op.create_table(
        "order_lines",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_order_lines_mode")),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 10000 AND unit_minor > 0 AND amount_minor = quantity * unit_minor", name=op.f("ck_order_lines_amount")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "order_id"], ["orders.vendor_id", "orders.mode", "orders.id"], name=op.f("fk_order_lines_orders")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "order_id", "place", name=op.f("pk_order_lines")),
    )
    op.create_table(
        "order_refund_lines",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_order_refund_lines_mode")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_order_refund_lines_amount")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "order_id", "place"],
            ["order_lines.vendor_id", "order_lines.mode", "order_lines.order_id", "order_lines.place"],
            name=op.f("fk_order_refund_lines_order_lines"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "refund_id"],
            ["refunds.vendor_id", "refunds.mode", "refunds.id"],
            name=op.f("fk_order_refund_lines_refunds"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "refund_id", "place", name=op.f("pk_order_refund_lines")),
    )
    op.create_index("ix_order_refund_lines_by_order", "order_refund_lines", ["vendor_id", "mode", "order_id", "place"])
    op.create_table(
        "order_events",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("from_state", sa.String(20), nullable=True),
        sa.Column("to_state", sa.String(20), nullable=True),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("detail", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_order_events_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "subject_id", "seq", name=op.f("pk_order_events")),
    )
    op.create_table(
        "order_terms",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.String(60), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_order_terms_mode")),
        sa.CheckConstraint("version > 0", name=op.f("ck_order_terms_version")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "version", name=op.f("pk_order_terms")),
    )
    op.create_table(
        "selling_consents",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("given_by", sa.String(60), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_selling_consents_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_selling_consents_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "operator_id", name=op.f("pk_selling_consents")),
    )
    op.create_table(
        "api_keys",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("digest", sa.CHAR(64), nullable=False),
        sa.Column("ends_in", sa.CHAR(4), nullable=False),
        sa.Column("made_by", sa.String(60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_api_keys_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("vendor_id", "mode", "digest", name=op.f("uq_api_keys_vendor_id_mode_digest")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_api_keys_vendor_id_mode_public_id")),
    )
    op.create_index("ix_api_keys_digest", "api_keys", ["digest"])
    op.create_table(
        "kept_answers",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.CHAR(64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_kept_answers_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_at", "kept_answers", ["at"])


def downgrade() -> None:
    """Take it down again."""
    for table in (
        "kept_answers", "api_keys", "order_refund_lines", "order_lines", "order_events", "order_terms", "selling_consents", "checkout_parts", "orders", "checkouts",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_constraint(op.f("ck_saved_cards_only_for"), "saved_cards")
    for table in ("saved_cards", "savings"):
        op.drop_column(table, "only_for")
    op.drop_constraint(op.f("ck_payments_borne"), "payments")
    op.drop_constraint(op.f("ck_payments_release_days"), "payments")
    for column in ("release_days", "borne_minor", "seller_bears"):
        op.drop_column("payments", column)
