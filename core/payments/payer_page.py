"""What a payer does by themselves on their own page: the key to it, company details on a receipt, a problem told to the seller."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.accounts.remarks import write_remark
from core.customers.keys import make_key
from core.customers.queries import find_customer
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.outbox import enqueue
from core.notifications.notify import notify
from core.notifications.team import tell_team
from core.payments.history import note
from core.payments.lists import PaymentFilter, list_payments
from core.payments.models import Payment, PaymentEvent
from core.payments.queries import Page, find_payment
from core.payments.sale import Details, write_details
from core.payments.sale_models import PaymentDetail
from core.payments.start import lock_payment

EDITABLE = timedelta(days=30)  # after the payment: later a seller's books of that month may be closed
MOST_PROBLEMS = 3  # of one payment: more is for the seller's own address
LONGEST = 1000
PAYER = "payer"  # who wrote a note that the payer wrote


class TooLateToEdit(Conflict):
    """The receipt stays as it is."""

    code = "too_late_to_edit"


class ToldAlready(Conflict):
    """The seller has heard of it several times."""

    code = "told_already"


def send_key(vendor: Vendor, mode: str, email: str, *, locale: str) -> bool:
    """Write to a payer with the address of their own page. False when this vendor knows nobody of that address: nothing is written then."""
    customer = find_customer(vendor, mode, email)
    if customer is None or customer.erased_at is not None:
        return False
    key = make_key(vendor, mode, customer.email)
    db.session.flush()
    notify(vendor, "payer_page", mode=mode, to=customer.email, locale=locale or "en", key=key.token_id)
    return True


def payments_of(vendor: Vendor, mode: str, email: str, *, after: str | None = None, limit: int = 20) -> Page[Payment]:
    """What this payer paid, is paying or left, the newest first."""
    return list_payments(vendor, mode, PaymentFilter(email=email), after=after, limit=limit)


def payment_of_payer(vendor: Vendor, mode: str, email: str, public_id: str) -> Payment:
    """One of this payer's own; refuses with 404 for anybody else's."""
    payment = find_payment(vendor, mode, public_id)
    if payment is None or payment.email != email:
        raise NotFound("There is no such payment.")
    return payment


def may_edit(payment: Payment) -> bool:
    """Whether its receipt may still be made out to somebody else."""
    return payment.captured_at is not None and now() < payment.captured_at + EDITABLE


def change_details(vendor: Vendor, payment: Payment, details: Details) -> None:
    """Whom the receipt is made out to: company, tax number, billing address. The receipt is printed anew; the old one stays kept.

    Only that: what was answered and agreed to when it was paid is evidence and stays. Refuses TooLateToEdit after 30 days.
    """
    payment = lock_payment(payment)
    if not may_edit(payment):
        raise TooLateToEdit("A receipt can be changed for 30 days after the payment. Please write to the seller.")
    kept = db.session.get(PaymentDetail, (vendor.id, payment.mode, payment.id))
    wanted = {"company": details.company, "tax_id": details.tax_id, "billing": dict(details.billing) if details.billing else None}
    if kept is None:
        write_details(payment, details)
    elif all(getattr(kept, name) == value for name, value in wanted.items()):
        return
    else:
        for name, value in wanted.items():
            setattr(kept, name, value)
    note(payment, "payer.details_changed", actor="payer")
    enqueue("make_receipt", vendor.id, queue="papers", mode=payment.mode, payment=str(payment.id))


def report_problem(vendor: Vendor, payment: Payment, text: str) -> None:
    """Tell the seller what is wrong. The words stand among the payment's notes; the team gets a notice and a letter.

    Refuses an empty text at the field `problem`, and ToldAlready beyond a few.
    """
    text = text.strip()
    if not text:
        raise Refusal("Say what is wrong, so that the seller can help.", field="problem")
    payment = lock_payment(payment)
    mine = (PaymentEvent.vendor_id == vendor.id, PaymentEvent.mode == payment.mode, PaymentEvent.payment_id == payment.id)
    told = select(func.count()).where(*mine, PaymentEvent.kind == "payer.problem_reported")
    if int(db.session.scalar(told) or 0) >= MOST_PROBLEMS:
        raise ToldAlready("The seller has been told of this payment several times. Please write to them directly.")
    write_remark(vendor, payment.mode, about=payment.public_id, text=text[:LONGEST], by=PAYER)
    note(payment, "payer.problem_reported", actor="payer")
    tell_team(vendor, "problem_reported", mode=payment.mode, payment=payment.public_id)
