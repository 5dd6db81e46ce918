"""D11: while a plan hibernates, is suspended or has ended, the business's links take no money and say so; awake again, they do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask

from core.accounts.queries import get_vendor
from core.accounts.standing import BusinessRests, set_resting, takes_payments
from core.billing.wishes import Hibernate, Resume
from tests.browser import Browser
from tests.core.subscriptions.plans import Life, publish
from tests.factories import Shop, link_address, make_link, make_payment, make_shop, open_payment, unit


def as_it_is(shop: Shop) -> Shop:
    with unit(shop.app):
        return replace(shop, vendor=get_vendor(shop.vendor.id))


def test_links_take_no_money_while_the_plan_hibernates(app: Flask) -> None:
    publish(app)
    life = Life(app, date(2026, 11, 1), "pro", shop=make_shop(app, business="Sleepy Loaves"))
    life.answer(date(2026, 11, 1))
    link = make_link(life.shop)
    assert takes_payments(as_it_is(life.shop).vendor, "test")
    life.wish(date(2026, 11, 10), Hibernate(now=True))
    life.to(date(2026, 11, 11))
    assert life.state().status == "hibernating" and as_it_is(life.shop).vendor.resting_modes == ["test"]
    page = Browser(app).get(link_address(life.shop, link), status=409)
    assert "not active here at the moment" in page.text and "Nothing was charged" in page.text and "hibernat" not in page.text
    life.wish(date(2026, 11, 20), Resume())
    life.answer(date(2026, 11, 20))
    assert life.state().status == "active" and as_it_is(life.shop).vendor.resting_modes == []
    assert Browser(app).get(link_address(life.shop, link)).status == 200


def test_what_was_begun_before_does_not_go_on_to_a_card_either(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    payment = make_payment(shop, link)
    with unit(app):
        set_resting(shop.vendor, "test", rests=True)
    with pytest.raises(BusinessRests):
        make_payment(as_it_is(shop), link)
    with pytest.raises(BusinessRests):
        open_payment(as_it_is(shop), payment)
    with unit(app):
        set_resting(get_vendor(shop.vendor.id), "test", rests=True)  # said twice: the same
        set_resting(get_vendor(shop.vendor.id), "test", rests=False)
    assert open_payment(as_it_is(shop), payment).state
