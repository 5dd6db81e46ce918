"""What one more costs stands where it is added, and a hidden listing says why it is hidden."""

from __future__ import annotations

from datetime import date

from flask import Flask

from core.accounts.house import HOUSE
from core.billing import store
from core.billing.models import KeptSubscription
from core.directory.standing import set_visible
from core.kernel.db import db
from core.subscriptions.coming import coming_charge
from core.subscriptions.counts import counted
from core.subscriptions.follow import follow
from tests.core.directory.stalls import make_branch, make_listing, make_product
from tests.factories import make_shop, unit
from tests.portal.plan_pages import DAY, life_of, looking

ON = date(2026, 11, 11)


def test_another_branch_says_what_it_costs_for_the_rest_of_the_period(app: Flask) -> None:
    life = life_of(app)
    listing = make_listing(life.shop)
    with looking(life.shop, ON) as browser:
        assert "first branch is included" in browser.get(f"/portal/listings/{listing.public_id}/branches/new").text
        make_branch(life.shop, listing)
        text = browser.get(f"/portal/listings/{listing.public_id}/branches/new").text
        assert "£1.00 a month" in text and "£0.67" in text


def test_the_product_beyond_the_limit_says_what_follows(app: Flask) -> None:
    life = life_of(app)
    listing = make_listing(life.shop)
    with looking(life.shop, ON) as browser:
        with unit(app), counted(life.shop.vendor, "test", by=life.shop.user.public_id):
            pass
        assert "published product 11" not in browser.get(f"/portal/listings/{listing.public_id}/products").text
        for _ in range(10):
            make_product(life.shop, listing)
        with unit(app), counted(life.shop.vendor, "test", by=life.shop.user.public_id):
            pass
        text = browser.get(f"/portal/listings/{listing.public_id}/products").text
        assert "published product 11" in text and "Pro" in text


def test_a_hidden_listing_says_why_and_where(app: Flask) -> None:
    shop = make_shop(app)
    listing = make_listing(shop)
    with unit(app):
        set_visible(shop.vendor, "test", visible=False, reason="no_plan", by="system")
    with looking(shop, DAY) as browser:
        for path in ("/portal/listings", f"/portal/listings/{listing.public_id}"):
            page = browser.get(path)
            assert "there is no plan yet" in page.text and "/portal/plan" in page.html
        assert "Choose a plan" in browser.get("/portal/").text


def test_a_renewal_that_begins_while_the_page_is_read_was_not_declined(app: Flask) -> None:
    """The page read the plan of before midnight and the draft of after it: a known document alone is no decline."""
    life, day = life_of(app), date(2026, 12, 1)
    life.to(date(2026, 11, 30))
    with life.unit(date(2026, 11, 30)):
        before = db.session.get_one(KeptSubscription, (HOUSE, "test", life.row.id))
        db.session.expunge(before)
    with life.unit(day, 1):
        store.catch_up(life.row)
        follow(life.row)
    with life.unit(date(2026, 11, 30), 23):
        coming = coming_charge(before)
        assert coming and coming.charge.on == day and not coming.again
    life.answer(day, "no")
    with looking(life.shop, day, 20) as browser:
        assert "It was declined before and is tried again." in browser.get("/portal/plan").text
