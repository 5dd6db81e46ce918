"""Runs that prove every book, with how far they are and what they found; from where an act of the audit log came; one letter of news a day; roles of a vendor's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"

MOMENT = sa.DateTime(timezone=True)
WERE = {"memberships": "'owner', 'manager', 'accountant', 'support'", "invitations": "'manager', 'accountant', 'support'"}
ARE = {"memberships": "'owner', 'admin', 'manager', 'accountant', 'support', 'developer', 'viewer', 'custom'"}
ARE["invitations"] = ARE["memberships"].removeprefix("'owner', ")


def _roles(kept: dict[str, str]) -> None:
    for table, roles in kept.items():
        op.drop_constraint(op.f(f"ck_{table}_role"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_role"), table, f"role IN ({roles})")


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "ledger_proof_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("night", sa.Date(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("mode", sa.String(4), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("books", sa.Integer(), nullable=False),
        sa.Column("journals", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.Column("breaks", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_proof_runs")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_proof_runs_public_id")),
    )
    op.create_index(
        "uq_ledger_proof_runs_night", "ledger_proof_runs", ["night"], unique=True, postgresql_where=sa.text("night IS NOT NULL")
    )
    going = sa.text("(ended_at IS NULL)")
    op.create_index(
        "uq_ledger_proof_runs_going_on", "ledger_proof_runs", [going], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "audit_origins",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(60), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("vendor_id", "entry_id", name=op.f("pk_audit_origins")),
    )
    op.create_index("ix_audit_origins_at", "audit_origins", ["at"])
    op.create_table(
        "notification_manners",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("daily", sa.Boolean(), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("told_to", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_notification_manners_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_notification_manners_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "person", name=op.f("pk_notification_manners")),
    )
    op.create_index("ix_notification_manners_due", "notification_manners", ["due_at"], postgresql_where=sa.text("daily"))
    op.create_table(
        "custom_roles",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(sa.String(60)), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_custom_roles_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "id", name=op.f("pk_custom_roles")),
        sa.UniqueConstraint("vendor_id", "public_id", name=op.f("uq_custom_roles_vendor_id_public_id")),
        sa.UniqueConstraint("vendor_id", "name", name=op.f("uq_custom_roles_vendor_id_name")),
    )
    _roles(ARE)
    for table in ARE:
        op.add_column(table, sa.Column("custom_role_id", sa.Uuid(), nullable=True))
        both = ["vendor_id", "custom_role_id"]
        op.create_foreign_key(f"fk_{table}_custom_roles", table, "custom_roles", both, ["vendor_id", "id"])
        op.create_check_constraint(op.f(f"ck_{table}_custom_role"), table, "(role = 'custom') = (custom_role_id IS NOT NULL)")


def downgrade() -> None:
    """Take it down again. Whoever holds a role that is gone then keeps the least of those that stay."""
    for table in ARE:
        op.drop_constraint(op.f(f"ck_{table}_custom_role"), table, type_="check")
        op.drop_constraint(f"fk_{table}_custom_roles", table, type_="foreignkey")
        op.drop_column(table, "custom_role_id")
        op.execute(f"UPDATE {table} SET role = 'support' WHERE role NOT IN ({WERE[table]})")
    _roles(WERE)
    op.drop_table("custom_roles")
    op.drop_table("notification_manners")
    op.drop_table("audit_origins")
    op.drop_table("ledger_proof_runs")
