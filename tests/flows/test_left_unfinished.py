"""Somebody begins to pay and leaves: whoever asked for it gets one letter with the way back, and nobody else ever does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.close import record_close
from core.payments.link import pause_link
from core.payments.lists import list_payments
from core.payments.models import Payment, PaymentLink
from tests.browser import Browser
from tests.factories import Shop, again, link_address, make_link, make_paid, open_payment, tell, unit

Work = Callable[[], int]


@pytest.fixture
def link(shop: Shop) -> PaymentLink:
    return make_link(shop, kind="reusable", amount="25.00")


def begin(shop: Shop, link: PaymentLink, browser: Browser | None = None, **typed: str) -> Payment:
    browser = browser or Browser(shop.app)
    form = browser.get(link_address(shop, link)).form()
    assert "remind" not in form.values, "nobody is asked back who did not tick it"
    browser.submit(form, **{"email": "ada@example.com", "name": "Ada Payer", **typed})
    with shop.app.app_context():
        return list_payments(shop.vendor, "test").rows[0]


def time_is_up(shop: Shop, payment: Payment, to: str = "expired") -> None:
    with unit(shop.app):
        record_close(shop.vendor, again(payment), None, None, to=to, actor="system" if to == "expired" else "payer")


def letters(shop: Shop) -> list[Message]:
    with shop.app.app_context():
        mine = db.select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "checkout_left")
        return list(db.session.scalars(mine))


def test_whoever_asked_gets_one_letter_and_goes_on_where_they_left_off(app: Flask, shop: Shop, link: PaymentLink, work: Work) -> None:
    left = begin(shop, link, remind="y")
    work()
    assert letters(shop) == []
    time_is_up(shop, left)
    time_is_up(shop, left)
    work()
    (letter,) = letters(shop)
    assert (letter.state, letter.recipient) == ("kept", "ada@example.com") and letter.text and letter.html
    assert "No money was taken" in letter.text and "only reminder" in letter.text and "£25.00" in letter.text
    (path,) = set(re.findall(r"https?://[^/\s]+(/pay/\S+again=\S+)", letter.text))
    browser = Browser(app)  # on another device
    form = browser.get(path).form()
    assert (form.values["email"], form.values["name"]) == ("ada@example.com", "Ada Payer") and "remind" not in form.values
    browser.submit(form)
    with app.app_context():
        newest = list_payments(shop.vendor, "test").rows[0]
        assert newest.recovered_from == left.id, "the funnel knows that the letter worked"


@pytest.mark.parametrize("typed", [{}, {"remind": ""}])
def test_whoever_did_not_ask_gets_none(shop: Shop, link: PaymentLink, work: Work, typed: dict[str, str]) -> None:
    time_is_up(shop, begin(shop, link, **{name: value for name, value in typed.items() if value}))
    work()
    assert letters(shop) == []


def test_whoever_calls_it_off_meant_it(shop: Shop, link: PaymentLink, work: Work) -> None:
    time_is_up(shop, begin(shop, link, remind="y"), to="canceled")
    work()
    assert letters(shop) == []


def test_whoever_pays_gets_none(shop: Shop, link: PaymentLink, work: Work) -> None:
    payment = begin(shop, link, remind="y")
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge="ch_1", captured=payment.amount)
    time_is_up(shop, payment)
    work()
    assert letters(shop) == []


def began_anew(shop: Shop, link: PaymentLink) -> None:
    make_paid(shop, link, email="ada@example.com")


def paused(shop: Shop, link: PaymentLink) -> None:
    with unit(shop.app):
        pause_link(again(link), by=shop.user.public_id, message="Back soon.")


@pytest.mark.parametrize(("meanwhile", "why"), [(began_anew, "begun anew"), (paused, "takes no payments")])
def test_a_letter_that_would_mislead_by_now_is_not_sent(
    shop: Shop, link: PaymentLink, work: Work, meanwhile: Callable[[Shop, PaymentLink], Any], why: str
) -> None:
    left = begin(shop, link, remind="y")
    time_is_up(shop, left)
    meanwhile(shop, link)
    work()
    (letter,) = letters(shop)
    assert letter.state == "overtaken" and letter.last_error and why in letter.last_error and letter.text is None


def test_the_way_back_is_filled_in_for_a_month_and_open_after_it(app: Flask, shop: Shop, link: PaymentLink, work: Work) -> None:
    left = begin(shop, link, remind="y")
    time_is_up(shop, left)
    work()
    (path,) = set(re.findall(r"https?://[^/\s]+(/pay/\S+again=\S+)", letters(shop)[0].text or ""))
    with shifted(timedelta(days=29)):
        assert Browser(app).get(path).form().values["email"] == "ada@example.com"
    with shifted(timedelta(days=31)):
        assert Browser(app).get(path).form().values["email"] == ""
