"""The demo's disputes: of two of the bakery's payments the card holders' banks want the money back; one was answered and won, one waits."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import find_employer, find_user
from core.disputes.answer import request_answer
from core.disputes.evidence import save_draft
from core.disputes.models import Dispute
from core.disputes.queries import disputes_of, list_disputes
from core.kernel.db import db, unit_of_work
from core.payments.models import Payment
from core.providers.practice import decide_dispute, open_dispute
from workers.disputes import follow_dispute, send_dispute_answer

MODE, EMAIL = "test", "mo@harbour-bakery.example"
WON = {
    "product_description": "A place in our sourdough course, with flour, a banneton and a loaf to take home.",
    "service_date": "The Saturday after the payment, 10:00 to 13:00",
    "uncategorized_text": "They came, baked with us and signed the list at the door. The day after they wrote to thank us.",
}


def fill_disputes() -> bool:
    """Make them once; answers whether they were made now."""
    with unit_of_work():
        owner = find_user(EMAIL)
        vendor = find_employer(owner) if owner else None
        if owner is None or vendor is None or list_disputes(vendor, MODE, limit=1):
            return False
        payments, by = _paid(vendor), owner.public_id
    if len(payments) < 2:
        return False
    won, waits = payments
    dispute = _opened(vendor, won, "product_not_received", days=14)
    with unit_of_work():
        save_draft(dispute, WON)
        request_answer(vendor, dispute, by=by)
    send_dispute_answer(vendor.id, mode=MODE, dispute=str(dispute.id))
    decide_dispute(dispute.provider_reference, "won")
    follow_dispute(vendor.id, provider=dispute.provider, mode=MODE, dispute=dispute.provider_reference)
    _opened(vendor, waits, "fraudulent", days=3)
    return True


def _paid(vendor: Vendor) -> list[Payment]:
    """Two of the newest payments by card of which nothing has gone back."""
    mine = select(Payment).where(
        Payment.vendor_id == vendor.id, Payment.mode == MODE, Payment.state == "succeeded", Payment.provider == "sandbox",
        Payment.charge.like("ch_%"), Payment.refunded_minor + Payment.refunding_minor + Payment.queued_minor == 0,
        Payment.captured_minor >= 500,
    )  # fmt: skip
    return list(db.session.scalars(mine.order_by(Payment.id.desc()).limit(2)))


def _opened(vendor: Vendor, payment: Payment, reason: str, *, days: int) -> Dispute:
    """The processor opens it, and we read it there as its news would have us do."""
    reference = open_dispute(payment.charge or "", reason=reason, days=days)
    follow_dispute(vendor.id, provider=payment.provider, mode=MODE, dispute=reference)
    with unit_of_work():
        return disputes_of(vendor, payment)[-1]
