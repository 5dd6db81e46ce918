"""Issues what a payment needs: an invoice when it is paid, a credit note for each refund, both when it is made out to somebody else.

One act looks at how the payment stands and brings its documents up to that. So it may be called whenever something has happened to a
payment, twice, late, or by two workers: the payment's row is locked, and what stands there already is not issued again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select

from core.accounts.house import HOUSE, find_details
from core.accounts.models import Vendor
from core.billing.models import BillingCharge
from core.billing.number import series_of, take_number
from core.billing.parties import business_party
from core.invoices.models import SaleDocument
from core.invoices.queries import documents_of
from core.invoices.shares import Share, gross_of, kept, part_of, remaining, sold, tax_of
from core.invoices.switch import check_details, find_switch, what_is_lacking
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.payments.cart import Cart
from core.payments.history import note
from core.payments.models import Payment, PaymentEvent
from core.payments.queries import refunds_of_sale
from core.payments.refund_models import Refund
from core.payments.sale import find_cart
from core.payments.sale import find_details as find_answers
from core.payments.start import lock_payment

Party = dict[str, Any]
WHOSE = ("name", "street", "postcode", "city", "country", "vat_id")  # another one of these is another buyer


class NothingToInvoice(Conflict):
    """No money has come for this payment, or it is invoiced elsewhere."""

    code = "nothing_to_invoice"


@dataclass(frozen=True, slots=True)
class _Next:
    """A document about to be issued."""

    kind: str
    origin: str
    shares: tuple[Share, ...]
    lines: list[dict[str, Any]]
    on: datetime
    corrects: int | None = None
    refund_id: uuid.UUID | None = None


def issue_by_hand(vendor: Vendor, payment: Payment, *, by: str) -> list[SaleDocument]:
    """An invoice for one payment, whatever the switch says. Refuses NothingToInvoice and DetailsMissing."""
    if payment.captured_at is None or _is_billed(payment):
        raise NothingToInvoice("Nothing has been paid here that could be invoiced.")
    check_details(vendor)
    return _issue(vendor, payment, by=by)


def bring_up_to_date(vendor: Vendor, payment: Payment) -> list[SaleDocument]:
    """Issue what is missing, if this vendor issues invoices or has issued one for this payment. Answers what is new."""
    if payment.captured_at is None or not (_is_wanted(vendor, payment) or documents_of(vendor, payment)):
        return []
    return _issue(vendor, payment, by="system")


def _is_wanted(vendor: Vendor, payment: Payment) -> bool:
    switch = find_switch(vendor, payment.mode)
    since = payment.captured_at
    return bool(switch and since and since >= switch.since and not _is_billed(payment) and not what_is_lacking(vendor))


def _is_billed(payment: Payment) -> bool:
    """Plans and memberships have invoices of their own."""
    if payment.vendor_id == HOUSE:
        return True
    mine = (BillingCharge.vendor_id == payment.vendor_id, BillingCharge.mode == payment.mode, BillingCharge.payment_id == payment.id)
    return bool(db.session.scalar(select(exists().where(*mine))))


def _issue(vendor: Vendor, payment: Payment, *, by: str) -> list[SaleDocument]:
    payment = lock_payment(payment)
    documents, buyer = documents_of(vendor, payment), _buyer(vendor, payment)
    desk = _Desk(vendor, payment, documents, by)
    if not documents:
        desk.issue(_first(vendor, payment), buyer)
    for refund in refunds_of_sale(vendor, payment):
        desk.follow(refund)
    desk.make_out_to(buyer)
    return desk.made


class _Desk:
    """The documents of one locked payment while more are issued."""

    def __init__(self, vendor: Vendor, payment: Payment, documents: list[SaleDocument], by: str) -> None:
        self.vendor, self.payment, self.documents, self.by = vendor, payment, documents, by
        self.seller = business_party(vendor, find_details(vendor.id))
        self.made: list[SaleDocument] = []

    @property
    def left(self) -> tuple[Share, ...]:
        """What is invoiced and not given back."""
        return remaining((one.is_credit, kept(one.shares, one.currency)) for one in self.documents)

    @property
    def newest(self) -> SaleDocument:
        """The invoice that counts."""
        return next(one for one in reversed(self.documents) if not one.is_credit and one.origin != "refund_undone")

    def follow(self, refund: Refund) -> None:
        """What went back is credited; what did not arrive after all is invoiced again. What a bank takes by itself lowers no price."""
        mine = {one.kind: one for one in self.documents if one.refund_id == refund.id}
        if refund.state == "succeeded" and not mine and refund.requested_by != "bank":
            shares = part_of(self.left, refund.amount)
            lines = [{"title": "", "about": "refund", "reason": refund.reason, "quantity": 1, "amount": refund.amount_minor}]
            on = refund.settled_at or now()
            self.issue(_Next("credit_note", "refund", shares, lines, on, self.newest.place, refund.id), self.newest.buyer)
        elif refund.state in ("failed", "canceled") and "credit_note" in mine and "invoice" not in mine:
            note_ = mine["credit_note"]
            lines = [{**line, "about": "refund_undone"} for line in note_.lines]
            shares = kept(note_.shares, note_.currency)
            self.issue(_Next("invoice", "refund_undone", shares, lines, now(), note_.place, refund.id), note_.buyer)

    def make_out_to(self, buyer: Party) -> None:
        """Where it is to be made out to somebody else: all that is left is taken back, and issued anew."""
        old, left = self.newest, self.left
        if not left or all(old.buyer.get(name) == buyer.get(name) for name in WHOSE) or not _was_asked(self.payment, old.made_at):
            return
        whole = gross_of(left) == old.gross
        lines = (
            old.lines if whole else [{"title": self.payment.description, "about": "rest", "quantity": 1, "amount": gross_of(left).minor}]
        )
        self.issue(_Next("credit_note", "details", left, lines, now(), old.place), old.buyer)
        self.issue(_Next("invoice", "details", left, lines, now(), old.place), buyer)

    def issue(self, wanted: _Next, buyer: Party) -> None:
        """Take the number, and write it down for good."""
        payment, zone = self.payment, ZoneInfo(self.vendor.time_zone)
        series = series_of(wanted.kind, payment.mode)
        number, issued_on = take_number(payment.vendor_id, payment.mode, series, now().astimezone(zone).date())
        gross, tax = gross_of(wanted.shares), tax_of(wanted.shares)
        document = SaleDocument(
            vendor_id=payment.vendor_id, mode=payment.mode, id=uuid7(), public_id=public_id("inv"), payment_id=payment.id, place=len(self.documents) + 1,
            kind=wanted.kind, origin=wanted.origin, corrects=wanted.corrects, refund_id=wanted.refund_id, series=series, number=number, issued_on=issued_on,
            on_day=wanted.on.astimezone(zone).date(), currency=payment.currency, net_minor=(gross - tax).minor, tax_minor=tax.minor, gross_minor=gross.minor,
            shares=[share.plain() for share in wanted.shares], lines=wanted.lines, seller=self.seller, buyer=buyer, locale=payment.locale or "en",
            issued_by=self.by, made_at=now(),
        )  # fmt: skip
        db.session.add(document)
        self.documents.append(document)
        self.made.append(document)
        note(payment, f"{wanted.kind}.issued", actor=self.by, document=document.name, amount_minor=gross.minor, currency=payment.currency)
        enqueue("print_sale_document", payment.vendor_id, queue="papers", mode=payment.mode, document=str(document.id))


def _was_asked(payment: Payment, since: datetime) -> bool:
    """Whether the payer has changed whom it is made out to. A person who was taken out of the data is no other buyer."""
    mine = (PaymentEvent.vendor_id == payment.vendor_id, PaymentEvent.mode == payment.mode, PaymentEvent.payment_id == payment.id)
    return bool(db.session.scalar(select(exists().where(*mine, PaymentEvent.kind == "payer.details_changed", PaymentEvent.at >= since))))


def _first(vendor: Vendor, payment: Payment) -> _Next:
    cart, at = find_cart(vendor, payment), payment.captured_at or now()
    return _Next("invoice", "sale", sold(cart, payment.captured), _lines(payment, cart), at)


def _lines(payment: Payment, cart: Cart | None) -> list[dict[str, Any]]:
    """What was sold, line by line, each with what the payer pays for it. Where another sum came than was asked for, a line says so."""
    if cart is None:
        return [{"title": payment.description, "about": "item", "quantity": 1, "amount": payment.captured.minor}]
    lines = [
        {
            "title": line.title, "about": line.kind, "quantity": line.quantity, "unit": line.unit.minor, "discount": line.discount.minor,
            "bps": line.rate.bps if line.rate else None, "inclusive": line.rate.inclusive if line.rate else True, "amount": line.total.minor,
        }
        for line in cart.lines
    ]  # fmt: skip
    beyond: Money = payment.captured - cart.total
    return [*lines, {"title": "", "about": "difference", "quantity": 1, "amount": beyond.minor}] if beyond else lines


def _buyer(vendor: Vendor, payment: Payment) -> Party:
    """Whom it is made out to: the company, or the person."""
    said = find_answers(vendor, payment)
    place = (said.billing if said else None) or {}
    street = ", ".join(part for part in (place.get("line1", ""), place.get("line2", "")) if part)
    return {
        "name": (said.company if said else "") or payment.payer_name or payment.email or payment.reference, "person": payment.payer_name, "email": payment.email,
        "street": street, "postcode": place.get("postcode", ""), "city": place.get("city", ""),
        "country": place.get("country") or payment.payer_country or "", "vat_id": said.tax_id if said else "",
    }  # fmt: skip
