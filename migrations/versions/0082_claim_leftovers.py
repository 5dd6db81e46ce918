"""A vendor's own software hears of refund links, and one that it asked for carries the name of its wish; orders are found by their payment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"

TELL = """
CREATE FUNCTION draft_refund_link_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO event_drafts (vendor_id, mode, type, subject, at)
    VALUES (NEW.vendor_id, NEW.mode, 'refund_link.' || NEW.state, NEW.id::text,
            coalesce(CASE WHEN NEW.state = 'open' THEN NEW.created_at WHEN NEW.state = 'claimed' THEN NEW.claimed_at
                          WHEN NEW.state IN ('paid', 'failed') THEN NEW.settled_at ELSE NEW.decided_at END, now()));
  RETURN NULL;
END $$;
CREATE TRIGGER refund_claims_begin_told AFTER INSERT ON refund_claims FOR EACH ROW EXECUTE FUNCTION draft_refund_link_event();
CREATE TRIGGER refund_claims_told AFTER UPDATE ON refund_claims FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION draft_refund_link_event();
ALTER TABLE refund_claims ENABLE ALWAYS TRIGGER refund_claims_begin_told;
ALTER TABLE refund_claims ENABLE ALWAYS TRIGGER refund_claims_told;
"""


def upgrade() -> None:
    """Build it."""
    op.add_column("refund_claims", sa.Column("wish", sa.String(80)))
    op.create_index(
        "uq_refund_claims_wish", "refund_claims", ["vendor_id", "mode", "wish"], unique=True, postgresql_where=sa.text("wish IS NOT NULL")
    )
    op.create_index("ix_bank_orders_payment", "bank_orders", ["mode", "payment"], postgresql_where=sa.text("payment IS NOT NULL"))
    op.get_bind().exec_driver_sql(TELL)


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP TRIGGER refund_claims_told ON refund_claims")
    op.execute("DROP TRIGGER refund_claims_begin_told ON refund_claims")
    op.execute("DROP FUNCTION draft_refund_link_event()")
    op.drop_index("ix_bank_orders_payment", table_name="bank_orders")
    op.drop_index("uq_refund_claims_wish", table_name="refund_claims")
    op.drop_column("refund_claims", "wish")
