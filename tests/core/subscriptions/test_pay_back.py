"""P-13: a balance goes back to the cards that paid it, once, booked, told, and never more than was received."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.billing.wishes import Cancel, ChooseTier, Hibernate
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.ledger.proof import look_for_breaks
from core.notifications.models import Notice
from core.payments import refund as refunds
from core.payments.refund_models import Refund
from core.providers.contract import RefundOutcome
from core.subscriptions import pay_back as paying
from core.subscriptions.pay_back import NothingToPayBack, StillServes, check_own, hear_payout, payout_of
from tests.core.billing.kept import replay
from tests.core.subscriptions.plans import Life, publish
from tests.core.subscriptions.test_plan import check_books
from tests.factories import again, fresh, unit

NOVEMBER, TENTH, ELEVENTH = date(2026, 11, 1), date(2026, 11, 10), date(2026, 11, 11)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def ended(app: Flask) -> Life:
    """Pro for ten days of November and cancelled: 2.00 of its 3.00 is left."""
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.wish(TENTH, Cancel(now=True))
    life.to(ELEVENTH)
    assert life.state().balance.minor == 200
    return life


def send_back(life: Life, *, on: date = ELEVENTH, why: str = "") -> Money:
    with life.unit(on, 20):
        row = again(life.row)
        return paying.pay_back(row, expects=payout_of(row).expects, by=life.shop.user.public_id, why=why)


def refunds_of(life: Life) -> list[Refund]:
    with unit(life.app):
        ids = [payment.id for payment in life.payments()]
        return list(db.session.scalars(select(Refund).where(Refund.vendor_id == HOUSE, Refund.payment_id.in_(ids)).order_by(Refund.id)))


def answer(life: Life, refund: Refund, state: str) -> None:
    """The processor's word on a refund, and the job that hears of it."""
    with life.unit(ELEVENTH, 21):
        refunds.begin_sending(again(refund))
    with life.unit(ELEVENTH, 21):
        outcome = RefundOutcome(
            state=state, provider_reference=f"re_{refund.public_id}", amount=refund.amount, failure_reason="account_closed"
        )
        assert refunds.settle_refund(house(), again(refund), outcome, cause="evt_1") == "settled"
    with life.unit(ELEVENTH, 21):
        hear_payout(HOUSE, "test", refund.id, state)


def told(life: Life) -> list[str]:
    with unit(life.app):
        return [
            notice.detail["kind"]
            for notice in db.session.scalars(select(Notice).where(Notice.about == life.row.public_id).order_by(Notice.id))
        ]


def test_a_balance_goes_back_to_its_card_once_and_leaves_the_books_at_nothing(app: Flask) -> None:
    life = ended(app)
    documents = len(life.documents())
    assert send_back(life).minor == 200
    (refund,) = refunds_of(life)
    assert (refund.amount_minor, refund.taken_from, refund.state, refund.tell_payer) == (200, "unapplied", "requested", False)
    assert (life.state().balance.minor, life.account("customer_credit")) == (0, 0)
    check_books(life)
    with pytest.raises(NothingToPayBack):
        send_back(life)
    answer(life, refund, "succeeded")
    payment = fresh(life.shop, life.payments()[0])
    assert (payment.refunded_minor, payment.refundable.minor) == (200, 100)
    assert told(life).count("paid_back") == 1 and len(life.documents()) == documents, "no document: the credit note was written before"
    with unit(app):
        assert look_for_breaks(HOUSE, "test") == []
    kept, events = life.kept(), life.events()
    with unit(app):
        state, _ = replay(kept, events)
    assert state == life.state()


def test_what_the_bank_sends_back_is_on_the_balance_again_once_even_after_it_had_succeeded(app: Flask) -> None:
    life = ended(app)
    send_back(life)
    (refund,) = refunds_of(life)
    answer(life, refund, "succeeded")
    answer(life, refund, "failed")
    with life.unit(ELEVENTH, 22):
        hear_payout(HOUSE, "test", refund.id, "failed")
    assert (life.state().balance.minor, life.account("customer_credit")) == (200, 200)
    assert told(life).count("payout_came_back") == 1
    check_books(life)
    assert send_back(life).minor == 200, "and may be tried again"
    with unit(app):
        assert look_for_breaks(HOUSE, "test") == []


def test_two_who_press_at_once_send_one_refund(app: Flask) -> None:
    life = ended(app)
    with life.unit(ELEVENTH):
        seen = payout_of(again(life.row)).expects
    for _ in range(2):
        with life.unit(ELEVENTH, 20):
            try:
                paying.pay_back(again(life.row), expects=seen, by=life.shop.user.public_id)
            except Conflict as no:
                assert "has changed" in str(no)
    assert [refund.amount_minor for refund in refunds_of(life)] == [200]


def test_it_is_taken_from_the_newest_payment_first_and_never_more_than_that_brought(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 2))
    life.wish(date(2026, 11, 2), ChooseTier("enterprise"))
    life.wish(date(2026, 11, 3), Cancel(now=True))
    life.to(date(2026, 11, 4))
    balance = life.state().balance.minor
    assert [payment.captured_minor for payment in life.payments()] == [100, 386] and balance == 450, "27 of the 29 days of 4.83"
    with unit(app):
        assert [(payment.captured_minor, part.minor) for payment, part in payout_of(again(life.row)).parts] == [(386, 386), (100, 64)]
    send_back(life, on=date(2026, 11, 4))
    assert sum(refund.amount_minor for refund in refunds_of(life)) == balance
    check_books(life)


def test_a_vendor_waits_for_the_end_and_the_staff_do_not(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.wish(TENTH, ChooseTier("starter", now=True))
    with unit(app), pytest.raises(StillServes):
        check_own(again(life.row))
    assert send_back(life, on=TENTH, why="Asked on the telephone").minor == 140
    check_books(life)
    life.to(date(2026, 12, 1))
    assert life.payments()[-1].captured_minor == 100, "nothing is left to pay the renewal with"


def test_an_invoice_that_was_given_up_is_for_a_person_to_look_at(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.to(date(2027, 1, 20), pays="no")
    assert life.state().status == "cancelled"
    with unit(app), pytest.raises(StillServes, match="never paid"):
        check_own(again(life.row))


def test_money_for_a_change_that_never_came_goes_back_by_itself(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.wish(TENTH, ChooseTier("pro"), pays="")
    life.wish(TENTH, Cancel(now=True), pays="")
    life.to(ELEVENTH, pays="")
    assert life.state().status == "cancelled"
    before = life.state().balance.minor
    life.answer(ELEVENTH, hour=20)
    (refund,) = refunds_of(life)
    assert refund.amount_minor == life.payments()[-1].captured_minor and life.state().balance.minor == before
    check_books(life)


def test_a_plan_that_rests_keeps_its_balance_for_its_fee(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.wish(TENTH, Hibernate(now=True))
    life.to(ELEVENTH)
    with unit(app), pytest.raises(StillServes):
        check_own(again(life.row))
