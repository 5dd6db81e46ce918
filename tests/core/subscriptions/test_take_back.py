"""A wrong invoice of a plan taken back: the books, the balance and the directory say the same afterwards."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing.carry_out import finalise_due
from core.billing.models import BillingDocument
from core.kernel.db import db
from core.ledger.proof import look_for_breaks
from core.subscriptions.plan import take_back
from tests.core.subscriptions.plans import Life, publish
from tests.factories import unit

NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def give_back(life: Life, on: date) -> None:
    with life.unit(on):
        mine = select(BillingDocument).where(BillingDocument.vendor_id == HOUSE, BillingDocument.subscription_id == life.row.id)
        newest = db.session.scalars(mine.order_by(BillingDocument.ordinal.desc()).limit(1)).one()
        take_back(life.row, newest, reason="Charged under the wrong company", by="stf_one")


def test_what_was_paid_becomes_credit_and_nothing_of_it_is_earned(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    give_back(life, NOVEMBER)
    assert life.state().balance.minor == life.account("customer_credit") == 300
    assert life.account("deferred_revenue") == life.account("customer_receivable") == 0
    assert life.kept().followed == len(life.events())
    with unit(app):
        assert look_for_breaks(HOUSE, "test") == []


def test_what_is_owed_is_owed_no_more(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    life.to(date(2026, 12, 2), pays="no")
    with life.unit(date(2026, 12, 2), 20):
        finalise_due()
    give_back(life, date(2026, 12, 2))
    assert not life.state().open and life.account("customer_receivable") == life.account("customer_credit") == 0
    with unit(app):
        assert look_for_breaks(HOUSE, "test") == []
