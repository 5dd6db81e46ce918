"""The first price list of the house, in both modes: somebody can subscribe from the first day on. Another price is another version, by a page."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"

HOUSE = "00000000-0000-0000-0000-000000000000"  # the id of the platform's own book
MINIMUMS = (
    "AUD 50", "CAD 50", "CHF 50", "CZK 1500", "DKK 250", "EUR 50", "HKD 400", "HUF 17500", "INR 50", "JPY 50", "MXN 1000", "NOK 300",
    "NZD 50", "PLN 200", "RON 200", "SEK 300", "SGD 50", "USD 50",
)  # fmt: skip
# The policy as it was agreed, in the form in which billing keeps terms: whole minor units, never a float.
TERMS = {
    "version": 1,
    "tiers": [
        {"code": "starter", "price": "GBP 100", "limit": 10}, {"code": "pro", "price": "GBP 300", "limit": 100},
        {"code": "enterprise", "price": "GBP 500", "limit": None},
    ],
    "branch_price": "GBP 100", "hibernation_fee": "GBP 50", "small_amount": "GBP 100", "gateway_minimum": "GBP 30",
    "minimums": list(MINIMUMS),
    "grace_days": 7, "clean_days": 7, "notice_days": [3, 1], "free_toggle_days": 3, "retry_days": [1, 3, 7, 15], "suspend_after": 16,
    "cancel_after": 45, "export_days": 90, "awaiting_hours": 23, "trial_notice_days": 3, "hibernation_months": 12,
    "hibernation_notice_month": 11, "drift_bps": 500, "drift_notice_days": 7, "credit_note_days": 14, "tax_check_hours": 72,
}  # fmt: skip


def upgrade() -> None:
    """Publish it where there is none."""
    publish = sa.text(
        """INSERT INTO price_lists (vendor_id, mode, version, valid_from, terms, made_by, made_at)
           SELECT CAST(:house AS uuid), CAST(:mode AS varchar), 1, DATE '2020-01-01', CAST(:terms AS jsonb), 'system', now()
           WHERE NOT EXISTS (SELECT FROM price_lists WHERE vendor_id = CAST(:house AS uuid) AND mode = :mode)"""
    )
    for mode in ("test", "live"):
        op.execute(publish.bindparams(house=HOUSE, mode=mode, terms=json.dumps(TERMS)))


def downgrade() -> None:
    """Take it away again; the trigger that keeps price lists lets it go this once."""
    op.execute("ALTER TABLE price_lists DISABLE TRIGGER price_lists_keep")
    op.execute(f"DELETE FROM price_lists WHERE vendor_id = '{HOUSE}' AND version = 1 AND made_by = 'system'")
    op.execute("ALTER TABLE price_lists ENABLE ALWAYS TRIGGER price_lists_keep")
