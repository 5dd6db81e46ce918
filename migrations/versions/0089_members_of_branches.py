"""Members who see only some branches: which ones, beside the membership and beside the invitation. None of either: the whole business.

The ids are those of branches in both modes. They are no foreign keys, because a limit outlives its branch: it then shows nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0089"
down_revision = "0088"

TABLES = ("memberships", "invitations")


def upgrade() -> None:
    """Build it. Everybody keeps seeing the whole business."""
    for table in TABLES:
        op.add_column(table, sa.Column("branches", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.create_check_constraint(op.f("ck_memberships_owner_everywhere"), "memberships", "role <> 'owner' OR branches IS NULL")


def downgrade() -> None:
    """As it was. Whoever was limited would see everything, so those people leave the team, and their invitations open nothing."""
    op.execute("DELETE FROM memberships WHERE branches IS NOT NULL")
    op.execute("UPDATE invitations SET ended_at = now(), outcome = 'revoked' WHERE branches IS NOT NULL AND ended_at IS NULL")
    op.drop_constraint(op.f("ck_memberships_owner_everywhere"), "memberships", type_="check")
    for table in TABLES:
        op.drop_column(table, "branches")
