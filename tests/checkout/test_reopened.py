"""A payment's page that is looked at again and again: its rows are kept, and never older than those in the tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checkout import familiar
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id
from core.methods.rules import switch_method
from core.payments.start import payment_token
from tests.browser import Browser, Page
from tests.factories import again, make_link, make_payment, open_payment, tell, unit

USUAL = familiar.ONCE_PAID + 1  # the last of them is read for keeping


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time the rows were read."""
    seen: list[str] = []
    open_till = familiar.open_till
    monkeypatch.setattr(familiar, "open_till", lambda token, **how: seen.append(token) or open_till(token, **how))
    return seen


def test_what_changed_is_read_anew(shop: Any, read: list[str]) -> None:
    link = make_link(shop)
    payment = make_payment(shop, link)
    address = f"/checkout/{payment_token(shop.vendor, payment)}"
    for _ in range(USUAL + 3):
        assert Browser(shop.app).get(address).heading == "Pay by card"
    assert len(read) == USUAL
    with unit(shop.app):
        db.session.get(Vendor, shop.vendor.id).name = "Green Door Bakery"
    assert "Green Door Bakery" in Browser(shop.app).get(address).text and len(read) == USUAL + 1
    with unit(shop.app):
        again(link).accent, again(link).accent_dark = "#5b2a86", "#c9a6e8"
    assert "#5b2a86" in Browser(shop.app).get(address).html and len(read) == USUAL + 2
    with unit(shop.app):
        switch_method(shop.vendor, "test", "bank_transfer", on=True, by="usr_test")
    assert "Bank transfer" in Browser(shop.app).get(address).text and len(read) == USUAL + 3
    attempt = open_payment(shop, payment)
    assert "Continue" in Browser(shop.app).get(address).text and len(read) == USUAL + 4
    tell(shop, payment, attempt, "succeeded", charge=f"ch_{payment.public_id}", captured=payment.amount)
    assert Browser(shop.app).get(address).heading == "Paid" and len(read) == USUAL + 5
    for _ in range(2):
        assert Browser(shop.app).get(address).heading == "Paid"
    assert len(read) == USUAL + 5


def test_a_kept_payment_runs_out_by_the_clock_and_goes_with_its_address(shop: Any) -> None:
    payment = make_payment(shop)
    address = f"/checkout/{payment_token(shop.vendor, payment)}"
    for _ in range(USUAL + 1):
        assert _seconds_left(Browser(shop.app).get(address)) > 3500
    with unit(shop.app):
        again(payment).expires_at = now() + timedelta(minutes=3)
    assert 100 < _seconds_left(Browser(shop.app).get(address)) <= 180
    with unit(shop.app):
        again(payment).token_id = public_id("tok")
    Browser(shop.app).get(address, status=404)


def _seconds_left(page: Page) -> int:
    return int(page.all("p", id="closing")[0].attrs["data-seconds-left"])


def test_who_waits_reads_the_truth_at_once(shop: Any, read: list[str]) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "unknown")
    address = f"/checkout/{payment_token(shop.vendor, payment)}"
    payer = Browser(shop.app)
    for _ in range(USUAL + 3):
        assert "Checking with your bank" in payer.part(f"{address}/state").text
    assert len(read) == USUAL
    tell(shop, payment, attempt, "succeeded", charge=f"ch_{payment.public_id}", captured=payment.amount)
    assert payer.get(f"{address}/state").heading == "Paid"


def test_what_is_kept_belongs_to_nobody(shop: Any) -> None:
    """Two payers of one link, looked at by turns: each reads their own."""
    link = make_link(shop)
    payments = [make_payment(shop, link, email=f"{name}@example.com") for name in ("zebedee", "wilhelmina")]
    for _ in range(USUAL + 2):
        for payment in payments:
            page = Browser(shop.app).get(f"/checkout/{payment_token(shop.vendor, payment)}")
            assert [one.reference in page.html for one in payments] == [one is payment for one in payments]
