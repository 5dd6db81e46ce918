"""The job that counts a decline, against card testing."""

from __future__ import annotations

import uuid

from core.accounts.queries import get_vendor
from core.kernel.db import db, unit_of_work
from core.payments import screen
from core.payments.models import Payment


def count_decline(vendor_id: uuid.UUID, *, mode: str, payment: str, decline: str, card: str) -> None:
    """Count it in Redis, with no transaction open, and write down what follows. Running twice counts once."""
    with unit_of_work():
        vendor, tried = get_vendor(vendor_id), db.session.get_one(Payment, (vendor_id, mode, uuid.UUID(payment)))
    verdict, surge = screen.count_decline(tried, decline=decline, card=card)
    if surge or verdict.step == "stop":
        with unit_of_work():
            screen.act_on_decline(vendor, tried, verdict, surge)
