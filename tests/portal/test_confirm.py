"""Before what could do harm the person is asked again who they are; what they filled in goes on, and nothing happens before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.models import Invitation, Membership, UserSession, VendorDomain
from core.accounts.sessions import hash_secret
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.payments.refund_models import Refund
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_colleague, make_paid, make_shop, unit
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.second_step import set_up


@pytest.fixture
def later() -> Iterator[None]:
    """Eleven minutes after the person signed in."""
    with frozen(now() + timedelta(minutes=11)):
        yield


def confirmed_at(shop: Shop) -> object:
    with unit(shop.app):
        return db.session.get_one(UserSession, hash_secret(shop.secret)).confirmed_at


def count(shop: Shop, model: type) -> int:
    with unit(shop.app):
        return db.session.query(model).filter_by(vendor_id=shop.vendor.id).count()


def ask_for_role(owner: Browser, colleague: Shop) -> Page:
    return owner.submit(owner.get("/portal/team").form(f"/portal/team/{colleague.user.public_id}/role"), role="manager")


def role_of(person: Shop) -> str:
    with unit(person.app):
        return db.session.get_one(Membership, (person.vendor.id, person.user.id)).role


def test_within_ten_minutes_of_signing_in_nobody_is_asked(shop: Shop, owner: Browser) -> None:
    colleague = make_colleague(shop, "support")
    with frozen(now() + timedelta(minutes=9)):
        assert ask_for_role(owner, colleague).heading == "Settings"
    assert role_of(colleague) == "manager"


def test_later_the_password_is_asked_and_what_was_filled_in_goes_on(shop: Shop, owner: Browser, later: None) -> None:
    colleague = make_colleague(shop, "support")
    page = ask_for_role(owner, colleague)
    assert page.heading == "Is it you?" and role_of(colleague) == "support", "nothing happens before"
    wrong = owner.submit(page.form(), confirm_password="not it", status=422)
    assert wrong.error_summary == ["That is not your password."] and role_of(colleague) == "support"
    done = owner.submit(wrong.form(), confirm_password=PASSWORD)
    assert "The role is changed" in done.text and role_of(colleague) == "manager"


def test_one_answer_holds_for_ten_minutes_in_that_browser_only(shop: Shop, owner: Browser) -> None:
    colleague = make_colleague(shop, "support")
    other = Browser(shop.app)
    other.submit(other.get("/sign-in").form(), email=shop.email, password=PASSWORD)
    begun = now()
    with frozen(begun + timedelta(minutes=11)):
        owner.submit(ask_for_role(owner, colleague).form(), confirm_password=PASSWORD)
    with frozen(begun + timedelta(minutes=20)):
        assert ask_for_role(owner, colleague).heading == "Settings"
        assert ask_for_role(other, colleague).heading == "Is it you?"
    with frozen(begun + timedelta(minutes=22)):
        assert ask_for_role(owner, colleague).heading == "Is it you?"


def test_with_two_step_sign_in_the_code_is_asked_too_and_is_spent(shop: Shop, owner: Browser) -> None:
    device, colleague = set_up(shop.app, shop.user), make_colleague(shop, "support")
    with frozen(now() + timedelta(minutes=11)):
        page = ask_for_role(owner, colleague)
        assert owner.submit(page.form(), confirm_password=PASSWORD, status=422).error_summary == [
            "Enter the code that your app shows, or one of your recovery codes."
        ]
        wrong = owner.submit(page.form(), confirm_password=PASSWORD, confirm_code="12345", status=422)
        assert role_of(colleague) == "support" and wrong.form().values["role"] == "manager"
        owner.submit(wrong.form(), confirm_password=PASSWORD, confirm_code=device.code())
        assert role_of(colleague) == "manager"
    again = Browser(shop.app)
    with frozen(now() + timedelta(minutes=11)):
        half = again.submit(again.get("/sign-in").form(), email=shop.email, password=PASSWORD)
        assert again.submit(half.form(), code=device.code(), status=422).heading == "The second step", "the code was spent"


def test_the_answer_counts_even_when_the_act_itself_is_refused(shop: Shop, owner: Browser, later: None) -> None:
    form = owner.get("/portal/team").form("/portal/team/invitations")
    page = owner.submit(form, email="not an address", role="support")
    refused = owner.submit(page.form(), confirm_password=PASSWORD, status=422)
    assert refused.form("/portal/team/invitations").values["email"] == "not an address", "what was typed is kept through it all"
    done = owner.submit(refused.form("/portal/team/invitations"), email="somebody.new@example.com")
    assert "We have written to" in done.text and count(shop, Invitation) == 1


def test_hostile_words_are_carried_as_they_are_and_only_as_words(shop: Shop, owner: Browser, later: None) -> None:
    text = '"><script>alert(1)</script> {{7*7}} ñ'
    page = owner.submit(owner.get("/portal/settings/domains").form("/portal/settings/domains"), host=text)
    assert page.form().values["host"] == text and "<script>alert" not in page.html
    back = owner.submit(page.form(), confirm_password=PASSWORD, status=422)
    assert back.form("/portal/settings/domains").values["host"] == text and count(shop, VendorDomain) == 0


def test_a_large_refund_asks_and_a_small_one_does_not(shop: Shop, owner: Browser, later: None) -> None:
    small, large = (make_paid(shop, email=f"{amount}@example.com") for amount in ("a", "b"))
    with unit(shop.app):
        shop_row = db.session.get_one(type(shop.vendor), shop.vendor.id)
        shop_row.refund_limit_minor = 1_000
    path = f"/portal/payments/{small.public_id}"
    assert "The refund is asked for" in owner.submit(owner.get(path).form(f"{path}/refunds"), amount="10.00").text
    path = f"/portal/payments/{large.public_id}"
    page = owner.submit(owner.get(path).form(f"{path}/refunds"), amount="10.01", note="the cake fell down")
    assert page.heading == "Is it you?" and count(shop, Refund) == 1
    done = owner.submit(page.form(), confirm_password=PASSWORD)
    assert "The refund is asked for" in done.text and count(shop, Refund) == 2
    with unit(shop.app):
        made = db.session.query(Refund).filter_by(vendor_id=shop.vendor.id, amount_minor=1_001).one()
    assert made.amount_minor == 1_001


@pytest.mark.parametrize(("currency", "asks"), [("GBP", {"500.00": False, "500.01": True}), ("JPY", {"50000": False, "50001": True})])
def test_while_nothing_else_is_set_the_usual_limit_holds(app: Flask, currency: str, asks: dict[str, bool]) -> None:
    from core.accounts.security import is_large
    from core.kernel.money import Money

    shop = make_shop(app, currency=currency)
    assert {text: is_large(shop.vendor, Money.of(text, currency)) for text in asks} == asks
    assert is_large(shop.vendor, Money.of("1", "CHF")), "in another currency everything is asked about"


def test_a_session_from_before_is_asked_at_once(shop: Shop, owner: Browser) -> None:
    with unit(shop.app):
        db.session.get_one(UserSession, hash_secret(shop.secret)).confirmed_at = None
    assert ask_for_role(owner, make_colleague(shop, "support")).heading == "Is it you?"
    assert confirmed_at(shop) is None


def test_handing_the_business_over_asks(shop: Shop, owner: Browser, later: None) -> None:
    heir = make_colleague(shop, "manager")
    page = owner.submit(owner.get("/portal/team").form("/portal/team/owner"), heir=heir.user.public_id)
    assert page.heading == "Is it you?"
    owner.submit(page.form(), confirm_password=PASSWORD)
    assert (role_of(heir), role_of(shop)) == ("owner", "manager")


def test_staff_are_asked_in_the_same_way(app: Flask, shop: Shop) -> None:
    set_up(app, shop.user)
    colleague = make_staff(app)
    browser = colleague.browser()
    path = f"/staff/vendors/{shop.vendor.public_id}/people/{shop.user.public_id}/lost-device"
    with frozen(now() + timedelta(minutes=11)):
        page = browser.submit(browser.get(path).form(), reason="Showed the passport, case 12")
        assert page.heading == "Is it you?"
        done = browser.submit(page.form(), confirm_password=STAFF_PASSWORD, confirm_code=colleague.device.code())
    assert "password alone" in done.text
