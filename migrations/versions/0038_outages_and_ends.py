"""An outage is news of a charge; whoever asks for a refund may be told how it ended; when the data of a plan that has ended is deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

TOLD = "told IN ('succeeded', 'declined', 'requires_action', 'expired', 'canceled'{more})"
NOBODYS = "00000000-0000-0000-0000-000000000000"  # the house


def upgrade() -> None:
    """Build it. Plans that have ended already were promised a day in their letter: it stands in the event, and counts."""
    op.drop_constraint(op.f("ck_saved_charges_told"), "saved_charges")
    op.create_check_constraint(op.f("ck_saved_charges_told"), "saved_charges", TOLD.format(more=", 'unreachable'"))
    op.add_column("refunds", sa.Column("on_settled", sa.String(60), nullable=True))
    op.add_column("subscriptions", sa.Column("data_until", sa.Date(), nullable=True))
    op.add_column("subscriptions", sa.Column("data_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscriptions", sa.Column("data_warned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscriptions", sa.Column("data_deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_subscriptions_data_due", "subscriptions", ["data_due_at"], postgresql_where=sa.text("data_due_at IS NOT NULL"))
    op.execute(
        f"""UPDATE subscriptions s SET data_until = told.until, data_due_at = now()
            FROM (SELECT e.vendor_id, e.mode, e.subscription_id, max((one->>'on')::date) AS until
                  FROM subscription_events e, jsonb_array_elements(e.effects) one
                  WHERE e.vendor_id = '{NOBODYS}' AND one->>'is' = 'Notice' AND one->>'kind' = 'cancelled'
                  GROUP BY 1, 2, 3) told
            WHERE s.vendor_id = told.vendor_id AND s.mode = told.mode AND s.id = told.subscription_id AND s.status = 'cancelled'"""
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_index("ix_subscriptions_data_due", "subscriptions")
    op.drop_column("subscriptions", "data_deleted_at")
    op.drop_column("subscriptions", "data_warned_at")
    op.drop_column("subscriptions", "data_due_at")
    op.drop_column("subscriptions", "data_until")
    op.drop_column("refunds", "on_settled")
    op.execute("UPDATE saved_charges SET told = NULL WHERE told = 'unreachable'")
    op.drop_constraint(op.f("ck_saved_charges_told"), "saved_charges")
    op.create_check_constraint(op.f("ck_saved_charges_told"), "saved_charges", TOLD.format(more=""))
