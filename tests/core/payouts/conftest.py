"""Sellers with money to be paid out, and a bank that tells what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.payouts.accounts import add_account
from tests.core.payments.conftest import at_once, first_shop, shop
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import Shop, unit

__all__ = ["at_once", "first_shop", "shop"]


@pytest.fixture
def seller(shop: Shop) -> Iterator[Seller]:
    """A seller with USD 97.50 available and an account in dollars, some days from now."""
    with unit(shop.app):
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by=shop.user.public_id)
    made = Seller(shop)
    made.sells("100.00")
    with shifted(timedelta(days=30)):
        made.release()
        yield made
