"""Whose account it is: real money goes to an account in another name only after a person has looked, and then again without."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask

from core.accounts.models import Vendor
from core.admission.apply import find_last, send_application
from core.admission.decide import approve
from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.ledger.book import BANK, SELLER_AVAILABLE
from core.ledger.post import Journal, Leg, post
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.approve import approve_payout
from core.payouts.models import Payout
from core.payouts.names import fits, known_names
from core.payouts.request import request_payout
from tests.core.admission.test_applications import FACTS
from tests.core.payouts.sellers import OTHER, THEIRS
from tests.factories import Shop, make_shop, unit
from tests.portal.admin.people import make_staff
from tests.portal.test_live_second_step import looks_at_live
from tests.second_step import set_up
from tests.valid_html import problems_of_html

OURS = "DE02120300000000202051"


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        ("Blue Door Bakery Limited", "Blue Door Bakery Ltd"), ("BLUE DOOR BAKERY", "Blue Door Bakery Ltd."), ("Baeckerei Muller GmbH & Co. KG", "Baeckerei Müller"),
        ("Bell, Ada", "Ada Bell"), ("Kovács és Társa Kft.", "Kovacs es Tarsa"), ("Société des Fromages S.A.", "Societe des Fromages"), ("AG", "ag"),
    ],
)  # fmt: skip
def test_a_name_is_the_same_however_it_is_written(holder: str, name: str) -> None:
    assert fits(holder, ["Somebody Else", name])


@pytest.mark.parametrize(
    ("holder", "name"),
    [("Blue Door Holdings Ltd", "Blue Door Bakery Ltd"), ("Ada", "Ada Bell"), ("M. Thief", "Blue Door Bakery"), ("Ltd", "Blue Door Ltd"), ("Blue", ""), ("?", "?")],
)  # fmt: skip
def test_another_name_is_another(holder: str, name: str) -> None:
    assert not fits(holder, [name])


@pytest.fixture
def live(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The platform has an account for real money."""
    monkeypatch.setenv("BANK_LIVE_ACCOUNTS", json.dumps([{"currency": "EUR", "iban": OURS, "holder": "Portal"}]))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def shop(app: Flask, live: None) -> Shop:
    return make_shop(app, business="Blue Door Bakery", currency="EUR", country="DE")


def earns(vendor: Vendor, minor: int) -> None:
    sum_ = Money(minor, "EUR")
    legs = (Leg(BANK, sum_, OURS), Leg(SELLER_AVAILABLE, -sum_))
    post([Journal(vendor.id, "live", f"earned:{public_id('x')}", "release", public_id("pay"), now(), legs)])


def names(shop: Shop, holder: str, iban: str = THEIRS) -> None:
    with unit(shop.app):
        add_account(shop.vendor, "live", currency="EUR", holder=holder, iban=iban, by=shop.user.public_id)


def asks(shop: Shop) -> Payout:
    with shifted(2 * COOLING_OFF), unit(shop.app):
        earns(shop.vendor, 5_000)
        return request_payout(shop.vendor, "live", "EUR", by=shop.user.public_id, form_token=public_id("frm"))


def test_to_ones_own_account_it_leaves_by_itself(shop: Shop) -> None:
    names(shop, "Blue Door Bakery GmbH")
    assert (asks(shop).why_held, asks(shop).state) == ("", "submitted")


def test_to_another_name_a_person_looks_once_and_for_each_account_anew(app: Flask, shop: Shop) -> None:
    names(shop, "M. Thief")
    set_up(app, shop.user)
    looks_at_live(shop)
    owner = shop.browser()
    assert "the first payout to it leaves once a person of the platform has checked" in owner.get("/portal/payouts").text
    held = asks(shop)
    assert (held.state, held.why_held) == ("requested", "other_name")
    assert "in another name than your business" in owner.get(f"/portal/payouts/{held.public_id}").text
    assert asks(shop).why_held == "other_name", "nobody has looked yet"
    desk = make_staff(app, "finance").browser()
    page = desk.get(f"/staff/payouts/{held.public_id}")
    assert "in another name than this business is known by: Blue Door Bakery" in page.text and not problems_of_html(page.html)
    assert "in another name" in desk.get("/staff/payouts").text
    with shifted(2 * COOLING_OFF), unit(app):
        approve_payout(shop.vendor, db.session.get_one(Payout, (shop.vendor.id, "live", held.id)), by="stf_two")
    assert asks(shop).state == "submitted"
    names(shop, "M. Thief", OTHER)
    with shifted(2 * COOLING_OFF):
        assert asks(shop).why_held == "other_name"


def test_of_a_business_that_was_let_in_the_names_that_were_looked_at_count(app: Flask, shop: Shop) -> None:
    with unit(app):
        send_application(shop.vendor, FACTS, by=shop.user.public_id)
    with unit(app):
        assert known_names(shop.vendor) == ["Blue Door Bakery", ""], "nobody has looked at them yet"
        row = find_last(shop.vendor)
        assert row
        approve(shop.vendor, row, by="stf_one", seen=row.sent_at)
    with unit(app):
        db.session.get_one(Vendor, shop.vendor.id).name = "M. Thief"  # which an owner can write at any time
    names(shop, "M. Thief")
    assert asks(shop).why_held == "other_name"
    names(shop, "Ada Bell", OTHER)
    with shifted(2 * COOLING_OFF):
        assert asks(shop).state == "submitted"


def test_of_practice_money_nobody_looks(app: Flask, shop: Shop) -> None:
    with unit(app):
        account = add_account(shop.vendor, "test", currency="USD", holder="M. Thief", iban=THEIRS, by=shop.user.public_id)
        earn = Money(5_000, "USD")
        legs = (Leg(BANK, earn, OURS), Leg(SELLER_AVAILABLE, -earn))
        post([Journal(shop.vendor.id, "test", f"earned:{account.public_id}", "release", public_id("pay"), now(), legs)])
        assert request_payout(shop.vendor, "test", "USD", by=shop.user.public_id, form_token="one").state == "submitted"
