"""A refund that the seller's balance does not hold is seen to wait by everybody whom it concerns, and can be called off."""

from __future__ import annotations

import pytest

from core.kernel.clock import now
from core.kernel.db import db
from core.ledger.book import SELLER_AVAILABLE, UNAPPLIED
from core.ledger.post import Journal, Leg, post
from core.payments.models import Payment
from core.payments.refund_queue import send_first
from core.payments.start import payment_token
from tests.browser import Browser
from tests.factories import Shop, ask_refund, fresh, make_colleague, make_paid, release_all, unit


@pytest.fixture
def spent(shop: Shop) -> Payment:
    """A payment whose money was released and has been paid out."""
    paid = make_paid(shop)
    with unit(shop.app):
        db.session.merge(paid).available_at = now()
    release_all(shop.app)
    with unit(shop.app):
        left = fresh(shop, paid).net
        taken = (Leg(SELLER_AVAILABLE, left), Leg(UNAPPLIED, -left))
        post([Journal(shop.vendor.id, "test", f"away:{paid.public_id}", "paid out", paid.public_id, now(), taken)])
    return paid


def test_it_waits_where_everybody_sees_it_and_is_called_off(shop: Shop, owner: Browser, stranger: Browser, spent: Payment) -> None:
    show = f"/portal/payments/{spent.public_id}"
    page = owner.submit(owner.get(show).form(f"{show}/refunds"), amount="10.00", note="Kept note")
    assert "waits in line" in page.text and "Waits for the balance" in page.text and "£10.00 waits for your balance" in page.text
    assert "Refund asked for; it waits for your balance" in page.text
    assert "1 refund of £10.00 waits for your balance" in owner.get("/portal/").text
    assert "1 refund of £10.00 waits until" in owner.get("/portal/balance").text
    assert "Waits for the balance" in owner.get("/portal/refunds?status=queued").text
    with unit(shop.app):
        history = f"/checkout/{payment_token(shop.vendor, spent)}/history"
    payers = stranger.get(history)
    assert "To be sent back to you £10.00" in payers.text and "as soon as the seller has the money" in payers.text
    (action,) = [f.attrs["action"] for f in page.all("form") if f.attrs.get("action", "").endswith("/cancel")]
    make_colleague(shop, "support").browser().get(show)
    after = owner.submit(page.form(action))
    assert "called off" in after.text and "No money has moved" in after.text and fresh(shop, spent).queued_minor == 0
    assert "The refund was cancelled" in stranger.get(history).text and "To be sent back" not in stranger.get(history).text


def test_somebody_who_may_not_refund_sees_it_and_cannot_call_it_off(shop: Shop, spent: Payment) -> None:
    refund = ask_refund(shop, spent, "10.00")
    support = make_colleague(shop, "support").browser()
    page = support.get(f"/portal/payments/{spent.public_id}")
    assert "Waits for the balance" in page.text and not [f for f in page.all("form") if f.attrs.get("action", "").endswith("/cancel")]
    token = page.form(f"/portal/payments/{spent.public_id}/remarks").values["csrf_token"]
    support.post(f"/portal/refunds/{refund.public_id}/cancel", {"csrf_token": token}, status=403)


def test_calling_it_off_too_late_says_so(shop: Shop, owner: Browser, spent: Payment) -> None:
    refund = ask_refund(shop, spent, "10.00")
    page = owner.get(f"/portal/payments/{spent.public_id}")
    make_paid(shop)
    with unit(shop.app):
        mine = db.session.scalars(db.select(Payment).where(Payment.vendor_id == shop.vendor.id, Payment.released_at.is_(None)))
        for payment in mine:
            payment.available_at = now()
    release_all(shop.app)
    with unit(shop.app):
        assert send_first(shop.vendor.id, "test", "GBP")
    assert "gone out" in owner.submit(page.form(f"/portal/refunds/{refund.public_id}/cancel"), status=409).text
