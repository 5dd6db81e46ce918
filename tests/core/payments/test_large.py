"""Payments larger than usual: told from the vendor's own sum on, or far above what came in lately, once, and nothing is held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.notifications.models import Message, Notice
from core.notifications.team import Choice, choose
from core.payments.large import ENOUGH, LATELY, NOTED, find_reason, set_threshold, suggest
from core.payments.models import Payment
from tests.factories import Shop, again, make_link, make_paid, make_shop, unit

KIND = "large_payment"


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def threshold(shop: Shop, amount: str | None, mode: str = "test", currency: str = "GBP") -> None:
    with unit(shop.app):
        least = None if amount is None else Money.of(amount, currency)
        set_threshold(shop.vendor, mode, currency, least, by=shop.user.public_id)


def paid(shop: Shop, amount: str, currency: str = "GBP") -> Payment:
    return make_paid(shop, make_link(shop, amount=amount, currency=currency))


def told(shop: Shop) -> list[str]:
    with unit(shop.app):
        mine = select(Notice.about).where(Notice.vendor_id == shop.vendor.id, Notice.kind == KIND)
        return list(db.session.scalars(mine.order_by(Notice.id)))


def letters(shop: Shop) -> list[Message]:
    with unit(shop.app):
        return list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == KIND)))


def usual(shop: Shop, count: int, amount: str = "10.00") -> None:
    link = make_link(shop, amount=amount)
    for _ in range(count):
        make_paid(shop, link)


def test_without_a_sum_and_without_a_past_nothing_is_told(shop: Shop, work: Callable[[], int]) -> None:
    paid(shop, "90000.00")
    work()
    assert told(shop) == [] and letters(shop) == []


def test_a_payment_that_reaches_the_sum_is_told_once_with_notice_letter_and_trail(shop: Shop, work: Callable[[], int]) -> None:
    threshold(shop, "100.00")
    small, large = paid(shop, "99.99"), paid(shop, "100.00")
    work()
    work()
    assert told(shop) == [large.public_id]
    (letter,) = letters(shop)
    assert letter.recipient == shop.vendor.support_email and letter.text is not None
    assert (
        "You asked to be told of payments of £100.00 or more." in letter.text
        and "three" not in letter.text
        and "times the" not in letter.text
    )
    with unit(shop.app):
        line = find_reason(shop.vendor, again(large))
        assert line is not None and line.detail == {"amount_minor": 10_000, "currency": "GBP", "least_minor": 10_000}
        assert find_reason(shop.vendor, again(small)) is None
        assert again(large).state == "succeeded" and again(large).available_at is not None  # nothing is held


def test_the_sum_counts_for_its_currency_and_mode_alone_and_can_be_taken_away(shop: Shop, work: Callable[[], int]) -> None:
    threshold(shop, "10.00", mode="live")
    threshold(shop, "10.00", currency="EUR")
    paid(shop, "50.00")
    work()
    assert told(shop) == []
    euro = paid(shop, "10.00", "EUR")
    work()
    threshold(shop, None, currency="EUR")
    paid(shop, "20.00", "EUR")
    work()
    assert told(shop) == [euro.public_id]


def test_odd_is_more_than_three_times_the_largest_of_enough_payments(shop: Shop, work: Callable[[], int]) -> None:
    usual(shop, ENOUGH - 1)
    paid(shop, "2.00")  # the twentieth
    at_most, odd = paid(shop, "30.00"), paid(shop, "90.01")
    work()
    assert told(shop) == [odd.public_id]
    with unit(shop.app):
        line = find_reason(shop.vendor, again(odd))
        assert line is not None and (line.detail["largest_minor"], line.detail["compared"]) == (3000, ENOUGH + 1)
        assert find_reason(shop.vendor, again(at_most)) is None
    (letter,) = letters(shop)
    assert "more than 3 times the largest of your last 21 payments within 90 days in this currency. That was £30.00." in (letter.text or "")
    again_odd = paid(shop, "90.01")  # by now that is nothing unusual
    work()
    assert again_odd.public_id not in told(shop)


def test_too_few_payments_say_nothing(shop: Shop, work: Callable[[], int]) -> None:
    usual(shop, ENOUGH - 1)
    paid(shop, "5000.00")
    work()
    assert told(shop) == []


def test_what_is_older_than_ninety_days_does_not_count(shop: Shop, work: Callable[[], int]) -> None:
    with shifted(-LATELY - timedelta(days=1)):
        usual(shop, ENOUGH)
        paid(shop, "5000.00")
        work()
    before = told(shop)
    paid(shop, "6000.00")  # nothing within the time: nobody knows what is usual
    work()
    assert told(shop) == before
    usual(shop, ENOUGH)
    with unit(shop.app):
        assert suggest(shop.vendor, "test") == {"GBP": Money(1_200_000, "GBP")}
    assert now() is not None


def test_whoever_does_not_want_it_gets_no_letter(shop: Shop, work: Callable[[], int]) -> None:
    threshold(shop, "1.00")
    with unit(shop.app):
        choose(shop.vendor, "test", "business", {KIND: Choice(mailed=False)})
        choose(shop.vendor, "test", shop.user.public_id, {KIND: Choice(mailed=True)})
    paid(shop, "5.00")
    work()
    assert [letter.recipient for letter in letters(shop)] == [shop.user.email]


@pytest.mark.parametrize(
    ("currency", "least"), [("GBP", Money(0, "GBP")), ("GBP", Money(-1, "GBP")), ("GBP", Money(5, "EUR")), ("XXX", None)]
)
def test_a_sum_that_is_none_is_refused(shop: Shop, currency: str, least: Money | None) -> None:
    with unit(shop.app), pytest.raises(Refusal):
        set_threshold(shop.vendor, "test", currency, least, by=shop.user.public_id)


def test_another_vendors_sum_and_past_are_not_mine(shop: Shop, work: Callable[[], int]) -> None:
    other = make_shop(shop.app)
    threshold(other, "1.00")
    usual(other, ENOUGH)
    paid(shop, "500.00")
    work()
    assert told(shop) == [] and NOTED == "payment.large"
    assert len(told(other)) == ENOUGH
