"""What checkout's tests begin with: a vendor of their own, and payers who have never been here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from tests.browser import Browser
    from tests.factories import Shop


@pytest.fixture
def shop(app: Flask) -> Shop:
    from tests.factories import make_shop

    return make_shop(app)


@pytest.fixture
def new_path(shop: Shop) -> Callable[..., str]:
    """Makes a link (a fixed £45.00 one unless told otherwise) and gives the path a payer opens."""
    from tests.factories import link_address, make_link

    def made(**terms: Any) -> str:
        return link_address(shop, make_link(shop, **{"amount": "45.00", "title": "An evening at the wheel", **terms}))

    return made


def _at_home(app: Flask) -> Browser:
    """A browser at a network address of its own: what is counted per address does not add up over tests."""
    from tests.browser import Browser

    browser = Browser(app)
    browser.client.environ_base["REMOTE_ADDR"] = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
    return browser


@pytest.fixture
def payer(app: Flask) -> Browser:
    return _at_home(app)


@pytest.fixture
def another_payer(app: Flask) -> Browser:
    """Another device."""
    return _at_home(app)


@pytest.fixture
def euro(app: Flask) -> Shop:
    """A vendor where banks are asked as well as cards."""
    from tests.factories import make_shop

    return make_shop(app, currency="EUR", country="NL")


@pytest.fixture
def sandbox(environment: dict[str, str]) -> str:
    """The address of the processor."""
    return environment["SANDBOX_URL"]
