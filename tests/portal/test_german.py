"""The portal in German: no page, no error and no notice of it still speaks English."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.browser import Browser, Page
from tests.factories import (  # fmt: skip
    PASSWORD,
    Shop,
    ask_refund,
    make_colleague,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    tell_refund,
)
from tests.portal.admin.people import make_staff
from tests.portal.german import in_german, left_in_english

TITLE = "Sauerteig zum Mitnehmen"


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app, business="Bäckerei Blau", currency="EUR", country="DE")


@pytest.fixture
def owner(shop: Shop) -> Browser:
    return in_german(shop.browser())


def german(page: Page) -> Page:
    """The page, which must say nothing in English and say that it is German."""
    assert page.all("html")[0].attrs["lang"] == "de", page.address
    left = left_in_english(page)
    assert left == [], f"{page.address}: {left}"
    return page


def test_signing_up_and_in_are_german_and_so_are_their_errors(app: Flask, shop: Shop) -> None:
    stranger = in_german(Browser(app))
    assert "Konto anlegen" in german(stranger.get("/")).text
    page = german(stranger.get("/sign-up"))
    wrong = german(stranger.submit(page.form("/sign-up"), status=422, email="nobody", password="x", business=""))
    assert wrong.error_summary
    german(stranger.submit(page.form("/sign-up"), status=422, email="neu@example.com", password="short", business="Laden", country="DE"))
    page = german(stranger.get("/sign-in"))
    assert page.heading == "Anmelden"
    wrong = german(stranger.submit(page.form("/sign-in"), status=None, email=shop.email, password="falsch"))
    assert wrong.status == 422
    german(stranger.get("/reset-password"))
    inside = german(stranger.submit(page.form("/sign-in"), email=shop.email, password=PASSWORD))
    assert inside.heading == "Übersicht"


def test_the_browser_is_believed_only_until_somebody_chooses(shop: Shop) -> None:
    browser = in_german(shop.browser())
    assert browser.get("/portal/?lang=en").heading == "Home"
    assert browser.get("/portal/payments").heading == "Payments"
    assert browser.get("/portal/payments?lang=de").heading == "Zahlungen"
    assert browser.get("/portal/?lang=fr").all("html")[0].attrs["lang"] != "fr"  # the portal speaks two languages


def test_a_day_of_work_in_german(shop: Shop, owner: Browser) -> None:
    """Home, a link that is refused and then made, a payment, its refund, and what the team hears about it."""
    german(owner.get("/portal/"))
    page = german(owner.get("/portal/links/new"))
    wrong = german(owner.submit(page.form("/portal/links/new"), status=422, title="", amount="viel"))
    assert len(wrong.error_summary) >= 2
    made = german(owner.submit(wrong.form("/portal/links/new"), title=TITLE, amount="12.50"))
    assert made.heading == TITLE
    assert any("bereit" in notice for notice in made.notices)
    payment = make_paid(shop, make_link(shop, title=TITLE))
    page = german(owner.get(f"/portal/payments/{payment.public_id}"))
    refunds = f"/portal/payments/{payment.public_id}/refunds"
    wrong = german(owner.submit(page.form(refunds), status=422, amount="9999"))
    assert wrong.error_summary
    done = german(owner.submit(wrong.form(refunds), amount="5"))
    assert "Erstattung beauftragt" in done.text
    team = german(owner.get("/portal/team"))
    german(owner.submit(team.form("/portal/team/invitations"), email="kollegin@example.com"))


def test_every_page_of_the_portal_is_german(shop: Shop, owner: Browser) -> None:
    """From the home page every link is followed, one of each kind of page."""
    link = make_link(shop, title=TITLE)
    make_declined(shop, link)
    refunded, returned = make_paid(shop, link), make_paid(shop, link)
    tell_refund(shop, ask_refund(shop, refunded, "1.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, returned, "2.00"), "failed", failure_reason="expired_or_canceled_card")
    make_payment(shop, make_link(shop, title=TITLE, amount=None), amount="7.00")
    seen = [german(page) for page in every_kind_of_page(shop.app, owner, "/portal/", "/portal")]
    assert len(seen) > 45, sorted(page.address for page in seen)


def test_every_page_of_the_staff_is_german(app: Flask, shop: Shop) -> None:
    make_paid(shop, make_link(shop, title=TITLE))
    german(in_german(Browser(app)).get("/staff/sign-in"))
    staff = in_german(make_staff(app).browser())
    vendor = german(staff.get(f"/staff/vendors/{shop.vendor.public_id}"))
    looked = german(staff.submit(vendor.form(), reason="Der Inhaber rief an"))
    opened = (page for begin in ("/staff/", looked.address) for page in every_kind_of_page(app, staff, begin, "/staff"))
    seen = [german(page) for page in opened if not page.address.endswith("/pack")]  # evidence is for a card's bank: that is in English
    assert len(seen) > 10, sorted(page.address for page in seen)


def test_who_may_not_is_told_so_in_german(shop: Shop) -> None:
    support = in_german(make_colleague(shop, "support").browser())
    page = german(support.get("/portal/settings/receipts", status=None))
    assert german(support.get("/portal/links/new", status=403)).heading == "Das dürfen Sie nicht"
    assert page.status in (200, 403)
    german(support.get("/portal/payments/pay_0000000000000000000000", status=404))


def every_kind_of_page(app: Flask, browser: Browser, begin: str, within: str) -> Iterator[Page]:
    """Follows links from one page to the next, and opens each kind of page once."""
    to_open, known = [begin], set()
    adapter = app.url_map.bind("localhost")
    while to_open:
        address = urlsplit(to_open.pop(0))
        path = f"{address.path}?{address.query}" if address.query else address.path
        kind = (adapter.match(address.path)[0], address.query.partition("=")[0], address.path.count("/"))
        kind = (*kind, address.path if address.path.startswith("/portal/settings") else "")
        if kind in known:
            continue
        known.add(kind)
        response = browser.client.get(path)
        if response.mimetype != "text/html" or response.status_code != 200:
            continue
        page = browser.get(path)
        yield page
        to_open += [link for link in page.links() if urlsplit(link).path.startswith(within)]
