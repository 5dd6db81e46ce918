"""The staff's pages in a real browser: with scripts off, on a phone, by keyboard, and free of barriers."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect

from core.accounts.staff_visits import begin_visit
from core.kernel.db import db
from core.kernel.outbox import OutboxTask, enqueue
from core.providers.inbox import receive_event
from tests.core.payments.transfers import TestBank, transfer
from tests.factories import Shop, ask_refund, make_link, make_paid, make_shop, tell_refund, unit
from tests.portal.admin.people import STAFF_PASSWORD, WHY, make_staff
from tests.sight import sound_on_both

Visit = Callable[..., Page]


def test_a_caller_is_helped_without_scripts_on_a_phone(visitor: Visit, app: Flask, shop: Shop) -> None:
    paid = make_paid(shop)
    with unit(app):
        task = enqueue("make_receipt", shop.vendor.id, queue="papers", mode="test", payment="a payment")
        task.state, task.last_error = "dead", "the press is broken"
    page = visitor(scripts=False, phone=True)
    page.goto("/staff/payments")
    colleague = make_staff(app)
    page.get_by_label("E-mail address").fill(colleague.email)
    page.get_by_label("Password").fill(STAFF_PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Code", exact=True).fill(colleague.device.code())
    page.keyboard.press("Enter")
    page.get_by_label("Search payments").fill(paid.reference)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=paid.description).first.click()
    page.get_by_label("Why do you look?").fill(WHY)
    page.keyboard.press("Enter")
    expect(page.get_by_text(WHY)).to_be_visible()
    expect(page.get_by_text("Paid", exact=True).first).to_be_visible()
    page.locator(".topbar-menu summary").click()
    page.get_by_role("navigation", name="Main, in the menu").get_by_role("link", name="Jobs").click()
    page.get_by_role("row").filter(has_text=shop.vendor.name).get_by_role("button", name="Try again").click()
    expect(page.get_by_text("is tried again now")).to_be_visible()
    page.locator(".topbar-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Staff sign-in")).to_be_visible()
    with unit(app):
        db.session.delete(db.session.get_one(OutboxTask, (shop.vendor.id, task.id)))


def test_every_page_is_free_of_barriers_and_fits_its_screen(visitor: Visit, app: Flask, live_server: str) -> None:
    shop = make_shop(app, business="A very long name of a business that sells many things " * 2)
    paid = make_paid(shop, make_link(shop), email="a.very.long.name.of.a.person.who.pays@some-long-company-name.example.com")
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "succeeded")
    event_id, raw = f"evt_{secrets.token_hex(8)}", '{"type": "charge.updated", "data": {"object": {"object": "charge"}}}'
    with unit(app):
        receive_event(provider="sandbox", mode="test", event_id=event_id, type="charge.updated", raw=raw)
    with unit(app):
        task = enqueue("make_receipt", shop.vendor.id, queue="papers", mode="test", payment="a payment")
        task.state, task.last_error = "dead", "ConnectionRefusedError(111, " + "'nobody-listens-at-this-place'" * 5 + ")"
    bank = TestBank(shop)
    bank.tell(transfer(2500, name=event_id, text="NO-REFERENCE-AND-A-VERY-LONG-WORD-" * 4))
    line = bank.line(name=event_id).public_id
    page, wrong = visitor(), []
    page.goto("/staff/sign-in")
    wrong += sound_on_both(page, "sign-in")
    colleague = make_staff(app)
    page.context.add_cookies([{"name": "staff", "value": colleague.secret, "url": live_server}])
    page.goto(f"/staff/vendors/{shop.vendor.public_id}")
    wrong += sound_on_both(page, "why")
    with unit(app):
        begin_visit(shop.vendor, by=colleague.member.public_id, reason=WHY)
    for path in (
        "", "payments", "payments?q=nobody", "payments?since=never", f"payments/{paid.public_id}", "vendors", "vendors?q=none-of-this-name",
        f"vendors/{shop.vendor.public_id}", "events", "events?show=all", f"events/sandbox/test/{event_id}", "jobs", "bank-money", f"bank-money/test/{line}", "bank-money/test/decided",
        "books/platform/test", "books/platform/test/journals", f"books/{shop.vendor.public_id}/test", f"books/{shop.vendor.public_id}/test/journals",
        f"books/{shop.vendor.public_id}/live", "audit", "audit?vendor=none-of-this-name", "two-step", "two-step/devices/new", "books",
        "books/find?q=none", "books/together/test", "books/platform/test?checked=yes", "days", "days?mode=test",
    ):  # fmt: skip
        page.goto(f"/staff/{path}")
        wrong += sound_on_both(page, path)
    with unit(app):
        db.session.delete(db.session.get_one(OutboxTask, (shop.vendor.id, task.id)))
    assert not wrong, "\n".join(map(str, wrong))
