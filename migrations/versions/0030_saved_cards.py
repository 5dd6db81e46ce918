"""Cards saved at a provider, the pages on which they are saved, and payments charged to them with nobody there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

SURFACES = "surface IN ('hosted', 'fields', 'instructions'{})"


def upgrade() -> None:
    """Build it."""
    _surfaces(", 'saved'")
    op.create_table(
        "saved_cards",
        *_tenant(),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("provider_customer", sa.String(80), nullable=False),
        sa.Column("provider_method", sa.String(80), nullable=False),
        sa.Column("brand", sa.String(20), nullable=False),
        sa.Column("last4", sa.CHAR(4), nullable=False),
        sa.Column("expiry_month", sa.SmallInteger(), nullable=False),
        sa.Column("expiry_year", sa.SmallInteger(), nullable=False),
        sa.Column("funding", sa.String(10), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_away_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_saved_cards_mode")),
        sa.CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name=op.f("ck_saved_cards_sandbox_is_test")),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name=op.f("ck_saved_cards_last4")),
        sa.CheckConstraint("expiry_month BETWEEN 1 AND 12 AND expiry_year BETWEEN 2000 AND 2200", name=op.f("ck_saved_cards_expiry")),
        sa.CheckConstraint("put_away_at IS NULL OR NOT is_default", name=op.f("ck_saved_cards_default_is_there")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_saved_cards_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_saved_cards")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_saved_cards_vendor_id_mode_public_id")),
        sa.UniqueConstraint(
            "vendor_id", "mode", "provider", "provider_method", name=op.f("uq_saved_cards_vendor_id_mode_provider_provider_method")
        ),
    )
    op.create_index("ix_saved_cards_by_email", "saved_cards", ["vendor_id", "mode", "email", "id"])
    op.create_index(
        "uq_saved_cards_default", "saved_cards", ["vendor_id", "mode", "email"], unique=True, postgresql_where=sa.text("is_default")
    )
    _create_savings()
    op.create_table(
        "saved_charges",
        *_tenant("payment_id"),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("on_settled", sa.String(60), nullable=True),
        sa.Column("told", sa.String(20), nullable=True),
        sa.Column("hard", sa.Boolean(), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_saved_charges_mode")),
        sa.CheckConstraint(
            "told IN ('succeeded', 'declined', 'requires_action', 'expired', 'canceled')", name=op.f("ck_saved_charges_told")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "payment_id"],
            ["payments.vendor_id", "payments.mode", "payments.id"],
            name=op.f("fk_saved_charges_payments"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "card_id"],
            ["saved_cards.vendor_id", "saved_cards.mode", "saved_cards.id"],
            name=op.f("fk_saved_charges_saved_cards"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "payment_id", name=op.f("pk_saved_charges")),
    )
    op.create_index("ix_saved_charges_by_card", "saved_charges", ["vendor_id", "mode", "card_id", "payment_id"])


def _create_savings() -> None:
    op.create_table(
        "savings",
        *_tenant(),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(80), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("description", sa.String(120), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("provider_customer", sa.String(80), nullable=True),
        sa.Column("provider_reference", sa.String(120), nullable=True),
        sa.Column("redirect_url", sa.Text(), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("on_saved", sa.String(60), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("next_inquiry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_savings_mode")),
        sa.CheckConstraint("state IN ('asked', 'open', 'saved', 'ended')", name=op.f("ck_savings_state")),
        sa.CheckConstraint("(state = 'saved') = (card_id IS NOT NULL)", name=op.f("ck_savings_saved_card")),
        sa.CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name=op.f("ck_savings_sandbox_is_test")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_savings_vendors")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "card_id"],
            ["saved_cards.vendor_id", "saved_cards.mode", "saved_cards.id"],
            name=op.f("fk_savings_saved_cards"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_savings")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_savings_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f("uq_savings_vendor_id_mode_token_id")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", name=op.f("uq_savings_vendor_id_mode_form_token")),
    )
    op.create_index("ix_savings_to_ask", "savings", ["next_inquiry_at"], postgresql_where=sa.text("next_inquiry_at IS NOT NULL"))


def _tenant(last: str = "id") -> list[sa.Column]:
    """The head of every key: whose it is, test or live, and which."""
    return [
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column(last, sa.Uuid(), nullable=False),
    ]


def _surfaces(more: str) -> None:
    op.drop_constraint(op.f("ck_attempts_surface"), "attempts", type_="check")
    op.create_check_constraint(op.f("ck_attempts_surface"), "attempts", SURFACES.format(more))


def downgrade() -> None:
    """Take it down again. Attempts with nobody there are kept as attempts at the provider's page."""
    op.drop_table("saved_charges")
    op.drop_table("savings")
    op.drop_table("saved_cards")
    op.execute("UPDATE attempts SET surface = 'hosted' WHERE surface = 'saved'")
    _surfaces("")
