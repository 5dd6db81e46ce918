"""What bank transfers know of a payer: handed out, or taken away as far as it is no voucher of the books.

The bank's statements and the transfers that it was given to make say for ever who was paid and from where money came: each explains a journal,
and the law on bookkeeping wants such papers kept. They are the platform's own, and no page of a vendor's shows them. The vendor's copy goes, and
so does an order that never reached the bank: it explains nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select, update

from core.accounts.models import Vendor
from core.kernel.db import db
from core.payments.models import Payment
from core.payments.transfer_models import Transfer, TransferCase, TransferReturn
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import REFUND

UNDER_WAY = ("requested", "sent")


def transfers_of(vendor: Vendor, payment: Payment) -> list[dict[str, Any]]:
    """What came for a payment: from whom, with which words."""
    mine = select(Transfer).filter_by(vendor_id=vendor.id, mode=payment.mode, payment_id=payment.id).order_by(Transfer.id)
    return [
        {
            "amount": one.amount.decimal_text, "currency": one.currency, "booked_on": one.booked_on.isoformat(), "name": one.payer_name,
            "account_ends_in": one.account_end, "text": one.text,
        }
        for one in db.session.scalars(mine)
    ]  # fmt: skip


def sent_back(vendor: Vendor, payment: Payment) -> list[dict[str, Any]]:
    """Transfers to the payer that our bank was to make: to whom, and to which account."""
    mine = (BankOrder.mode == payment.mode, BankOrder.payment == payment.public_id, BankOrder.vendor == vendor.public_id)
    return [
        {
            "amount": one.amount.decimal_text, "currency": one.currency, "state": one.state, "name": one.to_name, "iban": one.to_account,
            "asked_for_at": one.created_at.isoformat(timespec="seconds"),
        }
        for one in db.session.scalars(select(BankOrder).where(*mine, BankOrder.purpose == REFUND).order_by(BankOrder.created_at))
    ]  # fmt: skip


def has_orders_under_way(vendor: Vendor, mode: str, email: str) -> bool:
    """Whether our bank still has to make a transfer to this payer."""
    waiting = exists().where(*_orders(vendor, mode, email), BankOrder.state.in_(UNDER_WAY))
    return bool(db.session.scalar(select(waiting)))


def forget_transfers(vendor: Vendor, mode: str, email: str) -> None:
    """The vendor's rows no longer say who sent money or wrote what. Of the orders those lose the person that no bank was ever given."""
    for kind, nothing in (
        (Transfer, {"payer_name": "", "account_end": "", "text": ""}), (TransferReturn, {"reason": ""}), (TransferCase, {"reason": ""})
    ):  # fmt: skip
        theirs = (kind.vendor_id == vendor.id, kind.mode == mode, kind.payment_id.in_(_payments(vendor, mode, email, Payment.id)))
        db.session.execute(update(kind).where(*theirs).values(nothing))
    never = (BankOrder.state == "failed", BankOrder.file_id.is_(None), BankOrder.sent_at.is_(None), BankOrder.settled_at.is_(None))
    nobody = {"to_name": "", "to_account": "", "to_bic": "", "text": ""}
    db.session.execute(update(BankOrder).where(*_orders(vendor, mode, email), *never).values(nobody))


def _orders(vendor: Vendor, mode: str, email: str) -> tuple[ColumnElement[bool], ...]:
    numbers = _payments(vendor, mode, email, Payment.public_id)
    return (BankOrder.mode == mode, BankOrder.vendor == vendor.public_id, BankOrder.payment.in_(numbers), BankOrder.purpose == REFUND)


def _payments(vendor: Vendor, mode: str, email: str, column: Any) -> Select[Any]:
    return select(column).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.email == email)
