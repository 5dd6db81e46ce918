"""A look at a vendor's own pages in a real browser: with scripts off, on a phone and on a desk, free of barriers and never wider than the screen."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.accounts.staff_visits import begin_visit
from tests.factories import make_link, make_paid, make_shop, unit
from tests.portal.admin.people import WHY, make_staff
from tests.sight import barriers, wider_than_screen

Visit = Callable[..., Page]


@pytest.mark.parametrize(("phone", "scheme"), [(True, "dark"), (False, "light")])
def test_a_look_fits_its_screen_says_so_and_is_ended(visitor: Visit, app: Flask, live_server: str, phone: bool, scheme: str) -> None:
    shop, colleague = make_shop(app, business="A very long name of a business that sells many things " * 2), make_staff(app, "finance")
    paid = make_paid(shop, make_link(shop))
    with unit(app):
        begin_visit(shop.vendor, by=colleague.member.public_id, reason=WHY)
    page, wrong = visitor(scripts=not phone, phone=phone, color_scheme=scheme), []

    def look_over(name: str) -> None:
        if wider_than_screen(page):
            wrong.append((name, "wider than the screen"))
        if folder := os.environ.get("LOOKS"):
            page.screenshot(path=f"{folder}/{name}-{'390' if phone else '1280'}.png", full_page=name != "payments")
        if not phone:  # without scripts nothing can look for barriers
            wrong.extend((name, found) for found in barriers(page))

    page.context.add_cookies([{"name": "staff", "value": colleague.secret, "url": live_server}])
    page.goto(f"/staff/vendors/{shop.vendor.public_id}")
    page.get_by_role("link", name="See its pages as its owner").click()
    look_over("asked")
    page.get_by_role("button", name="See its pages").click()
    expect(page.get_by_text("Only looking", exact=True)).to_be_visible()
    for name, path in {
        "home": "/portal/", "payments": "/portal/payments", "payment": f"/portal/payments/{paid.public_id}", "settings": "/portal/settings",
        "form": "/portal/links/new", "visits": "/portal/settings/staff-visits", "refused": "/portal/payments.csv", "missing": "/portal/payments/x",
    }.items():  # fmt: skip
        page.goto(path)
        expect(page.locator(".look-band")).to_contain_text(WHY)
        look_over(name)
    page.goto("/portal/settings")
    page.locator("main").get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("nothing can be changed by that").first).to_be_visible()
    look_over("posted")
    page.locator(".look-band").get_by_role("button", name="Stop looking").click()
    expect(page.get_by_text("You no longer look at the pages of").first).to_be_visible()
    assert not wrong, wrong
