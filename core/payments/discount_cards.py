"""Which card a discount code was used with: the processor says so when the card is tried, and the same card is the same customer."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import func, select, update

from core.accounts.models import Vendor
from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.notices import post_notice
from core.payments.discount import still_counts
from core.payments.history import note
from core.payments.models import Payment
from core.payments.sale_models import DiscountCode, DiscountUse
from core.payments.start import lock_payment


def mark_of(vendor: Vendor, mode: str, fingerprint: str) -> str:
    """What is kept of a card: what our own key makes of the processor's mark, for each vendor another. It names no card to anybody else."""
    digest = hmac.new(settings().secrets["session_key"].encode(), f"discount|{vendor.id}|{mode}|{fingerprint}".encode(), hashlib.sha256)
    return digest.hexdigest()


def note_card(vendor: Vendor, payment: Payment, fingerprint: str | None) -> None:
    """The processor has said which card was tried on this payment. If it was begun with a code, the use is that card's from now on.

    A card is looked at before its money is taken (core/payments/hold.py). Where that was not possible, with a page that was
    opened before that was done, a paid payment whose card has had the code as often as it may stays paid: its history and a notice say so, and
    the seller decides. The next try with this card's addresses is refused.
    """
    if not fingerprint or not payment.itemised:
        return
    use = db.session.get(DiscountUse, (vendor.id, payment.mode, payment.id))
    card = mark_of(vendor, payment.mode, fingerprint)
    if use is None or use.card == card:
        return
    mine = (DiscountUse.vendor_id == vendor.id, DiscountUse.mode == payment.mode)
    db.session.execute(update(DiscountUse).where(*mine, DiscountUse.payment_id == payment.id).values(card=card))
    code = db.session.get_one(DiscountCode, (vendor.id, payment.mode, use.discount_id))
    if code.most_each is None or payment.captured_at is None:
        return
    same = (Payment.vendor_id == DiscountUse.vendor_id) & (Payment.mode == DiscountUse.mode) & (Payment.id == DiscountUse.payment_id)
    query = select(func.count()).select_from(DiscountUse).join(Payment, same)
    used = db.session.scalar(query.where(*mine, DiscountUse.discount_id == code.id, DiscountUse.card == card, still_counts())) or 0
    if used > code.most_each:
        note(lock_payment(payment), "discount.beyond_limit", actor="system", code=code.code, used=used, most=code.most_each)
        post_notice(vendor, "discount_beyond", mode=payment.mode, about=payment.public_id)
