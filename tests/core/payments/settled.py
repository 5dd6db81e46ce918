"""What is told of a payment in tests, and what the books and its history say afterwards."""

from __future__ import annotations

from typing import Any

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.queries import balances, journals_about
from core.payments.hear import Told
from core.payments.models import Attempt, Payment
from core.payments.queries import timeline
from core.providers.contract import Outcome
from tests.factories import Shop


def paid(payment: Payment, charge: str = "ch_1", amount: Money | None = None) -> dict[str, Any]:
    return {"charge": charge, "captured": amount or payment.amount, "card_brand": "visa", "card_last4": "4242"}


def journals(shop: Shop, payment: Payment) -> list[str]:
    with shop.app.app_context():
        return [journal.kind for journal, _ in journals_about(shop.vendor, payment.mode, payment.public_id)]


def lines(shop: Shop, payment: Payment, kind: str | None = None) -> list[str]:
    with shop.app.app_context():
        return [line.kind for line in timeline(shop.vendor, payment) if kind is None or line.kind == kind]


def held(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        return {name: money.minor for (name, _, _), money in balances(shop.vendor, "test").items() if money}


def again(row: Any) -> Any:
    """The row in the present unit."""
    return db.session.get(type(row), (row.vendor_id, row.mode, row.id))


def told_of(shop: Shop, payment: Payment, attempt: Attempt | None, charge: str, cause: str = "evt") -> Told:
    outcome = Outcome(state="succeeded", provider_reference="cs", charge=charge, captured=payment.amount, occurred_at=now())
    return Told(shop.vendor, payment, attempt, outcome, cause)
