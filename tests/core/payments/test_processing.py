"""A payment that the bank answers later: it is asked about ever more seldom, and ends as the bank says, told to the payer once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.outbox import OutboxTask
from core.notifications.models import Message
from core.payments.attempt import begin_attempt
from core.payments.models import Attempt, Payment
from core.payments.poll import FIRST_WAIT, LONGEST_WAIT, plan_next_inquiry
from core.payments.queries import page_state
from tests.factories import Shop, again, fresh, open_payment, tell, unit

NO = {"charge": "ch_0", "decline_code": "insufficient_funds"}


@pytest.fixture
def attempt(shop: Shop, payment: Payment) -> Attempt:
    made = open_payment(shop, payment)
    tell(shop, payment, made, "processing", charge="ch_0")
    return made


def letters(shop: Shop, payment: Payment) -> int:
    with shop.app.app_context():
        mine = (Message.vendor_id == shop.vendor.id, Message.about == payment.public_id, Message.kind == "payment_failed")
        return int(db.session.scalar(select(func.count()).select_from(Message).where(*mine)) or 0)


def asked(shop: Shop) -> int:
    with shop.app.app_context():
        mine = (OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "settle_attempt")
        return int(db.session.scalar(select(func.count()).select_from(OutboxTask).where(*mine)) or 0)


def is_closed_declined(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("requires_method", "declined")
    with unit(shop.app):
        other = begin_attempt(shop.vendor, again(payment))
        assert (other.number, other.state) == (2, "started")


def test_it_is_asked_about_ever_more_seldom_but_never_forgotten(shop: Shop, attempt: Attempt) -> None:
    waits = []
    with unit(shop.app):
        mine, at = again(attempt), now()
        assert mine.inquiries == 0 and mine.next_inquiry_at <= at + timedelta(seconds=20)
        for _ in range(20):
            with frozen(at):
                plan_next_inquiry(mine)
            waits.append(int((mine.next_inquiry_at - at).total_seconds()))
            at = mine.next_inquiry_at
    assert waits[:4] == [FIRST_WAIT, 30, 60, 120] and waits[-1] == LONGEST_WAIT
    assert waits == sorted(waits)
    assert sum(1 for n in range(20) if sum(waits[:n]) < 86_400) <= 15, "a whole day of waiting costs a handful of questions"


def test_questions_asked_before_the_bank_had_it_do_not_make_us_slow(shop: Shop, payment: Payment) -> None:
    opened = open_payment(shop, payment)
    with unit(shop.app):
        for _ in range(30):
            plan_next_inquiry(again(opened))
    tell(shop, payment, opened, "processing", charge="ch_0")
    assert fresh(shop, opened).inquiries == 0


def test_it_is_not_tried_again_while_the_bank_has_it(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    with unit(shop.app), pytest.raises(Exception, match="nothing left to pay"):
        begin_attempt(shop.vendor, again(payment))
    assert page_state(fresh(shop, payment)) == "checking"


def test_a_processor_that_is_away_does_not_change_what_we_know(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    assert tell(shop, payment, attempt, "unknown") == "stale"
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("processing", "submitted")


def test_the_end_of_its_page_lets_the_payer_try_on_a_new_one(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    assert tell(shop, payment, attempt, "declined", closed=True, **NO) == "told"
    is_closed_declined(shop, payment, attempt)
    assert letters(shop, payment) == 1


def test_an_event_alone_closes_nothing_but_has_the_processor_asked_at_once(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    """An event says that a card was declined, and not whether its page takes another one: a second page could be paid as well."""
    tell(shop, payment, attempt, "declined", **NO)
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("requires_method", "action_required")
    assert asked(shop) == 1
    assert tell(shop, payment, attempt, "declined", closed=True, **NO) == "told"  # the answer
    is_closed_declined(shop, payment, attempt)
    assert letters(shop, payment) == 1


def test_news_in_the_wrong_order_end_in_the_same_truth(shop: Shop, payment: Payment) -> None:
    opened = open_payment(shop, payment)
    tell(shop, payment, opened, "declined", **NO)
    assert tell(shop, payment, opened, "processing", charge="ch_0") == "stale"
    assert fresh(shop, payment).state == "requires_method"
    assert letters(shop, payment) == 0, "nobody was told to wait for a letter"


def test_an_old_no_does_not_end_the_next_try(shop: Shop, payment: Payment) -> None:
    opened = open_payment(shop, payment)
    tell(shop, payment, opened, "declined", **NO)
    tell(shop, payment, opened, "processing", charge="ch_1")
    assert tell(shop, payment, opened, "declined", **NO) == "stale"
    assert fresh(shop, payment).state == "processing"


@pytest.mark.parametrize("end", [{"state": "declined", "closed": True, **NO}, {"state": "canceled"}], ids=["declined", "cancelled"])
def test_the_payer_is_written_to_once_however_often_it_is_told(shop: Shop, payment: Payment, attempt: Attempt, end: dict[str, Any]) -> None:
    for _ in range(3):
        tell(shop, payment, attempt, **end)
    assert (fresh(shop, payment).state, letters(shop, payment)) == ("requires_method", 1)


def test_late_success_is_paid_and_nobody_is_told_that_it_failed(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    assert tell(shop, payment, attempt, "succeeded", charge="ch_0", captured=payment.amount) == "settled"
    assert tell(shop, payment, attempt, "processing", charge="ch_0") == "stale"
    assert (fresh(shop, payment).state, letters(shop, payment)) == ("succeeded", 0)
