"""Two-step sign-in at the doors: setting it up, signing in with it, losing the device, and being asked for it by the business."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.models import User, Vendor
from core.accounts.second_factor import take_off_by_staff
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Message
from core.web.throttle import limiter
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_colleague, make_shop, unit
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.second_step import Device, set_up


def half_in(browser: Browser, shop: Shop, at: str = "/sign-in") -> Page:
    return browser.submit(browser.get(at).form(), email=shop.email, password=PASSWORD)


def letters(shop: Shop) -> list[str]:
    with unit(shop.app):
        found = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="second_step").order_by(Message.id)
        return [message.params["what"] for message in found]


def test_it_is_set_up_with_a_code_from_the_app_and_ten_codes_are_shown_once(shop: Shop, owner: Browser) -> None:
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/devices"))
    assert page.heading == "Set up your device" and page.all("img", class_="device-code")
    secret = next(e.text for e in page.all("textarea") if e.attrs.get("id") == "secret").replace(" ", "")
    wrong = owner.submit(page.form(), code="12345", status=422)
    assert "not right" in wrong.error_summary[0] and secret in wrong.html.replace(" ", ""), "the same key is still shown"
    done = owner.submit(wrong.form(), code=Device(secret, []).code())
    codes = [e.text for e in done.all("code")]
    assert done.heading == "Your recovery codes" and len(set(codes)) == 10
    shown = owner.get("/portal/two-step")
    assert "10" in shown.text and not any(code in shown.html for code in codes)
    assert letters(shop) == ["on"]


def test_setting_it_up_signs_out_every_other_browser_and_keeps_this_one(shop: Shop, owner: Browser, stranger: Browser) -> None:
    half_in(stranger, shop)
    assert stranger.get("/portal/").heading == "Home"
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/devices"))
    secret = next(e.text for e in page.all("textarea") if e.attrs.get("id") == "secret").replace(" ", "")
    owner.submit(page.form(), code=Device(secret, []).code())
    assert owner.get("/portal/").heading == "Home" and stranger.get("/portal/").heading == "Sign in"


def test_signing_in_takes_both_steps_and_then_leads_where_one_wanted_to_go(shop: Shop, stranger: Browser) -> None:
    device = set_up(shop.app, shop.user)
    page = half_in(stranger, shop, at="/portal/payments?status=succeeded")
    assert page.heading == "The second step"
    field = next(e for e in page.all("input") if e.attrs.get("name") == "code")
    assert field.attrs["autocomplete"] == "one-time-code" and field.attrs["inputmode"] == "numeric"
    assert stranger.get("/portal/").heading == "Sign in", "half a sign-in opens nothing"
    wrong = stranger.submit(page.form(), code="000000" if device.code() != "000000" else "000001", status=422)
    assert wrong.error_summary == ["That code is not right, or it was used already. Wait until your app shows the next one and type that."]
    arrived = stranger.submit(wrong.form(), code=device.code())
    assert arrived.heading == "Payments" and arrived.address.endswith("/portal/payments?status=succeeded")


def test_half_a_sign_in_ends_with_the_code_after_ten_minutes_and_with_a_new_password(shop: Shop) -> None:
    device = set_up(shop.app, shop.user)
    browser = Browser(shop.app)
    page = half_in(browser, shop)
    half = browser.client.get_cookie("half").value
    assert browser.submit(page.form(), code=device.code()).heading == "Home"
    assert Browser(shop.app, half=half).get("/sign-in/code").heading == "Sign in", "it is used up"
    late = Browser(shop.app)
    half_in(late, shop)
    with frozen(now() + timedelta(minutes=11)):
        assert late.get("/sign-in/code").heading == "Sign in"
    assert Browser(shop.app).get("/sign-in/code").heading == "Sign in", "without a password there is nothing to see"


def test_half_a_sign_in_of_one_door_is_none_at_the_other(shop: Shop, app: Flask) -> None:
    set_up(app, shop.user)
    browser = Browser(app)
    half_in(browser, shop)
    assert browser.get("/staff/sign-in/code").heading == "Staff sign-in"


def test_a_recovery_code_opens_once_and_a_letter_says_so(shop: Shop, work: Callable[[], int]) -> None:
    device = set_up(shop.app, shop.user)
    browser = Browser(shop.app)
    page = browser.get(half_in(browser, shop).all("a", href="/sign-in/code?recovery=1")[0].attrs["href"])
    assert browser.submit(page.form(), code=device.paper[0].upper()).heading == "Home"
    again = Browser(shop.app)
    half_in(again, shop)
    assert again.submit(again.get("/sign-in/code?recovery=1").form(), code=device.paper[0], status=422).heading == "The second step"
    assert letters(shop) == ["recovery"]
    work()
    with unit(shop.app):
        letter = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="second_step").one()
    assert letter.subject == "A recovery code was used" and "Codes left: 9" in (letter.text or "")


def test_a_lost_key_is_told_at_the_second_step_and_staff_let_in(shop: Shop, stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the app's secret follows from is gone from the file of secrets: every code is refused with what to do, and none is a fault."""
    device, code = set_up(shop.app, shop.user), ""
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
    page, code = half_in(stranger, shop), device.code()
    told = stranger.submit(page.form(), code=code, status=422)
    assert "Codes of your app cannot be checked any more" in told.error_summary[0]
    with unit(shop.app):
        take_off_by_staff(db.session.get(User, shop.user.id), by="stf_x", reason="They came by in person.")
    assert half_in(Browser(shop.app), shop).heading == "Home"


def test_a_key_lost_while_it_is_set_up_begins_it_anew(shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/devices"))
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
    assert owner.submit(page.form(), code="123456", status=None).status < 500
    again = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/devices"))
    secret = next(e.text for e in again.all("textarea") if e.attrs.get("id") == "secret").replace(" ", "")
    assert owner.submit(again.form(), code=Device(secret, []).code()).heading == "Your recovery codes"


def test_a_new_password_does_not_come_around_the_second_step(shop: Shop, stranger: Browser) -> None:
    from core.accounts.reset_password import ask_to_reset
    from core.kernel.signing import make_token

    set_up(shop.app, shop.user)
    with unit(shop.app):
        asked = ask_to_reset(shop.email)
        assert asked
        token = make_token("password-reset", vendor="-", mode="test", token_id=asked[1].token_id, expires_at=asked[1].expires_at)
    page = stranger.submit(stranger.get(f"/reset-password/{token}").form(), password="another-Harbour-77-lamp")
    assert page.heading == "Sign in"
    assert stranger.submit(page.form(), email=shop.email, password="another-Harbour-77-lamp").heading == "The second step"


class TestTries:
    """The counters are in Redis; here they are on."""

    @pytest.fixture(autouse=True)
    def throttled(self, unthrottled: None) -> None:
        limiter.enabled = True
        limiter.reset()

    def test_ten_tries_a_quarter_hour_over_any_browsers_and_addresses_and_then_the_right_code_waits_too(self, app: Flask) -> None:
        shop = make_shop(app)
        device = set_up(app, shop.user)
        codes = []
        for number in range(11):
            limiter.enabled = False  # the password's own counter is not what is looked at here
            browser = Browser(app)
            page = half_in(browser, shop)
            limiter.enabled = True
            address = {"REMOTE_ADDR": f"203.0.113.{number + 1}"}
            typed = device.code() if number == 10 else secrets.choice(("12345", "x" * 16))
            answer = browser.client.post(page.form().action, data={**page.form().values, "code": typed}, environ_base=address)
            codes.append(answer.status_code)
        assert codes == [422] * 10 + [429]
        assert int(answer.headers["Retry-After"]) > 600

    def test_the_same_ten_count_when_one_is_asked_again_later(self, app: Flask) -> None:
        shop = make_shop(app)
        device, browser = set_up(app, shop.user), make_shop(app)
        browser = shop.browser()
        with frozen(now() + timedelta(minutes=30)):
            page = browser.submit(browser.get("/portal/two-step").form("/portal/two-step/recovery-codes"))
            assert page.heading == "Is it you?"
            statuses = [
                browser.submit(page.form(), confirm_password=PASSWORD, confirm_code=code, status=None).status
                for code in (*["12345"] * 10, device.code())
            ]
        assert statuses == [422] * 10 + [429]


# --- asked of everybody ------------------------------------------------------------------------------------------------------------


def ask_everybody(shop: Shop) -> None:
    with unit(shop.app):
        db.session.get_one(Vendor, shop.vendor.id).second_factor_required = True


def test_the_owner_asks_it_of_the_team_after_setting_it_up_themselves(shop: Shop, owner: Browser) -> None:
    form = owner.get("/portal/settings/security").form("/portal/settings/security")
    refused = owner.submit(form, required="y", status=422)
    assert refused.error_summary == ["Set up two-step sign-in for yourself first."]
    set_up(shop.app, shop.user)
    saved = owner.submit(form, required="y", limit="750.00")
    assert "Saved." in saved.text
    with unit(shop.app):
        row = db.session.get_one(Vendor, shop.vendor.id)
        assert row.second_factor_required and row.refund_limit_minor == 75_000


@pytest.mark.parametrize("role", ["manager", "support"])
def test_who_has_not_set_it_up_reaches_nothing_before(shop: Shop, role: str) -> None:
    colleague = make_colleague(shop, role)
    ask_everybody(shop)
    browser = colleague.browser()
    for path in ("/portal/", "/portal/payments", "/portal/settings", "/portal/links/new"):
        page = browser.get(path)
        assert page.heading == "Two-step sign-in" and "asked of everybody" in page.text
    token = page.form("/sign-out").values["csrf_token"]
    assert browser.client.post("/portal/links/new", data={"csrf_token": token}).headers["Location"] == "/portal/two-step"
    page = browser.submit(page.form("/portal/two-step/devices"))
    secret = next(e.text for e in page.all("textarea") if e.attrs.get("id") == "secret").replace(" ", "")
    browser.submit(page.form(), code=Device(secret, []).code())
    assert browser.get("/portal/").heading == "Home"
    assert "Switch it off" not in browser.get("/portal/two-step").text


def test_only_the_owner_changes_what_is_asked(shop: Shop) -> None:
    for role in ("manager", "accountant", "support"):
        page = make_colleague(shop, role).browser().get("/portal/settings/security")
        token = page.form("/sign-out").values["csrf_token"]
        assert "Only the owner" in page.text
        make_colleague(shop, role).browser().post("/portal/settings/security", {"csrf_token": token}, status=None)
    with unit(shop.app):
        assert not db.session.get_one(Vendor, shop.vendor.id).second_factor_required


# --- staff -------------------------------------------------------------------------------------------------------------------------


def test_staff_set_it_up_at_their_first_sign_in_and_reach_nothing_before(app: Flask) -> None:
    colleague, browser = make_staff(app, device=False), Browser(app)
    page = browser.submit(browser.get("/staff/vendors").form(), email=colleague.email, password=STAFF_PASSWORD)
    assert page.heading == "Two-step sign-in" and "asked of everybody" in page.text
    assert browser.get("/staff/payments").heading == "Two-step sign-in"
    page = browser.submit(page.form("/staff/two-step/devices"))
    secret = next(e.text for e in page.all("textarea") if e.attrs.get("id") == "secret").replace(" ", "")
    done = browser.submit(page.form(), code=Device(secret, []).code())
    assert len(done.all("code")) == 10 and browser.get("/staff/").heading == "What needs you"
    assert "Switch it off" not in browser.get("/staff/two-step").text
    token = browser.get("/staff/").form("/staff/sign-out").values["csrf_token"]
    browser.post("/staff/two-step/off", {"csrf_token": token}, status=409)


def test_staff_let_an_owner_in_again_and_the_vendor_reads_why(app: Flask, shop: Shop) -> None:
    set_up(app, shop.user)
    browser = make_staff(app).browser()
    path = f"/staff/vendors/{shop.vendor.public_id}/people/{shop.user.public_id}/lost-device"
    assert browser.submit(browser.get(path).form(), reason="lost", status=422).errors
    page = browser.submit(browser.get(path).form(), reason="Showed the passport in a video call, case 4711")
    assert "password alone" in page.text
    mine = Browser(app)
    assert half_in(mine, shop).heading == "Home"
    assert "case 4711" in mine.get("/portal/settings/audit-log").text and letters(shop) == ["taken_off"]
    for role in ("reviewer", "finance"):
        make_staff(app, role).browser().get(path, status=403)


def test_the_command_line_lets_staff_in_again(app: Flask) -> None:
    colleague = make_staff(app)
    told = app.test_cli_runner().invoke(args=["lost-device", colleague.email, "--reason", "Came to the office with her badge"])
    assert told.exit_code == 0
    browser = Browser(app)
    page = browser.submit(browser.get("/staff/sign-in").form(), email=colleague.email, password=STAFF_PASSWORD)
    assert page.heading == "Two-step sign-in"
    for words in (["lost-device", colleague.email, "--reason", "once more please"], ["lost-device", "no@example.com", "--reason", "x" * 9]):
        again = app.test_cli_runner().invoke(args=words)
        assert again.exit_code == 1 and "Traceback" not in again.output
