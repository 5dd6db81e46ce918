"""A payment that was begun and left: one letter with the way back, if the payer asked for it, and only while there is a way."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.payments.link import link_state
from core.payments.models import Payment, PaymentLink
from core.payments.queries import find_link_of
from core.payments.to_payer import write_to_payer


def ask_back(vendor: Vendor, payment: Payment) -> None:
    """A locked payment has just run out of time: the payer who asked to be reminded is written to, once."""
    if payment.remind and payment.link_id and not payment.received_minor:
        write_to_payer(vendor, "checkout_left", payment)


def way_back(vendor: Vendor, payment: Payment) -> tuple[PaymentLink | None, str]:
    """The link through which it can be begun anew; or None and why no letter should say so any more."""
    if payment.state != "expired":
        return None, f"the payment is {payment.state} by now"
    link = find_link_of(vendor, payment)
    if link is None or link_state(link) != "open":
        return None, "the link takes no payments any more"
    since = select(Payment.id).where(
        Payment.vendor_id == vendor.id, Payment.mode == payment.mode, Payment.link_id == link.id, Payment.email == payment.email
    )
    if db.session.scalar(since.where(Payment.created_at > payment.created_at, Payment.state.not_in(("canceled", "expired"))).limit(1)):
        return None, "the payer has begun anew by now"
    return link, ""
