"""What stands about one payer's disputes: handed out with the rest, and the messages taken away before the payer is erased.

What the bank was told stays, as docs/retention.md says: it is the proof of it, and the bank may ask again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, select, update

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.disputes.evidence import answers_of
from core.disputes.files import list_files
from core.disputes.models import Dispute, DisputeEnclosure, DisputeMessage
from core.disputes.thread import list_said
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.models import Payment


def disputes_data(vendor: Vendor, customer: Customer) -> list[dict[str, Any]]:
    """Every dispute of theirs as plain values: what the bank was told, and what was written about it between the vendor and the staff."""
    found = db.session.scalars(_theirs(select(Dispute), vendor, customer).order_by(Dispute.id))
    return [_plain(vendor, dispute) for dispute in found]


def _plain(vendor: Vendor, dispute: Dispute) -> dict[str, Any]:
    return {
        "number": dispute.public_id, "reason": dispute.reason, "state": dispute.state, "amount": dispute.amount.decimal_text,
        "currency": dispute.currency, "opened_at": dispute.opened_at.isoformat(timespec="seconds"), "answer": answers_of(dispute),
        "files": [{"shows": file.kind, "name": file.name} for file in list_files(dispute)],
        "messages": [
            {
                "from": one.message.side, "text": one.message.text, "written_at": one.message.at.isoformat(timespec="seconds"),
                "file": one.file.name if one.file else None,
            }
            for one in list_said(vendor, dispute)
        ],
    }  # fmt: skip


def forget_disputes(vendor: Vendor, customer: Customer) -> None:
    """The words and files of the messages about their disputes go, and the letters that repeat them. That something was written, and when, stays."""
    rows = list(db.session.execute(_theirs(select(Dispute.id, Dispute.public_id), vendor, customer)))
    ids, numbers = [row.id for row in rows], [row.public_id for row in rows]
    if not ids:
        return
    files = (DisputeEnclosure.vendor_id == vendor.id, DisputeEnclosure.mode == customer.mode, DisputeEnclosure.dispute_id.in_(ids))
    db.session.execute(delete(DisputeEnclosure).where(*files))
    words = (DisputeMessage.vendor_id == vendor.id, DisputeMessage.mode == customer.mode, DisputeMessage.dispute_id.in_(ids))
    db.session.execute(update(DisputeMessage).where(*words).values(text=""))
    letters = (Message.vendor_id == vendor.id, Message.mode == customer.mode, Message.about.in_(numbers), Message.kind == "dispute_message")
    db.session.execute(update(Message).where(*letters).values(text=None, html=None, subject=None))


def _theirs(asked: Select[Any], vendor: Vendor, customer: Customer) -> Select[Any]:
    beside = (Payment.vendor_id == Dispute.vendor_id) & (Payment.mode == Dispute.mode) & (Payment.id == Dispute.payment_id)
    return asked.join(Payment, beside).where(Dispute.vendor_id == vendor.id, Dispute.mode == customer.mode, Payment.email == customer.email)
