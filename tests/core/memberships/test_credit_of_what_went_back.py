"""A month whose money went back to the member: what is credited of it afterwards is no balance, for it was given back already (P-03: an unpaid
line gives no balance)."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from core.billing.carry_out import finalise_due_of
from core.billing.models import BillingDocument
from core.kernel.db import db
from core.memberships.leaving import leaving
from core.memberships.member import cancel
from core.payments.models import Payment
from core.subscriptions.plan import take_back
from tests.core.memberships.joined import NOVEMBER, Joined, make_gym
from tests.core.memberships.test_paid_twice import ends, give_back, hear, is_whole
from tests.factories import unit

MIDDLE, AFTER = date(2026, 12, 2), date(2026, 12, 3)  # two of 31 days are used: of 10.00 are 9.35 credited


@pytest.fixture
def ada(app: Flask) -> Joined:
    """She has paid November and December, once."""
    made = Joined(make_gym(app), NOVEMBER)
    made.answer(NOVEMBER)
    made.to(MIDDLE)
    with made.unit(MIDDLE, 20):
        finalise_due_of(made.row())
    assert made.paid() == [1000] * 2 and made.state().balance.minor == 0
    return made


def of_december(ada: Joined) -> Payment:
    with unit(ada.app):
        mine = select(Payment).where(Payment.vendor_id == ada.vendor.id, Payment.email == ada.email, Payment.captured_minor > 0)
        return db.session.scalars(mine.order_by(Payment.id.desc())).first()


def leaves(ada: Joined) -> None:
    with ada.unit(MIDDLE, 22):
        cancel(ada.vendor, ada.fresh(), at_once=True, by="member")
    ada.to(AFTER)


def is_told(ada: Joined) -> int:
    """What she is told would be hers if she left."""
    with ada.unit(MIDDLE, 22):
        told = leaving(ada.row(), at_once=True).balance
    return told.minor if told else 0


@pytest.mark.parametrize(("refunded", "left"), [(0, 935), (100, 835), (935, 0), (1000, 0)])
def test_unused_days_of_a_month_are_credited_as_far_as_its_money_is_still_here(ada: Joined, refunded: int, left: int) -> None:
    if refunded:
        give_back(ada, of_december(ada), refunded)
    assert is_told(ada) == left
    leaves(ada)
    assert ada.state().balance.minor == left and is_whole(ada)
    hear(ada, AFTER)
    assert ada.state().balance.minor == left and is_whole(ada)


def test_a_refund_that_fails_afterwards_leaves_the_credit(ada: Joined) -> None:
    refund = give_back(ada, of_december(ada))
    leaves(ada)
    ends(ada, refund, "failed")
    assert ada.state().balance.minor == 935 and is_whole(ada)


@pytest.mark.parametrize("first", ["refund", "credit"])
def test_an_invoice_that_is_refunded_and_taken_back_is_given_back_once_in_either_order(ada: Joined, first: str) -> None:
    def takes_back() -> None:
        with ada.unit(MIDDLE, 22):
            row = ada.row()
            mine = select(BillingDocument).where(BillingDocument.subscription_id == row.id).order_by(BillingDocument.ordinal.desc())
            take_back(row, db.session.scalars(mine).first(), reason="A month on the house", by=ada.shop.user.public_id)

    for act in (lambda: give_back(ada, of_december(ada)), takes_back)[:: 1 if first == "refund" else -1]:
        act()
    assert ada.state().balance.minor == 0 and is_whole(ada)
    ada.to(date(2027, 1, 1))
    assert ada.paid() == [1000] * 3, "January is paid with money"


def test_what_went_back_of_another_month_lowers_no_credit(ada: Joined) -> None:
    with unit(ada.app):
        mine = select(Payment).where(Payment.vendor_id == ada.vendor.id, Payment.email == ada.email, Payment.captured_minor > 0)
        november = db.session.scalars(mine.order_by(Payment.id)).first()
    give_back(ada, november)
    leaves(ada)
    assert ada.state().balance.minor == 935 and is_whole(ada)
