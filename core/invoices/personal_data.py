"""The invoices and credit notes of one payer, handed out with the rest. They are not taken away with it, because the law says so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.invoices.models import SaleDocument
from core.kernel.db import db
from core.payments.models import Payment


def invoices_of(vendor: Vendor, customer: Customer) -> list[dict[str, Any]]:
    """Every document that was issued for a payment of theirs, as plain values; a credit note has a minus."""
    same = (Payment.vendor_id == SaleDocument.vendor_id) & (Payment.mode == SaleDocument.mode) & (Payment.id == SaleDocument.payment_id)
    mine = select(SaleDocument).join(Payment, same).where(SaleDocument.vendor_id == vendor.id, SaleDocument.mode == customer.mode)
    return [
        {
            "number": one.name,
            "on": one.issued_on.isoformat(),
            "amount": str(-one.gross if one.is_credit else one.gross),
            "made_out_to": {name: value for name, value in one.buyer.items() if value},
        }
        for one in db.session.scalars(mine.where(Payment.email == customer.email).order_by(SaleDocument.id))
    ]
