"""Home says when the next payout is and how much there is for it so far, or why there is none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import frozen, now, shifted
from core.kernel.money import Money
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.terms import change_terms
from tests.browser import Browser
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import make_colleague, make_shop, out_of_sight, unit

OTHER = "DE02120300000000202051"


@pytest.fixture
def seller(app: Flask) -> Seller:
    """At home in dollars, in which the platform pays out."""
    with unit(app):
        out_of_sight()
    return Seller(make_shop(app, business="Next Payout Bakery", currency="USD", country="DE"))


def enters(seller: Seller, iban: str = THEIRS) -> None:
    with unit(seller.shop.app):
        add_account(seller.shop.vendor, "test", currency="USD", holder="Next Ltd", iban=iban, by=seller.shop.user.public_id)


def told(browser: Browser) -> str:
    (stat,) = [e.text for e in browser.get("/portal/").all("div") if e.attrs.get("class") == "stat" and e.text.startswith("Next payout")]
    return stat


def test_from_no_account_to_a_day_with_a_sum(seller: Seller) -> None:
    owner = seller.shop.browser()
    assert told(owner) == "Next payout USD 0.00 None before a bank account is entered."
    enters(seller)
    assert told(owner) == "Next payout USD 0.00 When you ask for it, from USD 1.00 on."
    with unit(seller.shop.app):
        set_to = change_terms(seller.shop.vendor, "test", schedule="weekly", day=1, minimum=Money(5000, "USD"), by="usr_x")
    assert set_to.next_on is not None
    assert told(owner).startswith("Next payout USD 0.00 On ") and told(owner).endswith("if that makes at least USD 50.00.")
    with shifted(-10 * COOLING_OFF):
        seller.sells("100.00")
    seller.release()
    assert "USD 98.50" in told(owner) and told(owner).endswith("with what becomes available until then.")


def test_a_new_account_is_said_to_be_waited_for(seller: Seller) -> None:
    enters(seller)
    with frozen(now() + timedelta(minutes=1)):
        enters(seller, OTHER)
        assert "the bank account is new" in told(seller.shop.browser())


def test_where_nothing_is_paid_out_home_says_so_and_who_may_not_see_the_balance_reads_nothing(app: Flask) -> None:
    shop = make_shop(app, currency="SEK", country="SE")
    assert told(shop.browser()) == "Next payout – Nothing is paid out in SEK."
    assert "Next payout" not in make_colleague(shop, "support").browser().get("/portal/").text
