"""A seller with a released payment, one whose payment still waits, and one who owes money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.payments.models import Payment
from core.payouts.accounts import add_account
from tests.core.disputes.cases import case_of
from tests.core.payments.conftest import at_once, first_shop, shop
from tests.core.payments.transfers import TestBank
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import Shop, fresh, unit

__all__ = ["at_once", "first_shop", "shop"]


@pytest.fixture
def seller(shop: Shop) -> Seller:
    """In dollars; of each payment the platform keeps 2.5 %."""
    with unit(shop.app):
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by=shop.user.public_id)
    return Seller(shop)


@pytest.fixture
def waiting(seller: Seller) -> Payment:
    """USD 100.00, of which 97.50 is pending."""
    return seller.sells("100.00")


@pytest.fixture
def released(seller: Seller) -> Iterator[Payment]:
    """USD 100.00, of which 97.50 is available, some days from now."""
    payment = seller.sells("100.00")
    with shifted(timedelta(days=30)):
        seller.release()
        yield fresh(seller.shop, payment)


@pytest.fixture
def debtor(seller: Seller, released: Payment) -> Seller:
    """Owes USD 97.50: paid out, disputed and lost."""
    seller.bank_says(seller.pays_out())
    case = case_of(seller, released)
    case.tell()
    case.now("lost").tell()
    return seller


@pytest.fixture
def bank(debtor: Seller) -> TestBank:
    return TestBank(debtor.shop)
