"""Links that are handed out: readable addresses, labels, sendings, filled-in addresses, openings; requests paid in parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

LINK = (["vendor_id", "mode", "link_id"], ["payment_links.vendor_id", "payment_links.mode", "payment_links.id"])
SENDING = (["vendor_id", "mode", "sending_id"], ["link_sendings.vendor_id", "link_sendings.mode", "link_sendings.id"])
MODE = "mode IN ('test', 'live')"


def upgrade() -> None:
    """Build it."""
    _links()
    _addresses()
    _sendings()
    _prefills_and_openings()
    _payments()


def _key(*more: sa.Column) -> list[sa.Column]:
    return [sa.Column("vendor_id", sa.Uuid(), nullable=False), sa.Column("mode", sa.String(length=4), nullable=False), *more]


def _text(name: str, length: int, *, default: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default="" if default else None)


def _moment(name: str, *, optional: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def _links() -> None:
    op.drop_constraint(op.f("ck_payment_links_kind"), "payment_links")
    op.create_check_constraint(op.f("ck_payment_links_kind"), "payment_links", "kind IN ('single', 'reusable', 'request')")
    for column in (
        _moment("archived_at", optional=True),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        _text("reference_label", 40, default=True),
        _text("reference_pattern", 80, default=True),
        _text("reference_hint", 120, default=True),
        sa.Column("reference_required", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("key_values", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    ):
        op.add_column("payment_links", column)
    op.create_check_constraint(
        op.f("ck_payment_links_total"), "payment_links", "(kind = 'request') = (total_minor IS NOT NULL) AND total_minor > 0"
    )
    op.create_check_constraint(op.f("ck_payment_links_total_or_amount"), "payment_links", "total_minor IS NULL OR amount_minor IS NULL")


def _addresses() -> None:
    op.create_table(
        "vendor_slugs",
        _text("slug", 40),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        _moment("replaced_at", optional=True),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_slugs_vendors")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_vendor_slugs")),
    )
    op.create_index("uq_vendor_slugs_current", "vendor_slugs", ["vendor_id"], unique=True, postgresql_where="replaced_at IS NULL")
    op.create_table(
        "link_slugs",
        *_key(
            _text("slug", 60),
            sa.Column("link_id", sa.Uuid(), nullable=False),
            _moment("created_at"),
            _moment("replaced_at", optional=True),
            _moment("revoked_at", optional=True),
        ),
        sa.CheckConstraint(MODE, name=op.f("ck_link_slugs_mode")),
        sa.ForeignKeyConstraint(*LINK, name=op.f("fk_link_slugs_payment_links")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "slug", name=op.f("pk_link_slugs")),
    )
    op.create_index(
        "uq_link_slugs_current",
        "link_slugs",
        ["vendor_id", "mode", "link_id"],
        unique=True,
        postgresql_where="replaced_at IS NULL AND revoked_at IS NULL",
    )
    op.create_table(
        "link_labels",
        *_key(sa.Column("link_id", sa.Uuid(), nullable=False), _text("label", 30)),
        sa.CheckConstraint(MODE, name=op.f("ck_link_labels_mode")),
        sa.ForeignKeyConstraint(*LINK, name=op.f("fk_link_labels_payment_links")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "link_id", "label", name=op.f("pk_link_labels")),
    )
    op.create_index("ix_link_labels_by_label", "link_labels", ["vendor_id", "mode", "label", "link_id"])


def _sendings() -> None:
    op.create_table(
        "link_sendings",
        *_key(
            sa.Column("id", sa.Uuid(), nullable=False),
            _text("public_id", 40),
            _text("token_id", 40),
            sa.Column("link_id", sa.Uuid(), nullable=False),
            _text("link_token_id", 40),
            _text("form_token", 80),
            _text("recipient", 254),
            sa.Column("message", sa.Text(), nullable=False),
            sa.Column("message_id", sa.Uuid(), nullable=True),
            _text("sent_by", 40),
            _moment("created_at"),
            _moment("opened_at", optional=True),
            _moment("canceled_at", optional=True),
        ),
        sa.CheckConstraint(MODE, name=op.f("ck_link_sendings_mode")),
        sa.ForeignKeyConstraint(*LINK, name=op.f("fk_link_sendings_payment_links")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_link_sendings")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_link_sendings_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_link_sendings_vendor_id_mode_token_id")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "form_token", "recipient", name=op.f("uq_link_sendings_vendor_id_mode_form_token_recipient")
        ),
    )
    op.create_index("ix_link_sendings_by_link", "link_sendings", ["vendor_id", "mode", "link_id", "id"])
    op.create_table(
        "link_reminders",
        *_key(
            sa.Column("sending_id", sa.Uuid(), nullable=False),
            sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
            sa.Column("days_before", sa.Integer(), nullable=False),
            _moment("due_at"),
            _text("state", 10),
            _text("reason", 120),
            sa.Column("message_id", sa.Uuid(), nullable=True),
        ),
        sa.CheckConstraint(MODE, name=op.f("ck_link_reminders_mode")),
        sa.CheckConstraint("state IN ('planned', 'sent', 'dropped')", name=op.f("ck_link_reminders_state")),
        sa.CheckConstraint("number IN (1, 2)", name=op.f("ck_link_reminders_number")),
        sa.CheckConstraint("days_before BETWEEN 0 AND 60", name=op.f("ck_link_reminders_days_before")),
        sa.ForeignKeyConstraint(*SENDING, name=op.f("fk_link_reminders_link_sendings")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "sending_id", "number", name=op.f("pk_link_reminders")),
    )
    op.create_index("ix_link_reminders_due", "link_reminders", ["due_at"], postgresql_where="state = 'planned'")


def _prefills_and_openings() -> None:
    op.create_table(
        "link_prefills",
        *_key(
            sa.Column("id", sa.Uuid(), nullable=False),
            _text("public_id", 40),
            _text("token_id", 40),
            sa.Column("link_id", sa.Uuid(), nullable=False),
            _text("link_token_id", 40),
            _text("form_token", 80),
            _text("email", 254),
            _text("payer_name", 120),
            _text("payer_reference", 60),
            sa.Column("amount_minor", sa.BigInteger(), nullable=True),
            _text("created_by", 40),
            _moment("created_at"),
            _moment("withdrawn_at", optional=True),
        ),
        sa.CheckConstraint(MODE, name=op.f("ck_link_prefills_mode")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_link_prefills_amount")),
        sa.ForeignKeyConstraint(*LINK, name=op.f("fk_link_prefills_payment_links")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_link_prefills")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_link_prefills_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_link_prefills_vendor_id_mode_token_id")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_link_prefills_vendor_id_mode_form_token")),
    )
    op.create_index("ix_link_prefills_by_link", "link_prefills", ["vendor_id", "mode", "link_id", "id"])
    op.create_table(
        "link_openings",
        *_key(
            sa.Column("link_id", sa.Uuid(), nullable=False),
            sa.Column("opened_on", sa.Date(), nullable=False),
            _text("source", 20),
            sa.Column("openings", sa.Integer(), nullable=False),
        ),
        sa.CheckConstraint(MODE, name=op.f("ck_link_openings_mode")),
        sa.CheckConstraint("openings > 0", name=op.f("ck_link_openings_openings")),
        sa.ForeignKeyConstraint(*LINK, name=op.f("fk_link_openings_payment_links")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "link_id", "opened_on", "source", name=op.f("pk_link_openings")),
    )


def _payments() -> None:
    for column in (
        _text("payer_reference", 60, default=True),
        _text("reference_label", 40, default=True),
        sa.Column("key_values", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
        sa.Column("attribution", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
        sa.Column("sending_id", sa.Uuid(), nullable=True),
    ):
        op.add_column("payments", column)
    op.create_foreign_key(
        op.f("fk_payments_link_sendings"), "payments", "link_sendings", *[[c.rpartition(".")[2] for c in s] for s in SENDING]
    )
    op.create_index(
        "ix_payments_by_payer_reference",
        "payments",
        ["vendor_id", "mode", "payer_reference", "id"],
        postgresql_where="payer_reference <> ''",
    )
    op.create_index("ix_payments_by_sending", "payments", ["vendor_id", "mode", "sending_id"], postgresql_where="sending_id IS NOT NULL")


def downgrade() -> None:
    """Take it away again. Requests paid in parts cannot be told in the old terms: whoever has some cannot go back."""
    op.drop_index("ix_payments_by_sending", "payments")
    op.drop_index("ix_payments_by_payer_reference", "payments")
    op.drop_constraint(op.f("fk_payments_link_sendings"), "payments")
    for name in ("sending_id", "attribution", "key_values", "reference_label", "payer_reference"):
        op.drop_column("payments", name)
    for table in ("link_openings", "link_prefills", "link_reminders", "link_sendings", "link_labels", "link_slugs", "vendor_slugs"):
        op.drop_table(table)
    for name in ("total_or_amount", "total", "kind"):
        op.drop_constraint(op.f(f"ck_payment_links_{name}"), "payment_links")
    for name in (
        "key_values",
        "reference_required",
        "reference_hint",
        "reference_pattern",
        "reference_label",
        "due_on",
        "total_minor",
        "archived_at",
    ):
        op.drop_column("payment_links", name)
    op.create_check_constraint(op.f("ck_payment_links_kind"), "payment_links", "kind IN ('single', 'reusable')")
