"""Pages with something to press in a narrow place, on a telephone and at a desk: nothing sticks out, nothing stands in the way of anybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page

from core.accounts.models import UserSession, Vendor
from core.accounts.sessions import hash_secret
from core.customers.queries import find_customer
from core.kernel.clock import shifted
from core.kernel.db import db
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.queries import list_payouts
from tests.core.disputes.cases import case_of
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import Shop, make_link, make_shop, out_of_sight, unit
from tests.portal.admin.people import make_staff
from tests.portal.test_closing_in_a_browser import is_sound

Visit = Callable[..., Page]


@pytest.fixture
def seller(app: Flask) -> Seller:
    """With a payout that came back, a dispute, and a link."""
    made = Seller(make_shop(app, business="Small Pages Bakery", currency="USD", country="DE"))
    with unit(app):
        out_of_sight()
        add_account(made.shop.vendor, "test", currency="USD", holder="Small Pages Ltd", iban=THEIRS, by=made.shop.user.public_id)
    with shifted(-10 * COOLING_OFF):
        made.sells("100.00")
    made.release()
    payout = made.pays_out()
    made.bank_says(payout)
    made.bank_says(payout, back="AC04")
    case_of(made, made.sells("40.00")).tell()
    return made


def looks_at_live(shop: Shop) -> None:
    with unit(shop.app):
        db.session.get_one(Vendor, shop.vendor.id).live_enabled = True
        db.session.get_one(UserSession, hash_secret(shop.secret)).mode = "live"


def test_what_was_added_in_narrow_places_is_whole_and_free_of_barriers(visitor: Visit, seller: Seller, live_server: str) -> None:
    shop = seller.shop
    with unit(shop.app):
        customer = find_customer(shop.vendor, "test", "ada@example.com")
        payout = f"/portal/payouts/{list_payouts(shop.vendor, 'test')[0].public_id}"
    link = make_link(shop, title="Rye", amount="5.00", currency="USD")
    assert customer
    theirs = f"/portal/customers/{customer.public_id}"
    staff = make_staff(shop.app)
    for phone in (True, False):
        page = visitor(phone=phone)
        page.context.add_cookies(
            [
                {"name": "seat", "value": shop.secret, "url": live_server},
                {"name": "staff", "value": staff.secret, "url": live_server},
            ]
        )
        for path in (
            "/portal/", "/portal/settings", "/portal/payouts", payout, theirs, f"{theirs}/why?currency=USD", f"/portal/links/{link.public_id}",
            "/staff/events?show=all", f"/staff/vendors/{shop.vendor.public_id}/release-days",
        ):  # fmt: skip
            page.goto(path)
            is_sound(page)
    looks_at_live(shop)
    for path in ("/portal/keys", "/portal/two-step?next=/portal/keys"):
        page.goto(path)
        is_sound(page)
