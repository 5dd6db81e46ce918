"""A vendor that issues invoices, and the act that a worker does for a payment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from core.accounts.house import write_details
from core.invoices.issue import bring_up_to_date
from core.invoices.models import SaleDocument
from core.invoices.queries import documents_of
from core.invoices.switch import switch_invoices
from core.payments.models import Payment
from tests.core.payments.conftest import another_shop, at_once, first_shop
from tests.factories import Shop, again, unit

__all__ = ["at_once", "first_shop"]
Issue = Callable[[Payment], list[SaleDocument]]


def with_details(shop: Shop) -> Shop:
    with unit(shop.app):
        write_details(
            shop.vendor.id,
            legal_name="Blue Door Bakery Ltd",
            street="7 Mill Lane",
            postcode="BS1 4ND",
            city="Bristol",
            vat_id="GB123456789",
        )
    return shop


@pytest.fixture
def shop(app: Flask, first_shop: Shop) -> Shop:
    """A vendor that issues invoices, with series of its own."""
    made = with_details(another_shop(first_shop))
    with unit(app):
        switch_invoices(made.vendor, "test", on=True, by="usr_owner")
    return made


@pytest.fixture
def issue(shop: Shop) -> Issue:
    """What a worker does after something has happened to a payment; answers everything that is issued for it."""

    def issue(payment: Payment) -> list[SaleDocument]:
        with unit(shop.app):
            bring_up_to_date(shop.vendor, again(payment))
        with shop.app.app_context():
            return documents_of(shop.vendor, payment)

    return issue
