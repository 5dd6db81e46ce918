"""A payer's personal data: handed out whole, or taken away so that the books stay and nobody can say whose they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select, update

from core.accounts.models import Remark, Vendor
from core.customers.keys import forget_keys
from core.customers.models import Customer
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound
from core.kernel.money import Money
from core.notifications.mail_stops import stop_data
from core.notifications.models import Message, Paper
from core.notifications.notify import ACTS_AS_ITS_READER
from core.payments.claim_data import claims_of, forget_claims, has_open_claims
from core.payments.long_export import begin_anew
from core.payments.models import Payment, PaymentEvent
from core.payments.recipient_data import forget_recipient, letters_to
from core.payments.refund_models import Refund
from core.payments.review_models import Screening
from core.payments.sale_models import DiscountUse, PaymentDetail
from core.payments.saved_data import cards_of, forget_cards
from core.payments.transfer_data import forget_transfers, has_orders_under_way, sent_back, transfers_of
from core.providers.models import InboxEvent
from core.providers.redact import redacted

UNDER_WAY = ("created", "requires_action", "processing", "unknown")
MOST_PAYMENTS = 5000


class StillUnderWay(Conflict):
    """Something of theirs has not come to an end, and would have to find them."""

    code = "still_under_way"


def personal_data(vendor: Vendor, customer: Customer) -> dict[str, Any]:
    """Everything this vendor has about one payer, as plain values: for the payer, who may ask for it."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == customer.mode, Payment.email == customer.email)
    payments = list(db.session.scalars(mine.order_by(Payment.id).limit(MOST_PAYMENTS)))
    return {
        "about": {
            "number": customer.public_id, "email": customer.email, "name": customer.name, "first_seen_at": _at(customer.first_seen_at),
            "last_seen_at": _at(customer.last_seen_at), "refused_since": _at(customer.blocked_at), "refused_because": customer.blocked_because,
        },
        "held_by": vendor.name,
        "mode": customer.mode,
        "made_at": _at(now()),
        "notes": _remarks(vendor, customer.mode, customer.public_id),
        "letters_stopped": stop_data(vendor, customer.mode, customer.email),
        "letters_about_links": letters_to(vendor, customer.mode, customer.email),
        "saved_cards": cards_of(vendor, customer.mode, customer.email),
        "payments": [_payment(vendor, payment) for payment in payments],
        "complete": len(payments) < MOST_PAYMENTS,
    }  # fmt: skip


def _at(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _sum(amount: Money) -> dict[str, str]:
    return {"amount": amount.decimal_text, "currency": amount.currency}


def _remarks(vendor: Vendor, mode: str, about: str) -> list[dict[str, Any]]:
    mine = select(Remark).where(Remark.vendor_id == vendor.id, Remark.mode == mode, Remark.about == about).order_by(Remark.id)
    return [{"text": row.text, "written_at": _at(row.created_at)} for row in db.session.scalars(mine)]


def _payment(vendor: Vendor, payment: Payment) -> dict[str, Any]:
    key = {"vendor_id": vendor.id, "mode": payment.mode, "payment_id": payment.id}
    events = db.session.scalars(select(PaymentEvent).filter_by(**key).order_by(PaymentEvent.seq))
    refunds = db.session.scalars(select(Refund).filter_by(**key).order_by(Refund.id))
    letters = db.session.scalars(
        select(Message).filter_by(vendor_id=vendor.id, mode=payment.mode, about=payment.public_id, recipient=payment.email)
    )
    return {
        "number": payment.public_id, "reference": payment.reference, "for": payment.description, "state": payment.state,
        "asked_for": _sum(payment.amount), "paid": _sum(payment.captured), "refunded": _sum(payment.refunded),
        "email": payment.email, "name": payment.payer_name, "their_reference": payment.payer_reference, "came_by": payment.attribution, "card": {"brand": payment.card_brand, "last_four_digits": payment.card_last4},
        "started_at": _at(payment.created_at), "paid_at": _at(payment.captured_at),
        "history": [{"what": event.kind, "at": _at(event.at), "detail": event.detail} for event in events],
        "refunds": [{"number": r.public_id, "state": r.state, **_sum(r.amount), "asked_for_at": _at(r.created_at), "note": r.note} for r in refunds],
        "refund_links": claims_of(vendor, payment), "transfers": transfers_of(vendor, payment), "sent_back_to": sent_back(vendor, payment),
        "messages": [{"kind": m.kind, "subject": m.subject, "text": None if m.kind in ACTS_AS_ITS_READER else m.text, "sent_at": _at(m.sent_at), "state": m.state} for m in letters],
        "notes": _remarks(vendor, payment.mode, payment.public_id),
        "tried_from": _tried_from(vendor, payment),
        "said": _said(db.session.get(PaymentDetail, (vendor.id, payment.mode, payment.id))),
    }  # fmt: skip


def _tried_from(vendor: Vendor, payment: Payment) -> list[dict[str, Any]]:
    """From where and with which card it was tried, as far as that is kept."""
    mine = (Screening.vendor_id == vendor.id, Screening.mode == payment.mode, Screening.payment_id == payment.id)
    rows = db.session.scalars(select(Screening).where(*mine).order_by(Screening.id))
    return [{"address": row.address, "card": row.card, "at": _at(row.created_at)} for row in rows if row.address or row.card]


def _said(details: PaymentDetail | None) -> dict[str, Any] | None:
    """What they wrote beside their name: addresses, answers, and the consent with where it came from."""
    if details is None:
        return None
    names = ("phone", "company", "tax_id", "billing", "shipping", "answers", "terms_version", "agreed_from", "agreed_with")
    return {name: getattr(details, name) for name in names} | {"agreed_at": _at(details.agreed_at)}


def erase_person(vendor: Vendor, customer: Customer, *, by: str) -> Customer:
    """Take the person out of everything: address and name on payments, letters, printed receipts, notes, what the processor sent.

    Sums, states, history and journals stay as they are, under a pseudonym, and so do the bank's own papers. Cannot be undone. Refuses StillUnderWay while a
    payment or a refund of theirs has not ended, because its news could not reach them any more.
    """
    row = locked(Customer, vendor.id, customer.mode, customer.id)
    if row is None:
        raise NotFound("There is no such customer.")
    if row.erased_at is not None:
        return row
    whose = (Payment.vendor_id == vendor.id, Payment.mode == row.mode, Payment.email == row.email)
    if db.session.scalar(
        select(
            exists().where(
                *whose,
                Payment.state.in_(UNDER_WAY) | (Payment.refunding_minor > 0) | (Payment.queued_minor > 0) | (Payment.disputed_minor > 0),
            )
        )
    ):
        raise StillUnderWay("A payment or a refund of theirs is still under way. Wait until it has ended, and erase then.")
    if has_open_claims(vendor, row.mode, row.email):
        raise StillUnderWay("A refund link of theirs still waits. Take it back or decide about it, and erase then.")
    if has_orders_under_way(vendor, row.mode, row.email):
        raise StillUnderWay("A transfer back to them is still on its way. Wait until the bank has made it, and erase then.")
    pseudonym = pseudonym_of(row)
    begin_anew(vendor, row.mode)
    _redact_events(vendor, row)
    mine = (Message.vendor_id == vendor.id, Message.mode == row.mode)
    about_them = Message.about.in_(select(Payment.public_id).where(*whose))
    waiting = {"state": "failed", "last_error": "the payer's data was erased", "taken_until": None}
    db.session.execute(update(Message).where(*mine, about_them, Message.recipient == row.email, Message.state == "queued").values(waiting))
    db.session.execute(update(Message).where(*mine, about_them).values(text=None, html=None, subject=None))
    db.session.execute(update(Message).where(*mine, about_them, Message.recipient == row.email).values(recipient=pseudonym))
    for kind in (Paper, Remark):
        theirs = (kind.vendor_id == vendor.id, kind.mode == row.mode, kind.about.in_(select(Payment.public_id).where(*whose)))
        db.session.execute(delete(kind).where(*theirs))
    db.session.execute(delete(Remark).where(Remark.vendor_id == vendor.id, Remark.mode == row.mode, Remark.about == row.public_id))
    refunds = (Refund.vendor_id == vendor.id, Refund.mode == row.mode, Refund.payment_id.in_(select(Payment.id).where(*whose)))
    db.session.execute(update(Refund).where(*refunds).values(note=""))
    forget_claims(vendor, row.mode, row.email)
    forget_transfers(vendor, row.mode, row.email)
    _forget_what_they_said(vendor, row, pseudonym)
    forget_recipient(vendor, row.mode, row.email, pseudonym)
    forget_cards(vendor, row.mode, row.email, pseudonym)
    screened = (Screening.vendor_id == vendor.id, Screening.mode == row.mode, Screening.payment_id.in_(select(Payment.id).where(*whose)))
    db.session.execute(update(Screening).where(*screened).values(address="", card="", note=""))
    forget_keys(vendor.id, row.mode, row.email)
    db.session.execute(update(Payment).where(*whose).values(email=pseudonym, payer_name="", payer_reference=""))
    row.email, row.name, row.name_key, row.surname_key, row.blocked_because = pseudonym, "", "", "", None
    row.erased_at = now()
    audit.record(vendor.id, actor=by, action="customer.erased", subject=row.public_id, mode=row.mode)
    return row


def pseudonym_of(customer: Customer) -> str:
    """Under which what stays of them stands once they are erased."""
    return f"erased-{customer.public_id[4:].lower()}@erased.invalid"


def _forget_what_they_said(vendor: Vendor, customer: Customer, pseudonym: str) -> None:
    """Their answers, addresses and consent, and under whom their discounts were counted."""
    theirs = select(Payment.id).where(Payment.vendor_id == vendor.id, Payment.mode == customer.mode, Payment.email == customer.email)
    nothing = {
        "phone": "",
        "company": "",
        "tax_id": "",
        "billing": None,
        "shipping": None,
        "answers": [],
        "agreed_from": "",
        "agreed_with": "",
    }
    details = (PaymentDetail.vendor_id == vendor.id, PaymentDetail.mode == customer.mode, PaymentDetail.payment_id.in_(theirs))
    db.session.execute(update(PaymentDetail).where(*details).values(nothing))
    uses = (DiscountUse.vendor_id == vendor.id, DiscountUse.mode == customer.mode, DiscountUse.payment_id.in_(theirs))
    db.session.execute(update(DiscountUse).where(*uses).values(customer=pseudonym, card=None))


def _redact_events(vendor: Vendor, customer: Customer) -> None:
    """What the processor sent about their payments keeps its shape and loses the person. Events not yet opened are not touched."""
    theirs = (
        (Payment.vendor_id == PaymentEvent.vendor_id)
        & (Payment.mode == PaymentEvent.mode)
        & (Payment.id == PaymentEvent.payment_id)
        & (Payment.email == customer.email)
    )
    causes = (
        select(Payment.provider, PaymentEvent.cause)
        .join(Payment, theirs)
        .where(PaymentEvent.vendor_id == vendor.id, PaymentEvent.mode == customer.mode, PaymentEvent.cause.startswith("evt_"))
        .distinct()
    )
    for provider, cause in db.session.execute(causes).all():
        event = db.session.get(InboxEvent, (provider, customer.mode, cause), with_for_update=True)
        if event is not None and event.handled_at is not None:
            event.raw = redacted(event.raw)
    db.session.flush()
