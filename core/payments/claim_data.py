"""What a refund link knows of its payer: handed out, or taken away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, exists, select, update

from core.accounts.models import Vendor
from core.kernel.db import db
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment


def claims_of(vendor: Vendor, payment: Payment) -> list[dict[str, Any]]:
    """A payment's links, with the account that was named."""
    mine = select(RefundClaim).filter_by(vendor_id=vendor.id, mode=payment.mode, payment_id=payment.id).order_by(RefundClaim.id)
    return [
        {
            "number": one.public_id, "state": one.state, "amount": one.amount.decimal_text, "currency": one.currency,
            "account_holder": one.holder, "iban": one.iban, "sent_at": one.created_at.isoformat(timespec="seconds"),
            "named_at": one.claimed_at.isoformat(timespec="seconds") if one.claimed_at else None, "refused_because": one.reason,
        }
        for one in db.session.scalars(mine)
    ]  # fmt: skip


def has_open_claims(vendor: Vendor, mode: str, email: str) -> bool:
    """Whether a link of this payer still waits for them, or for the vendor."""
    waiting = (RefundClaim.vendor_id == vendor.id, RefundClaim.mode == mode, RefundClaim.state.in_(("open", "claimed")))
    return bool(db.session.scalar(select(exists().where(*waiting, RefundClaim.payment_id.in_(_payments(vendor, mode, email))))))


def forget_claims(vendor: Vendor, mode: str, email: str) -> None:
    """Nothing is left of whose account it was."""
    theirs = (RefundClaim.vendor_id == vendor.id, RefundClaim.mode == mode, RefundClaim.payment_id.in_(_payments(vendor, mode, email)))
    db.session.execute(update(RefundClaim).where(*theirs).values(holder="", iban="", reason=""))


def _payments(vendor: Vendor, mode: str, email: str) -> Select[Any]:
    return select(Payment.id).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.email == email)
