"""What we say of a payment in writing, to whoever is shown it: a statement under our signature (core/kernel/attest.py) that names no payer."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.kernel.attest import attest
from core.kernel.money import Money
from core.payments.models import Payment


def statement_of(vendor: Vendor, payment: Payment) -> str:
    """How the payment stands now, as a signed JWT: whose it is, what was asked for, what was taken, what has gone back. Sums are minor units."""
    facts = {
        "mode": payment.mode,
        "vendor": {"id": vendor.public_id, "name": vendor.name},
        "reference": payment.reference,
        "payer_reference": payment.payer_reference,
        "status": payment.state,
        "amount": _money(payment.amount),
        "captured": _money(payment.captured),
        "refunded": _money(payment.refunded),
        "disputed": _money(payment.disputed),
        "captured_at": payment.captured_at.isoformat() if payment.captured_at else None,
    }
    return attest(payment.public_id, facts)


def _money(amount: Money) -> dict[str, Any]:
    return {"amount": amount.minor, "currency": amount.currency}
