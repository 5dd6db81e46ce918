"""Memberships: the plans that vendors sell, who joined them, and which card of theirs pays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "membership_plans",
        *_key(),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("about", sa.String(1000), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("trial_days", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *_ends("membership_plans"),
        sa.CheckConstraint("state IN ('active', 'paused')", name=op.f("ck_membership_plans_state")),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_membership_plans_price")),
        sa.CheckConstraint("trial_days BETWEEN 0 AND 90", name=op.f("ck_membership_plans_trial_days")),
        sa.UniqueConstraint("vendor_id", "mode", "code", name=op.f("uq_membership_plans_vendor_id_mode_code")),
    )
    op.create_table(
        "members",
        *_key(),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("form_token", sa.String(64), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("locale", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("trial_days", sa.SmallInteger(), nullable=False),
        sa.Column("agreed_minor", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *_ends("members"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "plan_id"], ["membership_plans.vendor_id", "membership_plans.mode", "membership_plans.id"],
            name="fk_members_membership_plans",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"], ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_members_subscriptions",
        ),
        sa.CheckConstraint("state IN ('asked', 'joined', 'refused')", name=op.f("ck_members_state")),
        sa.CheckConstraint("(state = 'joined') = (subscription_id IS NOT NULL)", name=op.f("ck_members_subscription")),
        sa.UniqueConstraint("vendor_id", "mode", "form_token", "email", name=op.f("uq_members_vendor_id_mode_form_token_email")),
    )  # fmt: skip
    op.create_index(
        "uq_members_subscription", "members", ["vendor_id", "mode", "subscription_id"], unique=True,
        postgresql_where=sa.text("subscription_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_members_by_email", "members", ["vendor_id", "mode", "email", "id"])
    op.create_index("ix_members_unfinished", "members", ["updated_at"], postgresql_where=sa.text("state <> 'joined'"))
    op.add_column("subscriptions", sa.Column("card_id", sa.Uuid(), nullable=True))
    op.add_column("subscriptions", sa.Column("locale", sa.String(10), nullable=False, server_default=""))
    op.create_foreign_key(
        "fk_subscriptions_saved_cards", "subscriptions", "saved_cards", ["vendor_id", "mode", "card_id"], ["vendor_id", "mode", "id"]
    )


def _key() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    )


def _ends(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f(f"ck_{table}_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f(f"fk_{table}_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f(f"uq_{table}_vendor_id_mode_public_id")),
        sa.UniqueConstraint("vendor_id", "mode", "token_id", name=op.f(f"uq_{table}_vendor_id_mode_token_id")),
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_constraint("fk_subscriptions_saved_cards", "subscriptions", type_="foreignkey")
    op.drop_column("subscriptions", "locale")
    op.drop_column("subscriptions", "card_id")
    op.drop_table("members")
    op.drop_table("membership_plans")
