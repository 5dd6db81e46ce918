"""What the tests of orders begin with: a market of three sellers, and several people doing something at the same moment."""

from __future__ import annotations

import pytest

from tests.core.orders.market import Market
from tests.core.payments.conftest import another_shop, at_once, first_shop
from tests.factories import Shop

__all__ = ["at_once", "first_shop"]


@pytest.fixture
def market(first_shop: Shop) -> Market:
    """A business that sells for two others and for itself; every book is new."""
    return Market([another_shop(first_shop) for _ in range(3)])
