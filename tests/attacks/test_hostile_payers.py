"""The address of a checkout in wrong hands: altered, of another purpose, too old, or used once everything is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.orders.open import find_saving_of, payer_token
from core.payments.start import payment_token
from tests.browser import Browser
from tests.core.orders.market import Market, Sale
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_shop, unit


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def market(first: Shop) -> Market:
    return Market([another_shop(first) for _ in range(3)])


def token_of(sale: Sale) -> str:
    with unit(sale.app):
        return payer_token(sale.market.operator.vendor, sale.checkout)


@pytest.fixture
def nobody_is_asked() -> Iterator[None]:
    """Whoever asks the processor for a card page is caught."""
    with patch("checkout.card_page.open_saving_at_provider", side_effect=AssertionError("the processor was asked")):
        yield


@pytest.mark.usefixtures("nobody_is_asked")
def test_an_altered_address_opens_nothing(market: Market) -> None:
    sale, browser = market.open(7000, 3000), Browser(market.app)
    token = token_of(sale)
    assert browser.get(f"/o/{token}").heading
    for n in range(0, len(token), 7):
        other = token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :]
        for path in (f"/o/{other}", f"/o/{other}/state", f"/o/{other}/return"):
            browser.get(path, status=404)
    for odd in (token[:-1], token + "A", token.upper(), "%00", token.replace(".", ""), token + "%0a", "x" * 4000):
        browser.get(f"/o/{odd}", status=404)
    sale.pay()
    with unit(market.app):
        payments = payment_token(market.operator.vendor, sale.payment(1))
    browser.get(f"/o/{payments}", status=404)
    browser.get(f"/checkout/{token}", status=404)


@pytest.mark.usefixtures("nobody_is_asked")
def test_once_it_is_over_pressing_again_asks_for_no_card(market: Market) -> None:
    for hours, words in ((0, ("yes", "yes")), (0, ("yes", "no")), (2, ())):
        sale, browser = market.open(7000, 3000, hours=1), Browser(market.app)
        token = token_of(sale)
        form = browser.get(f"/o/{token}").form(f"/o/{token}")  # the other tab, opened before
        if words:
            sale.pay()
            for place, word in enumerate(words, 1):
                sale.tell(place, word)
        with shifted(timedelta(hours=hours)):
            browser.submit(form, status=303, follow=False)
            assert not browser.get(f"/o/{token}").all("form", action=f"/o/{token}")
        with unit(market.app):
            saving = find_saving_of(sale.checkout)
            assert saving is not None and saving.redirect_url is None
        assert sale.payments() == (2 if words else 0)


def test_the_address_tells_what_became_of_it_for_half_a_year_and_no_longer(market: Market) -> None:
    sale, browser = market.open(7000), Browser(market.app)
    token = token_of(sale)
    with shifted(timedelta(days=179)):
        browser.get(f"/o/{token}")
    with shifted(timedelta(days=181)):
        browser.get(f"/o/{token}", status=404)
