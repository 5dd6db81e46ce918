"""What checkout's tests begin with: a vendor with a link, and a payer with a browser that has no scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.checkout.people import Payer, Shop

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A vendor nobody else has."""
    return Shop.open(app)


@pytest.fixture
def payer(app: Flask) -> Payer:
    return Payer(app.test_client())


@pytest.fixture
def other_payer(app: Flask) -> Payer:
    """Another device."""
    return Payer(app.test_client())
