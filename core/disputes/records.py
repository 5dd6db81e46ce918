"""What is on record of a disputed payment, gathered for the evidence pack: one read for the page that shows it and the worker that prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.ledger.chain_models import ChainLink
from core.ledger.models import Journal
from core.notifications.models import Message
from core.notifications.queries import list_messages_about
from core.payments.cart import Cart
from core.payments.models import Payment, PaymentEvent
from core.payments.queries import refunds_of_sale, timeline
from core.payments.refund_models import Refund
from core.payments.sale import find_cart, find_details, find_terms
from core.payments.sale_models import PaymentDetail, TermsText


@dataclass(frozen=True, slots=True)
class OnRecord:
    """As rows."""

    events: list[PaymentEvent]
    letters: list[Message]
    refunds: list[Refund]
    cart: Cart | None
    said: PaymentDetail | None
    terms: TermsText | None
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the payment stands in the chain of the seller's book: a day's paper that was kept elsewhere shows whether that was changed since."""

    number: int
    hash: str


def records_of(vendor: Vendor, payment: Payment) -> OnRecord:
    """Everything there is."""
    said: Any = find_details(vendor, payment)
    return OnRecord(
        events=timeline(vendor, payment),
        letters=list_messages_about(vendor, payment.mode, [payment.public_id], since=payment.created_at),
        refunds=refunds_of_sale(vendor, payment),
        cart=find_cart(vendor, payment),
        said=said,
        terms=find_terms(vendor, payment.mode, said.terms_version) if said and said.terms_version else None,
        entry=_entry(payment),
    )


def _entry(payment: Payment) -> Entry | None:
    """None until the chain has been written so far, which a worker does a moment after the payment was booked."""
    same = (Journal.vendor_id == ChainLink.vendor_id) & (Journal.mode == ChainLink.mode) & (Journal.id == ChainLink.of_id)
    mine = (
        Journal.vendor_id == payment.vendor_id,
        Journal.mode == payment.mode,
        Journal.about == payment.public_id,
        Journal.kind == "capture",
    )
    found = select(ChainLink.seq, ChainLink.hash).join(Journal, same).where(*mine, ChainLink.what == "journals")
    row = db.session.execute(found.order_by(ChainLink.seq).limit(1)).first()
    return Entry(row.seq, row.hash.hex()) if row else None
