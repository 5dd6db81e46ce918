"""Money that is told of after its day was closed: booked all the same, on the first day that is open, with the day it really was."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

import pytest

from core.kernel.db import db
from core.ledger.models import Journal
from core.payments.models import Payment
from core.payments.settle import Told, settle_at_once, settle_many
from core.providers.contract import Outcome
from tests.core.ledger.days import ONE, close, next_day, on
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import Shop, again, fresh, make_link, make_payment, open_payment, unit


@pytest.fixture
def closed(shop: Shop) -> date:
    with shop.app.app_context():
        day = next_day()
        close(day)
    return day


def journals(shop: Shop, about: str) -> list[tuple[str, object, object]]:
    with unit(shop.app):
        mine = db.select(Journal).where(Journal.vendor_id == shop.vendor.id, Journal.about == about).order_by(Journal.id)
        return [(one.kind, one.effective_at, one.original_effective_at) for one in db.session.scalars(mine)]


def test_a_line_that_the_bank_dates_days_ago(shop: Shop, closed: date) -> None:
    payment = make_payment(shop, make_link(shop, amount="30.00", currency="USD"))
    TestBank(shop).tell(transfer(3_000, begin_transfer(shop, payment).provider_reference or "", on=closed))
    found = journals(shop, payment.public_id)
    assert found[0] == ("transfer received", on(closed + ONE, 0), on(closed))
    assert found[1][0] == "capture" and found[1][2] is None, "what happens now takes effect now"


def test_a_capture_that_a_processor_dates_days_ago_by_itself_and_among_many(shop: Shop, closed: date) -> None:
    alone, one, other = (make_payment(shop) for _ in range(3))
    opened, row = open_payment(shop, alone), fresh(shop, alone)
    with shop.app.app_context():
        outcome = Outcome(state="succeeded", provider_reference="cs", **facts(alone, closed))
        assert settle_at_once(shop.vendor, row, opened, outcome, cause="evt") == "settled"
    attempts = [open_payment(shop, payment) for payment in (one, other)]
    with unit(shop.app):
        told = [
            Told(
                shop.vendor,
                again(payment),
                again(attempt),
                Outcome(state="succeeded", provider_reference="cs", **facts(payment, closed)),
                "evt",
            )
            for payment, attempt in zip((one, other), attempts, strict=True)
        ]
        assert settle_many(told) == ["settled", "settled"]
    for payment in (alone, one, other):
        assert journals(shop, payment.public_id) == [("capture", on(closed + ONE, 0), on(closed))]


def facts(payment: Payment, day: date) -> dict[str, Any]:
    return {
        "charge": f"ch_{secrets.token_hex(8)}",
        "captured": payment.amount,
        "card_brand": "visa",
        "card_last4": "4242",
        "occurred_at": on(day),
    }
