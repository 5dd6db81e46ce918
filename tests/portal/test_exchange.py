"""Exchanging on the portal's pages: the exact result first, then once, then the truth; and what is refused where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.sessions import begin_session
from core.fx.feed import Published
from core.fx.quote import HOLDS
from core.fx.rates import record_rates
from core.kernel.clock import now, shifted
from tests.browser import Browser
from tests.factories import PASSWORD, Shop, make_colleague, make_link, make_paid, make_shop, release_all, unit
from tests.portal.admin.people import make_staff

AHEAD = timedelta(days=1)  # no feed has published for that day
LONG_AGO = timedelta(days=-10)


@pytest.fixture
def rich(shop: Shop) -> Iterator[Shop]:
    """A shop with EUR 98.50 available, on a day with rates of its own."""
    link = make_link(shop, amount="100.00", currency="EUR")
    with shifted(LONG_AGO):
        make_paid(shop, link)
    with shifted(AHEAD):
        with unit(shop.app):
            record_rates([Published("GBP", now().date(), 8_000, 4), Published("USD", now().date(), 11_000, 4)], source="sandbox")
        release_all(shop.app)
        with unit(shop.app):
            _, secret = begin_session(shop.user, shop.membership)
        yield replace(shop, secret=secret)


def offer(browser: Browser, **fields: str) -> str:
    form = browser.get("/portal/balance/exchange").form("/portal/balance/exchange")
    page = browser.submit(form, **{"currency": "EUR", "into": "GBP", "amount": "50.00", **fields})
    return page.address


def test_the_exact_result_is_shown_before_anything_moves(rich: Shop) -> None:
    browser = rich.browser()
    where = offer(browser)
    page = browser.get(where)
    assert "€50.00 into £39.80" in page.heading and "1 EUR = 0.796 GBP" in page.text and "1 EUR = 0.8 GBP" in page.text
    assert "£0.20 (0.5% and the rounding)" in page.text
    before = browser.get("/portal/balance").text
    assert "£39.80" not in before
    done = browser.submit(page.form(where))
    assert "Done" in done.text and "Exchanged." in done.text
    assert "£39.80" in browser.get("/portal/balance").text
    assert "Done" in browser.submit(page.form(where)).text, "sent again, it is still done once"
    lines = browser.get("/portal/balance/available?currency=GBP")
    assert lines.text.count("Exchange between currencies") == 1 and where in lines.links()


def test_a_promise_that_has_expired_says_so_and_offers_a_new_one(rich: Shop) -> None:
    browser = rich.browser()
    where = offer(browser)
    page = browser.get(where)
    with shifted(AHEAD + HOLDS + timedelta(seconds=5)):
        asked = browser.submit(page.form(where))  # ten minutes later it is asked who sits there, and then the offer has expired
        late = browser.submit(asked.form(where), status=422, confirm_password=PASSWORD)
        assert "Expired" in late.text and "Nothing was exchanged" in late.text and "Ask for a new rate" in late.text
        assert not re.search("Exchange .* now", late.text) and "Nothing was exchanged." in browser.get(where).text


def test_money_that_has_gone_since_is_said_and_the_offer_stays(rich: Shop) -> None:
    browser = rich.browser()
    first, second = offer(browser, amount="60.00"), offer(browser, amount="60.00")
    browser.submit(browser.get(first).form(first))
    refused = browser.submit(browser.get(second).form(second), status=422)
    assert "Only €38.50 is available." in refused.error_summary and "Offered" in refused.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"amount": "1000"}, "Only €98.50 is available."),
        ({"amount": ""}, "Enter how much to exchange."),
        ({"amount": "1e2"}, "digits and a point"),
        ({"into": "EUR"}, "Choose another currency"),
        ({"into": "XXX"}, "Choose a currency from the list."),
        ({"currency": "USD"}, "something available"),
    ],
)
def test_what_cannot_be_exchanged_is_refused_where_it_was_typed(rich: Shop, fields: dict[str, str], says: str) -> None:
    browser = rich.browser()
    form = browser.get("/portal/balance/exchange").form("/portal/balance/exchange")
    page = browser.submit(form, status=422, **{"currency": "EUR", "into": "GBP", "amount": "50.00", **fields})
    assert says in page.error_summary[0]
    assert page.form("/portal/balance/exchange").values["amount"] == fields.get("amount", "50.00")


def test_who_may_not_and_whose_it_is_not(rich: Shop, app: Flask, stranger: Browser) -> None:
    where = offer(rich.browser())
    assert make_colleague(rich, "support").browser().get(where, status=403).status == 403
    assert make_shop(app).browser().get(where, status=404).status == 404
    assert rich.browser().get("/portal/balance/exchange/fxq_x", status=404).status == 404


def test_without_anything_available_the_page_says_what_is_needed(shop: Shop) -> None:
    assert "Nothing to exchange yet" in shop.browser().get("/portal/balance/exchange").text


def test_staff_see_every_rate_with_its_day_and_source(rich: Shop, app: Flask) -> None:
    page = make_staff(app, "finance").browser().get("/staff/rates")
    assert "0.8000" in page.text and "The sandbox" in page.text and "In use" in page.text
    assert make_staff(app, "reviewer").browser().get("/staff/rates", status=403).status == 403
