"""Saying that something is wrong with a listing: by anybody, without an account; the staff read it, and the business does not."""

from __future__ import annotations

import pytest
from flask import Flask

from core.directory.index import address_of
from core.directory.models import Listing, ListingReport
from core.kernel.db import db
from core.web.throttle import limiter
from tests.browser import Browser
from tests.core.directory.stalls import live_shop, make_listing, unheard
from tests.factories import Shop, again, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def path_of(shop: Shop, listing: Listing) -> str:
    with unit(shop.app):
        return f"/directory/report/{address_of(again(listing))}"


def reports(shop: Shop) -> list[tuple[str, str, str]]:
    with unit(shop.app):
        mine = db.session.query(ListingReport).filter_by(vendor_id=shop.vendor.id).order_by(ListingReport.id)
        return [(row.kind, row.words, row.outcome) for row in mine]


def test_a_listing_is_reported_read_and_closed(shop: Shop, stranger: Browser) -> None:
    title = unheard()
    listing = make_listing(shop, title=title)
    path = path_of(shop, listing)
    public = stranger.get(path.replace("/report", ""))
    assert path in [e.attrs["href"] for e in public.all("a")]
    done = stranger.submit(stranger.get(path).form(), kind="misleading", words="It is a garage.")
    assert done.heading == "Thank you" and reports(shop) == [("misleading", "It is a garage.", "")]
    staff = make_staff(shop.app, "reviewer").browser()
    assert title in staff.get("/staff/listings/reports").text
    page = staff.get(f"/staff/listings/{listing.public_id}")
    assert "It is a garage." in page.text and problems_of_html(page.html) == []
    assert "garage" not in shop.browser().get(f"/portal/listings/{listing.public_id}").text
    staff.submit(page.form(f"/staff/listings/{listing.public_id}/reports"))
    assert reports(shop) == [("misleading", "It is a garage.", "kept")] and title not in staff.get("/staff/listings/reports").text


def test_taking_a_listing_out_closes_its_reports(shop: Shop, stranger: Browser) -> None:
    listing = make_listing(shop)
    stranger.submit(stranger.get(path_of(shop, listing)).form(), kind="spam")
    staff = make_staff(shop.app, "reviewer").browser()
    path = f"/staff/listings/{listing.public_id}"
    page = staff.submit(staff.get(path).form(f"{path}/withdrawal"), reason="This is advertising and no business.", strike="y")
    assert reports(shop) == [("spam", "", "acted")] and "1 strike stands against this vendor." in page.text
    forgive = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/forgiveness"))
    assert "strike stands" not in staff.submit(page.form(forgive)).text


@pytest.mark.parametrize(
    ("sent", "words"), [({}, ""), ({"kind": "other"}, "Say in a few words"), ({"kind": "spam", "words": "x" * 501}, "")]
)
def test_what_says_nothing_is_refused_and_nothing_typed_is_lost(shop: Shop, stranger: Browser, sent: dict[str, str], words: str) -> None:
    page = stranger.submit(stranger.get(path_of(shop, make_listing(shop))).form(), status=422, **sent)
    assert page.errors and any(words in error for error in page.errors) and reports(shop) == []
    assert sent.get("words", "") in page.html and problems_of_html(page.html) == []


def test_what_is_not_shown_cannot_be_reported(shop: Shop, stranger: Browser) -> None:
    draft = make_listing(shop, publish=False)
    stranger.get(path_of(shop, draft), status=404)
    stranger.get(f"{path_of(shop, draft)}/thanks", status=404)
    stranger.get("/directory/report/nobody-here-23456789ab", status=404)


def test_one_address_does_not_report_without_end(shop: Shop, stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    form = stranger.get(path_of(shop, make_listing(shop))).form()
    monkeypatch.setattr(limiter, "enabled", True)
    answers = {stranger.submit(form, status=None, follow=False, kind="spam").status for _ in range(12)}
    assert answers == {303, 429} and len(reports(shop)) == 10
