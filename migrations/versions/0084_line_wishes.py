"""Large sums that nobody knows are decided by two people: what the first one wants stands at the line until the second one agrees."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0084"
down_revision = "0083"

CHECKS = {
    "wish": "wish IS NULL OR (asked_by IS NOT NULL AND state = 'unknown')",
    "asked": "(asked_by IS NULL) = (asked_at IS NULL)",
    "two_people": "state <> 'resolved' OR asked_by IS NULL OR resolved_by <> asked_by",
}


def upgrade() -> None:
    """Build it."""
    op.add_column("bank_lines", sa.Column("wish", postgresql.JSONB(astext_type=sa.Text())))
    op.add_column("bank_lines", sa.Column("asked_by", sa.String(60)))
    op.add_column("bank_lines", sa.Column("asked_at", sa.DateTime(timezone=True)))
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_bank_lines_{name}"), "bank_lines", rule)


def downgrade() -> None:
    """Take it away again."""
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_bank_lines_{name}"), "bank_lines", type_="check")
    for name in ("asked_at", "asked_by", "wish"):
        op.drop_column("bank_lines", name)
