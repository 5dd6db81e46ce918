"""What is on record of a disputed payment, gathered for the evidence pack: one read for the page that shows it and the worker that prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.accounts.models import Vendor
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
    )
