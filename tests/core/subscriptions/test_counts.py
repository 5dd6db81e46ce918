"""What is published and what the plan counts agree, and what the plan refuses has not happened in the directory either."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.billing.limits import LimitReached
from core.billing.wishes import ChooseTier
from core.directory.branches import BranchTerms, add_branch, archive_branch
from core.directory.models import Listing, Product
from core.directory.products import ProductTerms, add_product, publish_product, unpublish_product
from core.directory.queries import list_branches
from core.kernel.db import db
from core.subscriptions import plan
from core.subscriptions.counts import counted
from tests.core.directory.stalls import EVERY_DAY, make_listing, make_product
from tests.core.subscriptions.plans import Life, publish
from tests.factories import make_shop

NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def start(app: Flask, tier: str = "starter") -> tuple[Life, Listing]:
    life = Life(app, NOVEMBER, tier, shop=make_shop(app, business="Many Loaves"))
    life.answer(NOVEMBER)
    return life, make_listing(life.shop)


def add(life: Life, listing: Listing, on: date, count: int) -> None:
    with life.unit(on), counted(life.shop.vendor, "test", by="usr_test"):
        for n in range(count):
            add_product(listing, by="usr_test", terms=ProductTerms(f"Loaf {n}", "GBP"), publish=True)


def products(life: Life, *, hidden: bool) -> int:
    with life.unit(NOVEMBER):
        mine = select(func.count()).select_from(Product).where(Product.vendor_id == life.shop.vendor.id, Product.hidden == hidden)
        return int(db.session.scalar(mine) or 0)


def test_what_is_published_is_what_the_plan_counts(app: Flask) -> None:
    life, listing = start(app)
    add(life, listing, date(2026, 11, 5), 9)
    assert life.state().products.count == 9 and life.state().episode is None
    add(life, listing, date(2026, 11, 5), 2)
    assert life.state().products.count == 11 and life.state().episode is not None


def test_a_branch_beyond_the_first_is_billed_and_one_put_away_comes_back(app: Flask) -> None:
    life, listing = start(app, "pro")
    with life.unit(date(2026, 11, 11)), counted(life.shop.vendor, "test", by="usr_test"):
        for name in ("Quay", "Harbour", "Hill"):
            add_branch(
                listing,
                by="usr_test",
                terms=BranchTerms(name=name, town="Bristol", country="GB", time_zone="Europe/London", hours=EVERY_DAY),
            )
    assert life.state().branches.count == 2
    life.to(date(2026, 11, 12))
    assert [charge.amount_minor for charge in life.charges()] == [300, 133]
    with life.unit(date(2026, 11, 12)):
        last = list_branches(listing)[-1]
        with counted(life.shop.vendor, "test", by="usr_test"):
            archive_branch(listing, last, by="usr_test")
    assert life.state().branches.count == 1


def test_ec_34_without_a_day_of_grace_one_more_is_refused_and_has_not_happened(app: Flask) -> None:
    life, listing = start(app)
    add(life, listing, date(2026, 11, 5), 11)
    life.to(date(2026, 11, 13), pays="no")  # enforced, and the upgrade is declined: the newest one is hidden
    assert (products(life, hidden=True), products(life, hidden=False)) == (1, 10)
    with pytest.raises(LimitReached), life.unit(date(2026, 11, 13)), counted(life.shop.vendor, "test", by="usr_test"):
        add_product(listing, by="usr_test", terms=ProductTerms("One more", "GBP"), publish=True)
    assert products(life, hidden=True) + products(life, hidden=False) == 11


def test_ec_37_what_was_hidden_comes_back_with_the_upgrade(app: Flask) -> None:
    life, listing = start(app)
    add(life, listing, date(2026, 11, 5), 12)
    life.to(date(2026, 11, 13), pays="no")
    assert products(life, hidden=True) == 2 and life.state().status == "active"
    life.wish(date(2026, 11, 14), ChooseTier("pro"))
    assert life.state().tier == "pro" and products(life, hidden=True) == 0


def test_ec_37_what_was_hidden_comes_back_one_by_one_as_others_are_taken_out(app: Flask) -> None:
    life, listing = start(app)
    add(life, listing, date(2026, 11, 5), 12)
    life.to(date(2026, 11, 13), pays="no")
    for left in (1, 0):
        with life.unit(date(2026, 11, 13)), counted(life.shop.vendor, "test", by="usr_test"):
            oldest = db.session.scalars(
                select(Product).where(Product.vendor_id == life.shop.vendor.id, Product.state == "published").order_by(Product.id).limit(1)
            ).one()
            unpublish_product(listing, oldest, by="usr_test")
        with life.unit(date(2026, 11, 13)):
            mine = select(func.count()).select_from(Product).where(Product.vendor_id == life.shop.vendor.id, Product.state == "published")
            assert db.session.scalar(mine.where(~Product.hidden)) == 10
        assert products(life, hidden=True) == left == life.state().products.hidden


def test_a_draft_does_not_count_until_it_is_published(app: Flask) -> None:
    life, listing = start(app)
    with life.unit(NOVEMBER + timedelta(days=1)), counted(life.shop.vendor, "test", by="usr_test"):
        draft = add_product(listing, by="usr_test", terms=ProductTerms("Draft", "GBP"))
    assert life.state().products.count == 0
    with life.unit(NOVEMBER + timedelta(days=1)), counted(life.shop.vendor, "test", by="usr_test"):
        publish_product(listing, draft, by="usr_test")
    assert life.state().products.count == 1


def test_what_was_published_before_is_counted_when_the_plan_begins(app: Flask) -> None:
    shop = make_shop(app, business="Loaves First")
    make_product(shop, make_listing(shop))
    begun = Life(app, NOVEMBER, shop=shop)
    assert begun.state().products.count == 1
    with begun.unit(NOVEMBER):
        assert plan.counts(shop.vendor, "test") == (1, 0)
