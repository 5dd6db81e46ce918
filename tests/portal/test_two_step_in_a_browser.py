"""Two-step sign-in as people do it: set up beside the pretend phone, sign in without scripts, answer once more, lose the device."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.accounts.models import UserSession
from core.accounts.sessions import hash_secret
from core.kernel.clock import now
from core.kernel.db import db
from tests.factories import PASSWORD, Shop, make_colleague, make_shop, unit
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.second_step import set_up
from tests.sight import sound_on_both

Visit = Callable[..., Page]


def sign_in(page: Page, email: str, password: str, at: str = "/sign-in") -> None:
    page.goto(at)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def grow_old(shop: Shop) -> None:
    """The browser's owner signed in an hour ago."""
    with unit(shop.app):
        db.session.get_one(UserSession, hash_secret(shop.secret)).confirmed_at = now() - timedelta(hours=1)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_newcomer_signs_in_as_staff_with_the_pretend_phone(visitor: Visit, app: Flask, scripts: bool) -> None:
    colleague = make_staff(app, device=False)
    page = visitor(scripts=scripts, phone=True)
    sign_in(page, colleague.email, STAFF_PASSWORD, "/staff/vendors")
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
    page.get_by_role("button", name="Set it up").click()
    key = page.get_by_label("Or type this key into the app").input_value()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="This demo has a pretend phone").click()
    phone = opened.value
    phone.get_by_label("Key").fill(key)
    phone.get_by_role("button", name="Give it to the phone").click()
    row = phone.get_by_role("row").filter(has_text=key.replace(" ", "")[-4:])
    code = row.locator("strong").inner_text()
    assert re.fullmatch(r"\d{3} \d{3}", code)
    page.get_by_label("Code from your app").fill(code)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    first = page.locator(".recovery-codes code").first.inner_text()
    assert page.locator(".recovery-codes code").count() == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="What needs you")).to_be_visible()
    page.locator(".topbar-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, colleague.email, STAFF_PASSWORD, "/staff/vendors")
    page.get_by_role("link", name="I lost my device").click()
    page.get_by_label("Code", exact=True).fill(first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Vendors", exact=True)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_old_sign_in_answers_once_more_and_the_form_goes_on(visitor: Visit, app: Flask, live_server: str, scripts: bool) -> None:
    shop = make_shop(app)
    device = set_up(app, shop.user)
    colleague = make_colleague(shop, "support")
    grow_old(shop)
    page = visitor(scripts=scripts)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto("/portal/team")
    row = page.get_by_role("row").filter(has_text=colleague.email)
    row.get_by_role("combobox").select_option("manager")
    row.get_by_role("button", name="Change").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(device.code())
    page.keyboard.press("Enter")
    expect(page.get_by_text("The role is changed")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=colleague.email).get_by_role("combobox")).to_have_value("manager")


def test_every_page_of_it_is_free_of_barriers_and_fits_its_screen(visitor: Visit, app: Flask, live_server: str) -> None:
    shop = make_shop(app)
    member = make_colleague(shop, "support")
    set_up(app, member.user)
    page, wrong = visitor(), []

    def look(name: str) -> None:
        wrong.extend(sound_on_both(page, name))

    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    for path in ("two-step", "two-step/devices/new", "settings/security", f"team/{member.user.public_id}/lost-device"):
        page.goto(f"/portal/{path}")
        look(path)
    device = set_up(app, shop.user)
    page.goto("/portal/two-step")
    look("two-step, on")
    page.get_by_role("button", name="Make new recovery codes").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    look("recovery codes")
    grow_old(shop)
    page.goto("/portal/two-step")
    page.get_by_role("button", name="Move to another device").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    look("is it you")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("is it you, with errors")
    page.context.clear_cookies()
    sign_in(page, shop.email, PASSWORD)
    expect(page.get_by_role("heading", name="The second step")).to_be_visible()
    look("the second step")
    page.get_by_label("Code", exact=True).fill("12345")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    look("the second step, wrong")
    page.get_by_role("link", name="I lost my device").click()
    expect(page.get_by_role("link", name="Use the code from your app")).to_be_visible()
    look("recovery")
    assert not wrong and device, "\n".join(map(str, wrong))
