"""Closing the account in the portal: what stands in the way is listed, the name is typed, it stops for payers at once, and it is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.models import Membership, Vendor
from core.closing.close import closing_token, find_open
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.payments.start import payment_token, receipt_token
from tests.browser import Browser
from tests.core.payments.claims import failed_refund, opened
from tests.core.payments.transfers import euros_at_another_bank
from tests.factories import (
    PASSWORD,
    Shop,
    link_address,
    make_colleague,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell,
    unit,
)
from tests.portal.admin.people import look_into, make_staff
from tests.valid_html import problems_of_html

PATH = "/portal/settings/close"


def stopped(shop: Shop) -> bool:
    with unit(shop.app):
        return db.session.get_one(Vendor, shop.vendor.id).stopped_at is not None


def close(owner: Browser, shop: Shop) -> None:
    assert "Sign in" in owner.submit(owner.get(PATH).form(PATH), name=shop.vendor.name).heading


def test_what_stands_in_the_way_is_listed_with_where_to_go(shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    make_paid(shop)
    with euros_at_another_bank():
        opened(shop, *failed_refund(shop))
    payment = make_payment(shop, email="under-way@example.com")
    tell(shop, payment, open_payment(shop, payment), "processing")
    monkeypatch.setattr("portal.closing.LIVE", "test")  # money of the world in which tests have some
    page = owner.get(PATH)
    assert "becomes yours in some days" in page.text and "1 payment is under way" in page.text
    assert "1 refund link waits" in page.text and "/portal/refund-links" in page.links()
    assert "/portal/balance" in page.html and problems_of_html(page.html) == []
    assert "Type it as it is written here" not in page.text, "there is nothing to press yet"


def test_the_name_is_typed_and_a_wrong_one_closes_nothing(shop: Shop, owner: Browser) -> None:
    page = owner.get(PATH)
    assert problems_of_html(page.html) == [] and "For 14 days you can take it back" in page.text
    for typed in ("", "Another business"):
        wrong = owner.submit(page.form(PATH), name=typed, status=422)
        assert wrong.error_summary and not stopped(shop)
    with frozen(now() + timedelta(minutes=11)):
        asked = owner.submit(page.form(PATH), name=shop.vendor.name)
        assert asked.heading == "Is it you?" and not stopped(shop)
        owner.submit(asked.form(), confirm_password=PASSWORD)
    assert stopped(shop)


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_nobody_but_the_owner_closes_it(shop: Shop, role: str) -> None:
    other = make_colleague(shop, role).browser()
    assert other.get(PATH, status=403) and PATH not in other.get("/portal/settings").html


def test_payers_meet_a_neutral_page_at_once_and_receipts_stay(app: Flask, shop: Shop, owner: Browser) -> None:
    link, payer = make_link(shop), Browser(app)
    first = payer.get(link_address(shop, link))
    begun = make_payment(shop, make_link(shop))
    paid = make_paid(shop)
    with unit(app):
        receipt, own = f"/receipt/{receipt_token(shop.vendor, paid)}", f"/checkout/{payment_token(shop.vendor, begun)}"
    close(owner, shop)
    gone = Browser(app).get(link_address(shop, link), status=410)
    assert "takes no payments here any more" in gone.text and problems_of_html(gone.html) == []
    assert payer.submit(first.form(), email="late@example.com", name="Late", status=410)
    assert Browser(app).get(own)
    assert Browser(app).get(receipt)


def test_the_owner_signs_in_sees_nothing_else_and_takes_it_back(app: Flask, shop: Shop, owner: Browser) -> None:
    helper = make_colleague(shop, "support").browser()
    close(owner, shop)
    assert helper.get("/portal").heading != "Home"
    again = Browser(app)
    page = again.submit(again.get("/sign-in").form("/sign-in"), email=shop.email, password=PASSWORD)
    assert page.heading == "This account is being closed" and problems_of_html(page.html) == []
    assert again.get("/portal/payments").heading == "This account is being closed"
    done = again.submit(page.form("/portal/closing"))
    assert "the account stays" in " ".join(done.notices) and not stopped(shop)


def test_the_letter_takes_it_back_by_a_press_and_not_by_a_look(app: Flask, shop: Shop, owner: Browser) -> None:
    close(owner, shop)
    with unit(app):
        row = find_open(shop.vendor)
        assert row is not None
        path = f"/closing/{closing_token(shop.vendor, row)}"
    stranger = Browser(app)
    page = stranger.get(path)
    assert stopped(shop) and problems_of_html(page.html) == []
    check = stranger.submit(stranger.get("/verify").form("/verify"), what=path.rpartition("/")[2])
    assert "taken back" in check.text
    assert "Please sign in" in " ".join(stranger.submit(page.form(path)).notices)
    assert not stopped(shop) and stranger.get(path, status=404)


def test_staff_see_it_on_the_vendors_page(app: Flask, shop: Shop, owner: Browser) -> None:
    close(owner, shop)
    shown = look_into(make_staff(app).browser(), f"/staff/vendors/{shop.vendor.public_id}")
    assert "Its account was stopped on" in shown.text


def test_who_owns_two_businesses_still_reaches_the_other_one(app: Flask, shop: Shop, owner: Browser) -> None:
    other = make_shop(app, business="Corner Shop")
    with unit(app):
        db.session.add(Membership(vendor_id=other.vendor.id, user_id=shop.user.id, role="viewer", created_at=now()))
    close(owner, shop)
    again = Browser(app)
    page = again.submit(again.get("/sign-in").form("/sign-in"), email=shop.email, password=PASSWORD)
    assert page.heading == "This account is being closed"
    assert "Corner Shop" in again.submit(page.form("/portal/business")).text
    assert again.get("/portal/payments").heading == "Payments"
