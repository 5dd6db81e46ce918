"""Fixtures of the portal's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.web.throttle import limiter
from tests.browser import Browser
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
