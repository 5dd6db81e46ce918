"""Vendors' own host names for their payment pages, and whose pages each name shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"

DOMAINS, HOSTS = "pay_domains", "pay_hosts"


def upgrade() -> None:
    """Build it."""
    moment = sa.DateTime(timezone=True)
    op.add_column("vendors", sa.Column("pay_host", sa.String(253), nullable=True))
    op.create_table(
        DOMAINS,
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("proof", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("verified_at", moment, nullable=True),
        sa.Column("asked_at", moment, nullable=True),
        sa.Column("checked_at", moment, nullable=True),
        sa.Column("found_proof", sa.String(300), nullable=True),
        sa.Column("found_address", sa.String(300), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("leads_here", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("next_look_at", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.CheckConstraint("state IN ('lost', 'verified', 'waiting')", name=op.f("ck_pay_domains_state")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_pay_domains_failures")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_pay_domains_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_pay_domains")),
        sa.UniqueConstraint("vendor_id", "public_id", name=op.f("uq_pay_domains_vendor_id_public_id")),
        sa.UniqueConstraint("vendor_id", "host", name=op.f("uq_pay_domains_vendor_id_host")),
    )
    op.create_index("uq_pay_domains_in_use", DOMAINS, ["vendor_id"], unique=True, postgresql_where=sa.text("in_use"))
    op.create_index("ix_pay_domains_due", DOMAINS, ["next_look_at"], postgresql_where=sa.text("next_look_at IS NOT NULL"))
    op.create_table(
        HOSTS,
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_pay_hosts_vendors")),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_pay_hosts")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table(HOSTS)
    op.drop_table(DOMAINS)
    op.drop_column("vendors", "pay_host")
