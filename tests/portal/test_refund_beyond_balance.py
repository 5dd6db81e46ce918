"""A refund that the seller's balance does not hold is a clear no, and the page that says so still works."""

from __future__ import annotations

from core.kernel.clock import now
from core.kernel.db import db
from core.ledger.book import SELLER_AVAILABLE, UNAPPLIED
from core.ledger.post import Journal, Leg, post
from core.payments.models import Refund
from core.payments.release import release_due
from tests.browser import Browser
from tests.factories import Shop, fresh, make_paid, unit


def test_a_refund_the_balance_does_not_hold_is_refused_at_the_field_and_leaves_no_trace(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    with unit(shop.app):
        db.session.merge(paid).available_at = now()
    with unit(shop.app):
        while release_due():  # other tests' payments may be due as well
            pass
    with unit(shop.app):
        left = fresh(shop, paid).net
        taken = (Leg(SELLER_AVAILABLE, left), Leg(UNAPPLIED, -left))
        post([Journal(shop.vendor.id, "test", f"away:{paid.public_id}", "paid out", paid.public_id, now(), taken)])
    show = f"/portal/payments/{paid.public_id}"
    page = owner.submit(owner.get(show).form(f"{show}/refunds"), status=422, amount="10.00", note="Kept note")
    assert "Your balance does not hold enough" in page.text
    assert page.form(f"{show}/refunds").values["note"].strip() == "Kept note"
    with shop.app.app_context():
        assert db.session.scalar(db.select(Refund).where(Refund.vendor_id == shop.vendor.id)) is None
    assert fresh(shop, paid).refunding_minor == 0
    assert "Refund asked for" not in page.text
