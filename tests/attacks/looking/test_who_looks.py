"""A look is somebody's, of the staff: it opens nothing without their own session, ends in many ways, and stands in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from core.accounts.models import UserSession
from core.accounts.staff import add_staff, remove_staff
from core.accounts.staff_models import StaffLook
from core.kernel.audit import AuditEntry
from core.kernel.clock import now, shifted
from core.kernel.db import db
from tests.attacks.looking.pages import ONLY_LOOKING, band, everything, look
from tests.browser import Browser
from tests.factories import Shop, make_paid, make_shop, unit
from tests.portal.admin.people import STAFF_PASSWORD, Colleague, make_staff


def secret_of(browser: Browser) -> str:
    """What its cookie of a look says."""
    cookie = browser.client.get_cookie("look")
    assert cookie is not None
    return cookie.value


def test_the_look_opens_nothing_without_the_staffs_own_session_nor_with_somebody_elses(
    app: Flask, shop: Shop, colleague: Colleague
) -> None:
    secret = secret_of(look(colleague, shop))
    assert Browser(app, look=secret).get("/portal/").heading == "Staff sign-in"
    assert Browser(app, seat=secret).get("/portal/").heading == "Sign in"
    assert Browser(app, staff=secret).get("/staff/").heading == "Staff sign-in"
    other = make_staff(app, "superuser").browser()
    other.client.set_cookie("look", secret)
    page = other.get("/portal/")
    assert urlsplit(page.address).path == "/staff/" and "is over" in page.text and other.client.get_cookie("look") is None
    again = make_staff(app, "finance")
    assert Browser(app, staff=again.secret, look=secret).get("/portal/payments").heading != "Payments"


def test_it_is_over_after_half_an_hour_by_the_clock(app: Flask, shop: Shop, colleague: Colleague) -> None:
    browser = look(colleague, shop)
    with shifted(timedelta(minutes=15)):
        assert browser.get("/portal/payments").heading == "Payments"
    with shifted(timedelta(minutes=29, seconds=30)):
        assert "1 minute left" in band(browser.get("/portal/payments"))
    with shifted(timedelta(minutes=30, seconds=1)):
        page = browser.get("/portal/payments")
        assert urlsplit(page.address).path == "/staff/" and "is over" in page.text


def end_by_signing_out(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    browser.submit(browser.get("/staff/").form("/staff/sign-out"))


def end_by_the_button(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    assert browser.submit(browser.get("/portal/payments").form("/staff/looks/end")).notices


def end_by_leaving(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        remove_staff(colleague.email)


def end_by_another_role(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        add_staff(colleague.email, role="reviewer", password=STAFF_PASSWORD)


def end_by_the_role_alone(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        db.session.get_one(type(colleague.member), colleague.member.user_id).role = "reviewer"


def end_by_closing(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        db.session.get_one(type(shop.vendor), shop.vendor.id).stopped_at = now()


def end_by_another_look(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    look(colleague, make_shop(shop.app, business="Harbour Books"))  # in the same session of the staff's


ENDS = [
    end_by_signing_out, end_by_the_button, end_by_leaving, end_by_another_role, end_by_the_role_alone, end_by_closing, end_by_another_look,
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__.removeprefix("end_by_"))
def test_it_ends_and_then_shows_nothing_even_to_who_kept_the_cookie(app: Flask, shop: Shop, colleague: Colleague, end: Any) -> None:
    browser = look(colleague, shop)
    secret = secret_of(browser)
    end(browser, shop, colleague)
    for cookies in ({"look": secret}, {"look": secret, "staff": colleague.secret}):
        kept = Browser(app, **cookies)
        page = kept.get("/portal/payments", status=None, follow=False)
        assert page.status == 303 and page.response.headers["Location"].startswith("/staff/"), page.status
        assert kept.client.get_cookie("look") is None


def test_what_has_ended_is_not_done_under_another_session_of_the_same_browser(app: Flask, shop: Shop, colleague: Colleague) -> None:
    """Somebody has a business of their own open beside it: a form sent after the look's end does not land there."""
    mine, browser = make_shop(app, business="Own Business"), look(colleague, shop)
    browser.client.set_cookie("seat", mine.secret)
    page = browser.get("/portal/settings")
    assert shop.vendor.name in page.title and "Own Business" not in page.text
    token = page.form("/staff/looks/end").values["csrf_token"]
    before = everything(app, mine)
    with shifted(timedelta(minutes=31)):
        answer = browser.post("/portal/settings", {"csrf_token": token, "name": "Renamed", "support_email": "a@example.com"})
        assert answer.status == 403 and answer.heading == ONLY_LOOKING
    assert everything(app, mine) == before
    assert "Own Business" in browser.get("/portal/").title, "the look is gone, and its own session is there again"


def test_no_session_of_a_person_is_made_or_touched(app: Flask, shop: Shop, colleague: Colleague) -> None:
    make_paid(shop)
    with app.app_context():
        count = db.session.query(UserSession).count()
    browser, before = look(colleague, shop), everything(app, shop)
    with shifted(timedelta(minutes=10)):
        for path in ("/portal/", "/portal/notices", "/portal/team", "/portal/payments", "/portal/?lang=de"):
            browser.get(path)
    assert everything(app, shop) == before, "neither when somebody was last there, nor what they have read"
    with app.app_context():
        assert db.session.query(UserSession).count() == count
        assert db.session.get_one(type(shop.user), shop.user.id).language == shop.user.language
        assert [name for name in ("seat", "half") if browser.client.get_cookie(name)] == []


def test_a_second_step_that_the_business_asks_of_its_people_is_not_asked_of_a_look(app: Flask, shop: Shop, colleague: Colleague) -> None:
    with unit(app):
        db.session.get_one(type(shop.vendor), shop.vendor.id).second_factor_required = True
    assert shop.browser().get("/portal/").heading != "Home"
    assert look(colleague, shop).get("/portal/").heading == "Home"


def test_every_page_that_was_opened_stands_in_the_log_before_it_is_shown(app: Flask, shop: Shop, colleague: Colleague) -> None:
    paid, browser = make_paid(shop), look(colleague, shop)
    opened = [
        "/portal/payments",
        f"/portal/payments/{paid.public_id}",
        "/portal/payments/pay_not_there",
        "/portal/balance?x=secret@example.com",
    ]
    for path in opened:
        browser.get(path, status=None)
    browser.get("/portal/keys%00", status=404)
    browser.get(f"/portal/payments/{paid.public_id}%00", status=404)
    with app.app_context():
        row = db.session.query(StaffLook).filter_by(vendor_id=shop.vendor.id).one()
        rows = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="staff.looked").order_by(AuditEntry.id).all()
        assert {entry.actor for entry in rows} == {colleague.member.public_id} and {entry.subject for entry in rows} == {row.public_id}
        assert [entry.detail["page"] for entry in rows] == [
            "/portal/",
            *(urlsplit(path).path for path in opened),
            f"/portal/payments/{paid.public_id}",
        ]
        assert "secret@example.com" not in str([entry.detail for entry in rows]), "what was typed is not written down"
