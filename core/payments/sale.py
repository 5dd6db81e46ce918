"""The frozen side of a sale: the cart and the answers a payment was begun with, written once and read ever after."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.cart import Cart, Line, Rate, Reduction, TaxLine
from core.payments.models import Payment
from core.payments.offer import Terms
from core.payments.sale_models import DiscountCode, DiscountUse, PaymentDetail, PaymentLine, PaymentTax, TermsText


@dataclass(frozen=True)
class Consent:
    """Somebody ticked the box under these words, from this network address, with this browser."""

    terms: Terms
    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Details:
    """What a payer answered, checked by whoever asked. Addresses are plain texts by name; answers carry their labels with them."""

    phone: str = ""
    company: str = ""
    tax_id: str = ""
    billing: Mapping[str, str] | None = None
    shipping: Mapping[str, str] | None = None
    answers: tuple[Mapping[str, Any], ...] = ()
    consent: Consent | None = None

    def __bool__(self) -> bool:
        return bool(self.phone or self.company or self.tax_id or self.billing or self.shipping or self.answers or self.consent)


def write_cart(payment: Payment, cart: Cart) -> None:
    """Freeze the cart beside a payment that was written in this unit."""
    key = {"vendor_id": payment.vendor_id, "mode": payment.mode, "payment_id": payment.id}
    for position, line in enumerate(cart.lines):
        db.session.add(
            PaymentLine(
                **key, position=position, kind=line.kind, item=line.item, title=line.title[:120], quantity=line.quantity, currency=cart.currency,
                unit_minor=line.unit.minor, subtotal_minor=line.subtotal.minor, discount_minor=line.discount.minor, tax_minor=line.tax.minor,
                tax_inclusive=line.rate is None or line.rate.inclusive, total_minor=line.total.minor, rate=line.rate.id if line.rate else "",
            )
        )  # fmt: skip
    for position, tax in enumerate(cart.taxes):
        rate = tax.rate
        db.session.add(
            PaymentTax(
                **key, position=position, rate=rate.id, name=rate.name, bps=rate.bps, inclusive=rate.inclusive, currency=cart.currency,
                taxable_minor=tax.taxable.minor, tax_minor=tax.tax.minor,
            )
        )  # fmt: skip


def find_cart(vendor: Vendor, payment: Payment) -> Cart | None:
    """The cart a payment was begun with; None when it was one plain sum."""
    if not payment.itemised:
        return None
    tax_rows = _rows(PaymentTax, vendor.id, payment)
    rates = {row.rate: Rate(row.rate, row.name, row.bps, row.inclusive) for row in tax_rows}
    code = payment.currency
    lines = tuple(
        Line(
            row.kind, row.title, row.quantity, Money(row.unit_minor, code), Money(row.subtotal_minor, code), Money(row.discount_minor, code),
            Money(row.tax_minor, code), rates.get(row.rate), row.item,
        )
        for row in _rows(PaymentLine, vendor.id, payment)
    )  # fmt: skip
    taxes = tuple(TaxLine(rates[row.rate], Money(row.taxable_minor, code), Money(row.tax_minor, code)) for row in tax_rows)
    return Cart(code, lines, taxes, _reduction(vendor, payment))


def _rows(model: Any, vendor_id: uuid.UUID, payment: Payment) -> list[Any]:
    mine = select(model).where(model.vendor_id == vendor_id, model.mode == payment.mode, model.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(model.position)))


def _reduction(vendor: Vendor, payment: Payment) -> Reduction | None:
    """The code it was begun with: its words. What it took off stands in the lines."""
    same = (
        (DiscountCode.vendor_id == DiscountUse.vendor_id)
        & (DiscountCode.mode == DiscountUse.mode)
        & (DiscountCode.id == DiscountUse.discount_id)
    )
    mine = select(DiscountCode).join(DiscountUse, same).where(DiscountUse.vendor_id == vendor.id, DiscountUse.mode == payment.mode)
    code = db.session.scalar(mine.where(DiscountUse.payment_id == payment.id))
    return Reduction(code.code, code.bps, code.amount) if code else None


def keep_terms(vendor_id: uuid.UUID, mode: str, terms: Terms) -> None:
    """Keep this version of the words for good. The same words again change nothing."""
    row = {"vendor_id": vendor_id, "mode": mode, "version": terms.version, "label": terms.label, "text": terms.text, "created_at": now()}
    db.session.execute(insert(TermsText).values(**row).on_conflict_do_nothing())


def write_details(payment: Payment, details: Details) -> None:
    """Keep the answers beside a payment that was written in this unit. A billing address also says where the payer is."""
    consent = details.consent
    if details.billing:
        payment.payer_country = details.billing.get("country") or None
    if consent:
        keep_terms(payment.vendor_id, payment.mode, consent.terms)
    db.session.add(
        PaymentDetail(
            vendor_id=payment.vendor_id,
            mode=payment.mode,
            payment_id=payment.id,
            phone=details.phone,
            company=details.company,
            tax_id=details.tax_id,
            billing=dict(details.billing) if details.billing else None,
            shipping=dict(details.shipping) if details.shipping else None,
            answers=[dict(answer) for answer in details.answers],
            terms_version=consent.terms.version if consent else None,
            agreed_at=now() if consent else None,
            agreed_from=consent.address[:60] if consent else "",
            agreed_with=consent.agent[:200] if consent else "",
        )
    )


def find_details(vendor: Vendor, payment: Payment) -> PaymentDetail | None:
    """What the payer answered and agreed to; None when nothing was asked."""
    return db.session.get(PaymentDetail, (vendor.id, payment.mode, payment.id))


def find_terms(vendor: Vendor, mode: str, version: str) -> TermsText | None:
    """The words of one version."""
    return db.session.get(TermsText, (vendor.id, mode, version))
