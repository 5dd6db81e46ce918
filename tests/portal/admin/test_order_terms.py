"""The staff's pages of what the platform keeps of orders: tried before it is published, published once, and kept by whoever began before it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.house import HOUSE
from core.kernel.audit import AuditEntry
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.orders.terms import list_terms, terms_now
from tests.browser import Browser, Page
from tests.core.orders.market import Market
from tests.core.payments.conftest import another_shop, first_shop
from tests.factories import Shop, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html

AHEAD = timedelta(days=4000)  # fees of today are other tests' fees too
__all__ = ["first_shop"]


@pytest.fixture
def staff(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def look(staff: Browser, *, status: int = 200, more: str = "look", **fields: str) -> Page:
    form = staff.get("/staff/order-terms/new?mode=test").form()
    empty = {name: "" for name in form.values if name.startswith("rate_")}  # it begins as the latest version, which is another test's
    begins = (now() + AHEAD).strftime("%Y-%m-%dT%H:%M")
    return staff.submit(form, status=status, **{**empty, "begins_at": begins, "go": more, **fields})


def test_before_anything_is_published_each_sellers_own_percentage_counts(staff: Browser) -> None:
    page = staff.get("/staff/order-terms")
    assert page.heading == "Fees of orders" and "Each seller’s own percentage (usually 1.5%)" in page.text
    assert problems_of_html(page.html) == []
    assert "Fees of orders" in staff.get("/staff/checkouts").text


def test_fees_are_tried_on_an_order_and_count_from_their_moment_on(app: Flask, staff: Browser, first_shop: Shop) -> None:
    market = Market([another_shop(first_shop) for _ in range(2)])
    before = market.open(10_000)
    preview = look(
        staff, rate_0_bps="10", rate_1_bps="5", rate_1_category="books", rate_0_fixed="GBP 0.30", bearer="seller", least_days="2",
        example_amount="200", example_category="books",
    )  # fmt: skip
    # 5 % of 200.00 and the fixed part of every order
    assert "£10.30" in preview.text and "£189.70" in preview.text, preview.text
    with shifted(AHEAD - timedelta(hours=1)), unit(app):  # another test's fees may have begun by then
        until_then = terms_now("test")
    assert f"£{200 - 2 * until_then.bps('', 'books', 150) / 100 - until_then.fixed('', 'GBP') / 100:.2f}" in preview.text, preview.text
    assert "Before the fees are published" in preview.text and problems_of_html(preview.html) == []
    done = staff.submit(preview.form("/staff/order-terms"))
    assert "Published as version" in done.text and "“books” of all sellers" in done.text and "The seller" in done.text
    assert staff.submit(preview.form("/staff/order-terms")).heading == done.heading, "sent twice it is published once"
    assert "to come" in done.text
    with shifted(AHEAD + timedelta(hours=1)), unit(app):
        terms = terms_now("test")
        assert (terms.bps("", "books", 99), terms.fixed("", "GBP"), terms.seller_bears, terms.least_days) == (500, 30, True, 2)
    with shifted(AHEAD + timedelta(hours=1)):
        after = market.open(10_000)
        assert (after.order(1).fee_minor, after.order(1).seller_bears, after.order(1).least_days) == (1030, True, 2)
    assert (before.order(1).fee_minor, before.order(1).seller_bears) == (250, False)
    with unit(app):
        newest = list_terms("test")[0]
        told = db.session.query(AuditEntry).filter_by(vendor_id=HOUSE, action="order_terms.published", subject=f"test {newest.version}")
        assert told.count() == 1 and f"Version {newest.version}" in done.heading


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rate_0_bps": "51"}, "50"),
        ({"rate_0_tier": "pro"}, "Enter a percentage"),
        ({"rate_0_bps": "1", "rate_1_bps": "2"}, "There is a rate for this tier and category already."),
        ({"rate_0_bps": "1", "rate_0_category": "Books!"}, "A category is written with"),
        ({"rate_0_bps": "1", "rate_0_category": "books", "rate_0_fixed": "GBP 1"}, "belongs to no category"),
        ({"rate_0_bps": "1", "rate_0_fixed": "GBP"}, "Write one sum a line"),
        ({"begins_at": "2020-01-01T10:00"}, "cannot begin in the past"),
        ({"waiting_days": "5", "least_days": "6"}, "Money waits at least between"),
        ({"example_amount": ""}, "Enter an amount to try the fees on."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_typed_is_lost(staff: Browser, fields: dict[str, str], words: str) -> None:
    page = look(staff, status=422, **fields)
    assert any(words in error for error in page.error_summary), page.error_summary
    assert all(page.form("/staff/order-terms/new").values[name] == value for name, value in fields.items() if value)


def test_somebody_elses_version_between_is_told(app: Flask, staff: Browser) -> None:
    mine = look(staff, rate_0_bps="7")
    other = make_staff(app, "finance").browser()
    other.submit(look(other, rate_0_bps="8").form("/staff/order-terms"))
    page = staff.submit(mine.form("/staff/order-terms"), status=409)
    assert any("was published meanwhile" in error for error in page.error_summary)


def test_a_reviewer_reads_and_does_not_publish(app: Flask) -> None:
    reviewer = make_staff(app, "reviewer").browser()
    assert "New version" not in reviewer.get("/staff/order-terms").text
    assert reviewer.get("/staff/order-terms/new", status=403).status == 403
    assert reviewer.get("/staff/order-terms/test/99999", status=404).status == 404
