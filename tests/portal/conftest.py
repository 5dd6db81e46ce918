"""Fixtures of the portal's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.payouts.accounts import COOLING_OFF
from core.web.throttle import limiter
from tests.browser import Browser
from tests.core.payouts.sellers import Seller, make_seller
from tests.factories import Shop, make_shop


@pytest.fixture(autouse=True)
def unthrottled() -> Iterator[None]:
    """Tests come from one address and sign in more often than people do; the tests of throttling switch it on again."""
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def owner(shop: Shop) -> Browser:
    """A browser in which the owner of the shop is signed in."""
    return shop.browser()


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that is not signed in."""
    return Browser(app)


@pytest.fixture
def seller(app: Flask) -> Seller:
    """With two payments, of USD 147.75 together after the fee, that may be paid out to an account in dollars."""
    made = make_seller(app, "Blue Door Bakery")
    with shifted(-10 * COOLING_OFF):
        made.sells("100.00")
        made.sells("50.00")
    made.release()
    return made
