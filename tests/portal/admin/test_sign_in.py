"""Staff come in by a door of their own, stay for a while, and are made on the command line only."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.email_links import make_link
from core.accounts.models import Membership
from core.accounts.queries import find_user
from core.accounts.reset_password import ask_to_reset
from core.accounts.staff import add_staff
from core.accounts.staff_models import StaffSession
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.signing import make_token
from core.web.throttle import limiter
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_colleague, unit
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.second_step import Device, set_up


def enter(
    browser: Browser, email: str, password: str = STAFF_PASSWORD, *, device: Device | None = None, status: int | None = 200,
    at: str = "/staff/sign-in",
) -> Page:  # fmt: skip
    """Both steps, where there is a device for the second."""
    page = browser.submit(browser.get(at).form(), email=email, password=password, status=status)
    return browser.submit(page.form(), code=device.code()) if device else page


def test_the_right_pair_leads_to_what_needs_a_person(app: Flask) -> None:
    colleague = make_staff(app)
    assert enter(Browser(app), colleague.email, device=colleague.device).heading == "What needs you"


def test_a_vendors_pair_a_wrong_one_and_an_unknown_one_read_the_same(app: Flask, shop: Shop) -> None:
    told = [
        enter(Browser(app), email, password, status=422).error_summary
        for email, password in (
            (shop.email, PASSWORD),
            (make_staff(app).email, "wrong"),
            (f"{secrets.token_hex(4)}@example.com", STAFF_PASSWORD),
        )
    ]
    assert told[0] and told[0] == told[1] == told[2]


def test_staff_do_not_sign_in_at_the_vendors_door(app: Flask) -> None:
    email = make_staff(app).email
    browser = Browser(app)
    page = browser.submit(browser.get("/sign-in").form(), email=email, password=STAFF_PASSWORD, status=422)
    assert page.heading == "Sign in"


def test_no_letter_lets_anybody_set_the_password_of_staff(app: Flask, shop: Shop) -> None:
    """Neither a new link, nor one from the time when they worked for a vendor."""
    former = make_colleague(shop, "support")
    with unit(app):
        letter = make_link(former.user, "password-reset")
        token = make_token("password-reset", vendor="-", mode="live", token_id=letter.token_id, expires_at=letter.expires_at)
        for membership in db.session.scalars(db.select(Membership).where(Membership.user_id == former.user.id)):
            db.session.delete(membership)
    with unit(app):
        add_staff(former.email, role="reviewer", password=STAFF_PASSWORD)
        assert ask_to_reset(former.email) is None
    assert Browser(app).get(f"/reset-password/{token}", status=None).status == 404
    assert enter(Browser(app), former.email).heading == "Two-step sign-in"


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example", "/portal/", "/staff\\@evil.example"])
def test_signing_in_leads_to_staff_pages_only(app: Flask, goal: str) -> None:
    browser = Browser(app)
    colleague = make_staff(app)
    page = browser.submit(browser.get(f"/staff/sign-in?next={goal}").form(), email=colleague.email, password=STAFF_PASSWORD)
    answer = browser.client.post(page.form().action, data={**page.form().values, "code": colleague.device.code()})
    assert answer.headers["Location"] == "/staff/"


def test_the_page_that_was_asked_for_comes_after_signing_in(app: Flask) -> None:
    browser, colleague = Browser(app), make_staff(app)
    page = browser.get("/staff/vendors")
    assert page.heading == "Staff sign-in"
    page = browser.submit(page.form(), email=colleague.email, password=STAFF_PASSWORD)
    assert browser.submit(page.form(), code=colleague.device.code()).heading == "Vendors"


def test_a_session_ends_after_half_an_hour_without_a_request(app: Flask) -> None:
    browser, begun = make_staff(app).browser(), now()
    for minutes, heading in ((29, "What needs you"), (57, "What needs you"), (88, "Staff sign-in")):
        with frozen(begun + timedelta(minutes=minutes)):
            assert browser.get("/staff/").heading == heading


def test_a_session_ends_after_eight_hours_however_busy(app: Flask) -> None:
    browser, begun = make_staff(app).browser(), now()
    for minutes in range(25, 479, 25):
        with frozen(begun + timedelta(minutes=minutes)):
            assert browser.get("/staff/").heading == "What needs you"
    with frozen(begun + timedelta(hours=8, seconds=1)):
        assert browser.get("/staff/").heading == "Staff sign-in"


def test_signing_out_ends_the_session_itself_and_leaves_the_vendors_alone(app: Flask, shop: Shop) -> None:
    colleague = make_staff(app)
    browser = Browser(app, staff=colleague.secret, seat=shop.secret)
    page = browser.submit(browser.get("/staff/").form("/staff/sign-out"))
    assert page.heading == "Staff sign-in" and "signed out" in page.text
    assert colleague.browser().get("/staff/").heading == "Staff sign-in"
    assert browser.get("/portal/").heading == "Home"


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(app: Flask) -> None:
    browser = Browser(app)
    colleague = make_staff(app)
    page = browser.submit(browser.get("/staff/sign-in").form(), email=colleague.email, password=STAFF_PASSWORD)
    answer = browser.client.post(page.form().action, data={**page.form().values, "code": colleague.device.code()})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("staff="))
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    with unit(app):
        assert db.session.get(StaffSession, cookie.split("=")[1].split(";")[0]) is None, "only the hash is kept"


def test_trying_passwords_is_slowed_down(app: Flask) -> None:
    before, limiter.enabled = limiter.enabled, True
    limiter.reset()
    try:
        browser, email = Browser(app), make_staff(app).email
        form = browser.get("/staff/sign-in").form()
        codes = [browser.submit(form, email=email, password="wrong", status=None).status for _ in range(12)]
        assert codes == [422] * 10 + [429] * 2
    finally:
        limiter.enabled = before
        limiter.reset()


# --- the command line ------------------------------------------------------------------------------------------------------------


def run(app: Flask, *words: str, password: str = STAFF_PASSWORD) -> tuple[int, str]:
    told = app.test_cli_runner().invoke(args=list(words), env={"STAFF_PASSWORD": password})
    return told.exit_code, told.output


def test_somebody_is_added_signs_in_gets_another_role_and_is_removed(app: Flask) -> None:
    email = f"staff-{secrets.token_hex(5)}@example.com"
    assert run(app, "add-staff", email, "--role", "reviewer")[0] == 0
    browser = Browser(app)
    assert enter(browser, email.upper()).heading == "Two-step sign-in"
    with unit(app):
        user = find_user(email)
    device = set_up(app, user)
    browser = Browser(app)
    assert enter(browser, email, device=device).heading == "What needs you"
    assert browser.get("/staff/audit", status=403)
    assert run(app, "add-staff", email, "--role", "superuser", password="another-Quartz-88-meadow")[0] == 0
    assert browser.get("/staff/").heading == "Staff sign-in", "a new password ends every session"
    page = enter(browser, email, "another-Quartz-88-meadow")
    assert browser.submit(page.form(), code=device.code(ahead=1)).heading == "What needs you"
    assert browser.get("/staff/audit").heading == "Audit log"
    assert run(app, "remove-staff", email)[0] == 0
    assert browser.get("/staff/").heading == "Staff sign-in"
    enter(Browser(app), email, "another-Quartz-88-meadow", status=422)
    assert run(app, "remove-staff", email)[0] == 1


@pytest.mark.parametrize(
    ("email", "role", "password", "says"),
    [
        ("nobody", "reviewer", STAFF_PASSWORD, "@-sign"),
        ("new@example.com", "owner", STAFF_PASSWORD, "Invalid value"),
        ("new@example.com", "reviewer", "password", "common password"),
        ("new@example.com", "reviewer", "short", "at least 8"),
    ],
)
def test_what_cannot_be_is_refused_in_words(app: Flask, email: str, role: str, password: str, says: str) -> None:
    code, told = run(app, "add-staff", email, "--role", role, password=password)
    assert code != 0 and says in told and "Traceback" not in told


def test_the_address_of_a_vendors_person_is_refused(app: Flask, shop: Shop) -> None:
    code, told = run(app, "add-staff", shop.email, "--role", "reviewer")
    assert code != 0 and "an address of their own" in told
    shop.browser().get("/portal/")
    browser = Browser(app)
    assert browser.submit(browser.get("/sign-in").form(), email=shop.email, password=PASSWORD).heading == "Home", (
        "their password is untouched"
    )
