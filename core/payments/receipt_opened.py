"""That somebody with its address has opened the receipt: the payment's history says so once, with the time, and nothing of who it was or from where.

On a vendor's own host name nobody is known: somebody of the business who opens it there is noted like anybody else. So no word of it says
more than "whoever has its address".
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from core.kernel.db import db
from core.payments.history import note
from core.payments.models import Payment, PaymentEvent
from core.payments.start import lock_payment

OPENED = "receipt.opened"


def receipt_opened_at(payment: Payment) -> datetime | None:
    """When the receipt's page was first opened by somebody who has its address and was not known to be of the business; None: not so far."""
    mine = PaymentEvent.vendor_id == payment.vendor_id, PaymentEvent.mode == payment.mode, PaymentEvent.payment_id == payment.id
    return db.session.scalar(select(PaymentEvent.at).where(*mine, PaymentEvent.kind == OPENED).limit(1))


def note_receipt_opened(payment: Payment) -> None:
    """One line in a payment's life, however often and by however many at once it is opened."""
    if receipt_opened_at(payment) is None:
        row = lock_payment(payment)
        if receipt_opened_at(row) is None:
            note(row, OPENED, actor="reader")
