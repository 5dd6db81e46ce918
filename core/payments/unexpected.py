"""Money that arrived and that no payment asked for (a second charge, another amount): what there is of it, and giving it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.payments.history import note
from core.payments.models import Payment, PaymentEvent
from core.payments.refund_books import book_request
from core.payments.refund_models import Refund
from core.payments.start import lock_payment

ENDED_WITHOUT = ("failed", "canceled")  # a return that came to nothing: the money is here again


class GoesBackAlready(Conflict):
    """Somebody else, or an earlier press, has sent this money back."""

    code = "goes_back_already"


@dataclass(frozen=True, slots=True)
class Unexpected:
    """One sum of it, by the provider's own name for the charge, and the last that was done to give it back."""

    charge: str
    amount: Money
    why: str  # second_charge or mismatch
    at: datetime
    returned: Refund | None
    provider: str | None = None  # whose charge it is

    @property
    def is_here(self) -> bool:
        """Still held as unapplied, and may be given back."""
        return self.returned is None or self.returned.state in ENDED_WITHOUT

    @property
    def is_settled(self) -> bool:
        """Nothing more will be heard soon: it is held here, or has gone back."""
        return self.is_here or (self.returned is not None and self.returned.state == "succeeded")


def list_unexpected(vendor: Vendor, payment: Payment) -> list[Unexpected]:
    """Every such sum of a payment, oldest first. Its history names them, for each was booked in the transaction that wrote its line."""
    lines = select(PaymentEvent).where(
        PaymentEvent.vendor_id == vendor.id,
        PaymentEvent.mode == payment.mode,
        PaymentEvent.payment_id == payment.id,
        PaymentEvent.kind == "payment.unexpected_money",
    )
    found = list(db.session.scalars(lines.order_by(PaymentEvent.seq)))
    if not found:
        return []
    returns = select(Refund).where(
        Refund.vendor_id == vendor.id,
        Refund.mode == payment.mode,
        Refund.payment_id == payment.id,
        Refund.taken_from == "unapplied",
        Refund.charge.is_not(None),
    )
    newest = {refund.charge: refund for refund in db.session.scalars(returns.order_by(Refund.id))}
    return [
        Unexpected(
            line.detail["charge"],
            Money(line.detail["amount_minor"], line.detail["currency"]),
            line.detail["why"],
            line.at,
            newest.get(line.detail["charge"]),
            line.detail.get("provider"),
        )
        for line in found
    ]


def give_back(vendor: Vendor, payment: Payment, *, charge: str, by: str, form_token: str) -> Refund:
    """Have a worker send all of one unexpected sum back to where it came from. The same form posted twice is one return.

    The payment is locked, so two people cannot send it twice (and PostgreSQL holds one return under way per charge). Refuses
    with NotFound for a charge that is none of this payment's unexpected ones, with GoesBackAlready when it was sent before.
    """
    payment = lock_payment(payment)
    again = db.session.scalar(
        select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == payment.mode, Refund.form_token == form_token)
    )
    if again:
        if again.payment_id != payment.id or again.charge != charge:
            raise Conflict("This form was sent before, for something else. Please open the page again.")
        return again
    held = next((one for one in list_unexpected(vendor, payment) if one.charge == charge), None)
    if held is None:
        raise NotFound("There is no such money on this payment.")
    if not held.is_here:
        raise GoesBackAlready("This money is on its way back already.")
    refund = unapplied_refund(payment, held, reason="duplicate" if held.why == "second_charge" else "other", by=by, form_token=form_token)
    book_request(payment, refund)
    detail = {"amount_minor": held.amount.minor, "currency": held.amount.currency, "charge": charge}
    note(payment, "unexpected.return_requested", actor=by, refund=refund.public_id, **detail)
    record(vendor.id, actor=by, action="unexpected.return_requested", subject=refund.public_id, payment=payment.public_id, **detail)
    enqueue("send_refund", vendor.id, mode=payment.mode, refund=str(refund.id))
    return refund


def unapplied_refund(payment: Payment, held: Unexpected, *, reason: str, by: str, form_token: str) -> Refund:
    """A refund of all of an unexpected sum, not yet written: it takes from no seller and returns no fee, for none was kept."""
    return Refund(
        vendor_id=payment.vendor_id,
        mode=payment.mode,
        id=uuid7(),
        public_id=public_id("ref"),
        payment_id=payment.id,
        form_token=form_token,
        state="requested",
        currency=held.amount.currency,
        amount_minor=held.amount.minor,
        fee_returned_minor=0,
        taken_from="unapplied",
        charge=held.charge,
        provider=held.provider,
        reason=reason,
        note="",
        requested_by=by,
        inquiries=0,
        created_at=now(),
    )
