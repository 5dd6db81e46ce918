"""A rule has the payer's bank ask: the payer meets it on the way, pays once it is answered, and reads nothing of any rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from core.payments.lists import list_payments
from core.payments.queries import list_attempts
from core.payments.review import list_reviews
from core.providers.registry import provider_named
from core.risk.rules import Condition, Rule
from tests.factories import fresh, make_link, make_payment
from tests.ruled import ruled
from tests.sandbox.running import pay, post_form

if TYPE_CHECKING:
    from tests.browser import Browser
    from tests.factories import Shop

ASK = Rule("Ask the bank", (Condition("amount", currency="GBP", minor=4_000),), "authenticate")


@pytest.fixture(autouse=True)
def no_rules(shop: Shop) -> Iterator[None]:
    with ruled(shop.app):
        yield


def to_card_page(payer: Browser, path: str) -> str:
    """As a browser without scripts goes: the address of the processor's page."""
    page = payer.submit(payer.get(path).form(), email="ada@example.com")
    sent = payer.submit(page.form(f"{page.address}/attempts"), status=303, follow=False)
    return str(sent.response.headers["Location"])


def test_an_ordinary_card_is_asked_by_its_bank_and_pays_once_its_payer_has_approved(
    shop: Shop, payer: Browser, new_path: Callable[..., str], sandbox: str, work: Callable[[], int]
) -> None:
    with ruled(shop.app, ASK):
        _, onward, _ = pay(to_card_page(payer, new_path()))
        assert onward and "/3ds/" in onward
        with shop.app.app_context():
            payment = list_payments(shop.vendor, "test").rows[0]
        work()
        assert fresh(shop, payment).captured_minor == 0
        _, back, _ = post_form(onward if onward.startswith("http") else sandbox + onward, answer="approve")
        shown = payer.get("/" + str(back).split("/", 3)[3])
        work()
        paid = fresh(shop, payment)
        assert (paid.state, paid.captured_minor) == ("succeeded", 4_500)
        assert "Ask the bank" not in shown.text
        with shop.app.app_context():
            [row] = list_reviews(shop.vendor, payment)
        assert (row.action, row.state, row.held, row.reasons) == ("authenticate", "passed", False, [{"rule": "Ask the bank"}])


def test_a_smaller_payment_is_not_asked(shop: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    with ruled(shop.app, ASK):
        _, onward, _ = pay(to_card_page(payer, new_path(amount="39.00")))
        assert onward and "/3ds/" not in onward


def test_a_check_that_fails_takes_nothing_and_another_try_is_asked_again(
    shop: Shop, payer: Browser, new_path: Callable[..., str], sandbox: str, work: Callable[[], int]
) -> None:
    with ruled(shop.app, ASK):
        _, onward, _ = pay(to_card_page(payer, new_path()))
        _, again, _ = post_form(sandbox + onward if onward and onward.startswith("/") else str(onward), answer="fail")
        _, second, _ = pay(sandbox + str(again))
        assert second and "/3ds/" in second
        work()
        with shop.app.app_context():
            assert list_payments(shop.vendor, "test").rows[0].captured_minor == 0


def test_in_the_fields_of_our_page_the_wish_goes_along(shop: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    with ruled(shop.app, ASK):
        page = payer.submit(payer.get(new_path()).form(), email="ada@example.com")
        form = page.form(f"{page.address}/attempts")
        payer.client.post(form.action, data={**form.values, "surface": "fields", "method": "card"})
        with shop.app.app_context():
            payment = list_payments(shop.vendor, "test").rows[0]
            [attempt] = list_attempts(shop.vendor, payment)
            assert attempt.screened and attempt.provider_reference
        with shop.app.app_context():
            provider: Any = provider_named("sandbox", "test")
            assert provider.try_published_card(attempt.provider_reference, "pm_card_visa", "http://shop.test/r"), "the bank's page"


def test_who_pays_by_transfer_is_asked_nothing(shop: Shop) -> None:
    from core.payments.weigh import weigh_try

    with ruled(shop.app, ASK), shop.app.app_context():
        weighed = weigh_try(shop.vendor, make_payment(shop, make_link(shop, amount="45.00")), "bank_redirect", address="")
        assert weighed is not None and weighed.secure and not weighed.hold and not weighed.refused
