"""A link in a letter leads to what it is about, whether that is practice or real money, and whichever of the two somebody looked at before."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.models import UserSession, Vendor
from core.accounts.queries import list_memberships
from core.accounts.sessions import hash_secret
from core.kernel.config import settings
from core.kernel.db import db
from core.payments.models import Payment, PaymentLink
from core.web.addresses import portal_payment, why_taken
from tests.browser import Browser
from tests.factories import PASSWORD, Shop, make_colleague, make_payment, make_shop, unit


@pytest.fixture
def live(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The same shop with real money: all that live needs is there."""
    monkeypatch.setitem(settings().stripe, "live", {"secret_key": "sk_live_x", "publishable_key": "pk_live_x", "webhook_secret": "whsec_x"})
    with unit(shop.app):
        vendor = db.session.get_one(Vendor, shop.vendor.id)
        vendor.live_enabled, vendor.approved_at = True, vendor.created_at
    return replace(shop, mode="live")


def way_to(shop: Shop, payment: Payment) -> str:
    parts = urlsplit(portal_payment(payment.public_id, payment.mode, shop.vendor))
    return f"{parts.path}?{parts.query}"


def looks_at(shop: Shop) -> str:
    with unit(shop.app):
        return db.session.get_one(UserSession, hash_secret(shop.secret)).mode


def test_a_letter_about_real_money_leads_to_it_and_says_so(live: Shop, owner: Browser) -> None:
    payment = make_payment(live)
    owner.get(f"/portal/payments/{payment.public_id}", status=404)
    page = owner.get(way_to(live, payment))
    assert page.address == f"/portal/payments/{payment.public_id}" and payment.public_id in page.html
    assert "you are now in live mode" in page.text and looks_at(live) == "live"
    assert "you are now in live mode" not in owner.get(way_to(live, payment)).text  # said when it changes


def test_a_letter_about_practice_leads_back_to_practice(shop: Shop, live: Shop, owner: Browser) -> None:
    practice, real = make_payment(shop), make_payment(live)
    owner.get(way_to(live, real))
    page = owner.get(way_to(shop, practice))
    assert practice.public_id in page.html and "you are now in test mode" in page.text and looks_at(shop) == "test"


def test_it_leads_there_through_the_sign_in_as_well(live: Shop, app: Flask) -> None:
    payment, person = make_payment(live), Browser(app)
    door = person.get(way_to(live, payment))
    page = person.submit(door.form("/sign-in"), email=live.email, password=PASSWORD)
    assert page.address == f"/portal/payments/{payment.public_id}" and "you are now in live mode" in page.text


def test_what_else_the_address_says_stays(live: Shop, owner: Browser) -> None:
    address = urlsplit(why_taken("2026-01-01", "2026-01-02", "GBP", "live", live.vendor))
    page = owner.get(f"{address.path}?{address.query}", follow=False, status=303)
    assert page.response.headers["Location"] == "/portal/why/taken?since=2026-01-01&until=2026-01-02&currency=GBP"


@pytest.mark.parametrize("sent", [{"Sec_Fetch_Dest": "image"}, {"Sec_Fetch_Dest": "iframe"}, {"Sec_Fetch_Dest": "empty"}])
def test_what_a_page_fetches_by_itself_changes_nothing(live: Shop, owner: Browser, sent: dict[str, str]) -> None:
    owner.get("/portal/notices?mode=live", **sent)
    assert looks_at(live) == "test"


def test_who_has_no_live_mode_stays_in_practice(shop: Shop, owner: Browser) -> None:
    owner.get("/portal/notices?mode=live")
    owner.get("/portal/notices?mode=other")
    assert looks_at(shop) == "test"


def test_a_letter_about_another_of_ones_businesses_asks_before_it_leads_there(live: Shop, owner: Browser) -> None:
    theirs = make_colleague(live, "manager")  # of a business of their own, too
    with unit(live.app):
        own = next(vendor for _, vendor in list_memberships(theirs.user) if vendor.id != live.vendor.id)
        begun = db.session.get_one(UserSession, hash_secret(theirs.secret))
        begun.vendor_id = own.id
    payment, person = make_payment(live), theirs.browser()
    asked = person.get(way_to(live, payment))
    assert f"This is about {live.vendor.name}" in asked.text and payment.public_id not in asked.text
    assert worked_for(theirs) == own.id, "nothing changes before the button is pressed"
    page = person.submit(asked.form("/portal/business"))
    assert page.address == f"/portal/payments/{payment.public_id}" and payment.public_id in page.html
    assert "you are now in live mode" in page.text and worked_for(theirs) == live.vendor.id
    assert person.get(way_to(live, payment)).address == page.address, "it is not asked again"


def test_who_does_not_work_for_the_business_of_a_letter_learns_nothing_of_it(shop: Shop, owner: Browser) -> None:
    other = make_shop(shop.app, business="Secret Bakery")
    payment = make_payment(other)
    for address in (way_to(other, payment), way_to(other, payment).replace(other.vendor.public_id, "vnd_none")):
        assert "Secret Bakery" not in owner.get(address, status=404).html
    assert owner.get(f"/portal/notices?business={other.vendor.public_id}").address == "/portal/notices"
    assert worked_for(shop) == shop.vendor.id


def test_the_way_on_after_looking_at_another_business_stays_on_this_site(shop: Shop, owner: Browser) -> None:
    token = owner.get("/portal/").form("/sign-out").values["csrf_token"]
    form = {"csrf_token": token, "business": shop.vendor.public_id, "next": "//elsewhere.example/"}
    assert owner.post("/portal/business", form).address == "/portal/"


def worked_for(shop: Shop) -> object:
    with unit(shop.app):
        return db.session.get_one(UserSession, hash_secret(shop.secret)).vendor_id


def test_a_form_that_was_written_about_practice_is_not_sent_off_with_real_money(live: Shop, owner: Browser) -> None:
    """Another website may open such an address behind somebody's back, while they fill in a form."""
    form = owner.get("/portal/links/new").form("/portal/links/new")
    owner.get("/portal/notices?mode=live", Sec_Fetch_Site="cross-site")
    said = owner.submit(form, title="Practice", amount="12.00", status=400)
    with unit(live.app):
        assert db.session.scalars(select(PaymentLink).where(PaymentLink.title == "Practice")).all() == []
    assert "reload the page" in said.text
    again = owner.get("/portal/links/new").form("/portal/links/new")
    assert owner.submit(again, title="Real", amount="12.00").status == 200


def test_nor_after_the_switch_was_pressed_in_another_window(live: Shop, owner: Browser) -> None:
    page = owner.get("/portal/links/new")
    owner.submit(page.form("/portal/mode"), mode="live")
    owner.submit(page.form("/portal/links/new"), title="Practice", amount="12.00", status=400)


def test_a_form_about_one_business_is_not_sent_off_for_another(shop: Shop) -> None:
    """Somebody who works for two looks at the other one in a second window, and goes back to the first."""
    theirs = make_colleague(shop, "manager")
    person = theirs.browser()
    page = person.get("/portal/links/new")
    here = worked_for(theirs)
    with unit(shop.app):
        other = next(vendor for _, vendor in list_memberships(theirs.user) if vendor.id != here)
    person.submit(person.get("/portal/settings").form("/portal/business"), business=other.public_id)
    assert worked_for(theirs) == other.id
    said = person.submit(page.form("/portal/links/new"), title="For the first", amount="12.00", status=400)
    assert "reload the page" in said.text
    with unit(shop.app):
        assert db.session.scalars(select(PaymentLink).where(PaymentLink.title == "For the first")).all() == []


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [
        ("/portal/payments/a%0D%0Ab?mode=test", "/portal/payments/a%0D%0Ab"),
        ("/portal/payments/a%3Fmode=live?mode=test", "/portal/payments/a%3Fmode%3Dlive"),
        ("/portal/payments/a%23b?mode=test&c=%0A", "/portal/payments/a%23b?c=%0A"),
    ],
)  # fmt: skip
def test_an_address_with_odd_signs_leads_to_itself(shop: Shop, owner: Browser, asked: str, goes_to: str) -> None:
    assert owner.get(asked, follow=False, status=303).response.headers["Location"] == goes_to
