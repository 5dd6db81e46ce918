"""The page of large payments: an amount for each currency, who may set it, and where a payment's trail says why it was told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.kernel.db import db
from core.payments.large import list_thresholds
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_link, make_paid

PAGE = "/portal/settings/large-payments"


def kept(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        db.session.expire_all()
        return {row.currency: row.least_minor for row in list_thresholds(shop.vendor, "test")}


def test_an_amount_is_set_replaced_and_taken_away_and_the_log_says_so(shop: Shop, owner: Browser) -> None:
    page = owner.get(PAGE)
    assert "No amount is set" in page.text
    owner.submit(page.form(PAGE), currency="GBP", least="1000")
    owner.submit(owner.get(PAGE).form(PAGE), currency="GBP", least="250")
    page = owner.submit(owner.get(PAGE).form(PAGE), currency="JPY", least="90000")
    assert kept(shop) == {"GBP": 25_000, "JPY": 90_000} and "£250.00" in page.text
    owner.submit(page.form(f"{PAGE}/GBP/drop"))
    assert kept(shop) == {"JPY": 90_000}
    assert "Set from which sum on a payment is told as large" in owner.get("/portal/settings/audit-log").text


@pytest.mark.parametrize("least", ["", "0", "-5", "many"])
def test_an_amount_that_is_none_is_refused_at_its_field(shop: Shop, owner: Browser, least: str) -> None:
    refused = owner.submit(owner.get(PAGE).form(PAGE), status=422, currency="GBP", least=least)
    assert refused.error_summary and kept(shop) == {}


def test_whoever_may_not_change_settings_reads_it_without_a_form(shop: Shop, owner: Browser) -> None:
    owner.submit(owner.get(PAGE).form(PAGE), currency="GBP", least="10")
    page = make_colleague(shop, "support").browser().get(PAGE)
    assert "£10.00" in page.text and "Set the amount" not in page.text


def test_the_payments_trail_and_the_notices_say_why(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    owner.submit(owner.get(PAGE).form(PAGE), currency="GBP", least="20")
    payment = make_paid(shop, make_link(shop, amount="25.00"))
    work()
    page = owner.get(f"/portal/payments/{payment.public_id}")
    assert "Larger than usual" in page.text and "The business is told from £20.00 on" in page.text
    assert "A payment is larger than usual" in owner.get("/portal/notices?kind=large_payment").text
