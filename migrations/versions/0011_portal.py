"""The portal's own rows: customers, saved filters, remarks, notices and choices, invitations, receipt settings, balance marks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

# Everybody who paid before there was a table of customers. The public ids are as long as ours, of sixteen signs instead of sixty-two.
EARLIER_CUSTOMERS = """
INSERT INTO customers (vendor_id, mode, id, public_id, email, name, name_key, surname_key, first_seen_at, last_seen_at)
  SELECT vendor_id, mode, gen_random_uuid(), 'cus_' || left(replace(gen_random_uuid()::text, '-', ''), 22), email, name, lower(name),
         lower(regexp_replace(name, '^.*[[:space:]]', '')), first_at, last_at
  FROM (SELECT vendor_id, mode, email, min(created_at) AS first_at, max(created_at) AS last_at,
               (array_agg(payer_name ORDER BY id DESC))[1] AS name
        FROM payments GROUP BY vendor_id, mode, email) known
"""


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "balance_marks",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("sub", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_balance_marks_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "code", "sub", "currency", "day", name=op.f("pk_balance_marks")),
    )
    op.create_table(
        "customers",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_key", sa.String(length=120), nullable=False),
        sa.Column("surname_key", sa.String(length=120), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_by", sa.String(length=40), nullable=True),
        sa.Column("blocked_because", sa.String(length=300), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_customers_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_customers_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_customers")),
        sa.UniqueConstraint("vendor_id", "mode", "email", name=op.f("uq_customers_vendor_id_mode_email")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_customers_vendor_id_mode_public_id")),
    )
    op.create_index(
        "ix_customers_blocked", "customers", ["vendor_id", "mode", "id"], unique=False, postgresql_where="blocked_at IS NOT NULL"
    )
    op.create_index(
        "ix_customers_by_email", "customers", ["vendor_id", "mode", "email"], unique=False, postgresql_ops={"email": "varchar_pattern_ops"}
    )
    op.create_index(
        "ix_customers_by_name",
        "customers",
        ["vendor_id", "mode", "name_key"],
        unique=False,
        postgresql_ops={"name_key": "varchar_pattern_ops"},
    )
    op.create_index(
        "ix_customers_by_surname",
        "customers",
        ["vendor_id", "mode", "surname_key"],
        unique=False,
        postgresql_ops={"surname_key": "varchar_pattern_ops"},
    )
    op.create_index("ix_customers_newest", "customers", ["vendor_id", "mode", "last_seen_at", "id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("token_id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("invited_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.CheckConstraint("role IN ('manager', 'accountant', 'support')", name=op.f("ck_invitations_role")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_invitations_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("vendor_id", "public_id", name=op.f("uq_invitations_vendor_id_public_id")),
        sa.UniqueConstraint("vendor_id", "token_id", name=op.f("uq_invitations_vendor_id_token_id")),
    )
    op.create_index("uq_invitations_open", "invitations", ["vendor_id", "email"], unique=True, postgresql_where="ended_at IS NULL")
    op.create_table(
        "notice_readings",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("read_to", sa.Uuid(), nullable=False),
        sa.Column("opened", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_notice_readings_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_notice_readings_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "person", name=op.f("pk_notice_readings")),
    )
    op.create_table(
        "notices",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_notices_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_notices_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_notices")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_notices_vendor_id_mode_public_id")),
    )
    op.create_table(
        "notification_choices",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_notification_choices_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_notification_choices_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "person", "kind", name=op.f("pk_notification_choices")),
    )
    op.create_table(
        "receipt_settings",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("legal_name", sa.String(length=120), nullable=False),
        sa.Column("postal_address", sa.Text(), nullable=False),
        sa.Column("registration", sa.String(length=60), nullable=False),
        sa.Column("paragraph", sa.Text(), nullable=False),
        sa.Column("footer", sa.Text(), nullable=False),
        sa.Column("show_business", sa.Boolean(), nullable=False),
        sa.Column("show_payer", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_receipt_settings_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", name=op.f("pk_receipt_settings")),
    )
    op.create_table(
        "remarks",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("author", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_remarks_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_remarks_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_remarks")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_remarks_vendor_id_mode_public_id")),
    )
    op.create_index("ix_remarks_about", "remarks", ["vendor_id", "mode", "about", "id"], unique=False)
    op.create_table(
        "saved_filters",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("list", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_saved_filters_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_saved_filters_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_saved_filters_vendor_id_mode_public_id")),
    )
    op.create_index("ix_saved_filters_list", "saved_filters", ["vendor_id", "mode", "list", "id"], unique=False)
    op.create_index("uq_memberships_one_owner", "memberships", ["vendor_id"], unique=True, postgresql_where="role = 'owner'")
    op.create_index(
        "ix_messages_failed", "messages", ["vendor_id", "mode", "created_at"], unique=False, postgresql_where="state = 'failed'"
    )
    op.create_index(
        "ix_payments_by_last4",
        "payments",
        ["vendor_id", "mode", "card_last4", "id"],
        unique=False,
        postgresql_where="card_last4 IS NOT NULL",
    )
    op.create_index(
        "ix_payments_by_sum", "payments", ["vendor_id", "mode", "captured_minor", "id"], unique=False, postgresql_where="captured_minor > 0"
    )
    op.create_index(
        "ix_payments_waiting",
        "payments",
        ["vendor_id", "mode", "available_at"],
        unique=False,
        postgresql_where="available_at IS NOT NULL AND released_at IS NULL",
    )
    op.create_index("ix_refunds_by_state", "refunds", ["vendor_id", "mode", "state", "id"], unique=False)
    op.execute(EARLIER_CUSTOMERS)


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_refunds_by_state", table_name="refunds")
    op.drop_index("ix_payments_waiting", table_name="payments", postgresql_where="available_at IS NOT NULL AND released_at IS NULL")
    op.drop_index("ix_payments_by_sum", table_name="payments", postgresql_where="captured_minor > 0")
    op.drop_index("ix_payments_by_last4", table_name="payments", postgresql_where="card_last4 IS NOT NULL")
    op.drop_index("ix_messages_failed", table_name="messages", postgresql_where="state = 'failed'")
    op.drop_index("uq_memberships_one_owner", table_name="memberships", postgresql_where="role = 'owner'")
    op.drop_index("ix_saved_filters_list", table_name="saved_filters")
    op.drop_table("saved_filters")
    op.drop_index("ix_remarks_about", table_name="remarks")
    op.drop_table("remarks")
    op.drop_table("receipt_settings")
    op.drop_table("notification_choices")
    op.drop_table("notices")
    op.drop_table("notice_readings")
    op.drop_index("uq_invitations_open", table_name="invitations", postgresql_where="ended_at IS NULL")
    op.drop_table("invitations")
    op.drop_index("ix_customers_newest", table_name="customers")
    op.drop_index("ix_customers_by_surname", table_name="customers", postgresql_ops={"surname_key": "varchar_pattern_ops"})
    op.drop_index("ix_customers_by_name", table_name="customers", postgresql_ops={"name_key": "varchar_pattern_ops"})
    op.drop_index("ix_customers_by_email", table_name="customers", postgresql_ops={"email": "varchar_pattern_ops"})
    op.drop_index("ix_customers_blocked", table_name="customers", postgresql_where="blocked_at IS NOT NULL")
    op.drop_table("customers")
    op.drop_table("balance_marks")
