"""The portal in a real browser: complete without scripts, better with them, and usable by everybody on a phone and on a desk."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.accounts.invite import invite
from core.accounts.remarks import write_remark
from core.accounts.saved_filters import save_filter
from core.customers.queries import find_customer
from core.kernel.clock import now
from core.payments.history import note
from core.payments.link import pause_link
from core.payments.start import lock_payment
from core.providers.inbox import receive_event
from tests.factories import (
    PASSWORD,
    Shop,
    again,
    ask_refund,
    make_colleague,
    make_declined,
    make_link,
    make_paid,
    make_shop,
    tell_refund,
    unit,
)
from tests.sight import barriers, sound_on_both, wider_than_screen

Visit = Callable[..., Page]


def enter(page: Page, shop: Shop, live_server: str) -> Page:
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    return page


@pytest.mark.parametrize("scripts", [True, False])
def test_from_signing_up_to_a_link_that_can_be_sent(visitor: Visit, scripts: bool) -> None:
    page = visitor(scripts=scripts, phone=True)
    page.goto("/")
    page.get_by_role("link", name="Create an account").first.click()
    page.get_by_label("Business name").fill("Harbour Books")
    page.get_by_label("Country").select_option("IE")
    page.get_by_label("Main currency").select_option("EUR")
    page.get_by_label("E-mail address").fill(f"{secrets.token_hex(5)}@example.com")
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("alert")).to_contain_text("password")
    expect(page.get_by_label("Business name")).to_have_value("Harbour Books")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    page.get_by_role("link", name="New link").first.click()
    page.get_by_label("Title").fill("Reading evening")
    page.get_by_label("I do").check()
    page.get_by_label("Amount", exact=True).fill("12.50")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Reading evening")).to_be_visible()
    assert "/pay/" in page.get_by_label("Address").input_value()
    expect(page.get_by_alt_text("QR code with the address of this link")).to_be_visible()


def test_the_form_shows_only_the_parts_that_apply(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/links/new")
    expect(page.get_by_label("Smallest amount")).to_be_hidden()
    page.get_by_label("The payer", exact=True).check()
    expect(page.get_by_label("Smallest amount")).to_be_visible()
    expect(page.get_by_label("Amount", exact=True)).to_be_hidden()


def test_filters_change_the_list_and_the_address_without_a_new_page(visitor: Visit, shop: Shop, live_server: str) -> None:
    paid, declined = make_paid(shop), make_declined(shop)
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/payments")
    page.evaluate("window.stayed = true")
    page.get_by_label("Status").select_option("succeeded")
    expect(page.get_by_text(declined.reference)).to_have_count(0)
    expect(page.get_by_text(paid.reference, exact=True)).to_be_visible()
    assert "status=succeeded" in page.url and page.evaluate("window.stayed")
    page.reload()
    expect(page.get_by_label("Status")).to_have_value("succeeded")
    expect(page.get_by_text(declined.reference)).to_have_count(0)


def test_a_refund_is_asked_for_without_scripts(visitor: Visit, shop: Shop, live_server: str) -> None:
    paid = make_paid(shop)
    page = enter(visitor(scripts=False, phone=True), shop, live_server)
    page.goto(f"/portal/payments/{paid.public_id}")
    page.get_by_text("Refund", exact=True).first.click()
    page.get_by_label("Amount to refund").fill("30")
    page.get_by_role("button", name="See what this does").click()
    expect(page.get_by_role("alert")).to_contain_text("At most")
    page.get_by_label("Amount to refund").fill("5")
    page.get_by_role("button", name="See what this does").click()
    expect(page.get_by_text("Leaves your balance")).to_be_visible()
    assert not wider_than_screen(page)
    page.get_by_role("button", name="Refund £5.00").click()
    expect(page.get_by_text("The refund is asked for.")).to_be_visible()


def test_a_refund_under_way_is_followed_without_a_reload_and_what_is_being_typed_stays(
    visitor: Visit, shop: Shop, live_server: str
) -> None:
    paid = make_paid(shop)
    asked = ask_refund(shop, paid, "10.00")
    page = enter(visitor(), shop, live_server)
    page.goto(f"/portal/payments/{paid.public_id}")
    page.get_by_text("Refund", exact=True).first.click()
    page.get_by_label("Note for your team").fill("half typed")
    tell_refund(shop, asked, "succeeded")
    expect(page.locator("#refunds .badge", has_text="Refunded")).to_be_visible()
    expect(page.locator("#history").get_by_text("Refunded", exact=True)).to_be_visible()
    expect(page.get_by_label("Note for your team")).to_have_value("half typed")


PAGES = (
    "/portal/", "/portal/links", "/portal/links/new", "/portal/links/{open}", "/portal/links/{paused}", "/portal/links/{open}/edit", "/portal/links/{open}/expire",
    "/portal/payments", "/portal/payments?q=nobody", "/portal/payments?since=never", "/portal/payments/{paid}", "/portal/payments/{declined}", "/portal/balance",
    "/portal/balance/pending", "/portal/outbox", "/portal/settings", "/portal/live", "/portal/?currency=JPY",
    "/portal/payments?status=succeeded&least=1&customer=nobody@example.com", "/portal/payments/{paid}/why/keep", "/portal/payments/{paid}/events/{event}",
    "/portal/why/taken?since={day}&until={day}", "/portal/why/success?since={day}&until={day}", "/portal/why/release?day={week}",
    "/portal/customers", "/portal/customers?q=a.very", "/portal/customers/{customer}", "/portal/customers/{customer}/erase", "/portal/refunds",
    "/portal/refunds?status=failed", "/portal/search", "/portal/search?q=a.very", "/portal/search?q=%E2%99%A5", "/portal/notices", "/portal/statements",
    "/portal/statements/{month}", "/portal/settings/receipts", "/portal/settings/notifications", "/portal/settings/audit-log", "/portal/settings/audit-log?kind=staff", "/portal/team", "/portal/team/{colleague}/remove", "/portal/settings/branding", "/portal/settings/methods", "/portal/settings/methods/wallet",
    "/portal/settings/taxes", "/portal/discounts", "/portal/settings/domains", "/portal/settings/bank-transfers", "/portal/settings/staff-visits",
    "/portal/settings/address",
)  # fmt: skip
OPEN_PAGES = ("/", "/sign-up", "/sign-in", "/reset-password", "/there-is-no-such-page")


def told_by_an_event(shop: Shop, paid: Any) -> str:
    """An event of the processor's that this payment's history names as a cause; answers its number."""
    event_id = f"evt_{secrets.token_hex(8)}"
    with shop.app.app_context():
        receive_event(
            provider=paid.provider, mode="test", event_id=event_id, type="charge.updated", raw='{"data": {"email": "a@example.com"}}'
        )
    with unit(shop.app):
        note(lock_payment(again(paid)), "fee.recorded", actor="provider", cause=event_id, amount_minor=1, currency=paid.currency)
    return event_id


def test_every_page_is_free_of_barriers_and_fits_its_screen(visitor: Visit, live_server: str, shop: Shop) -> None:
    links = {
        "open": make_link(shop, kind="reusable", max_payments=5),
        "paused": make_link(shop, title="A very long title " * 6, amount=None),
    }
    with unit(shop.app):
        pause_link(again(links["paused"]), by=shop.user.public_id, message="Back soon.")
    paid = make_paid(shop, links["open"], email="a.very.long.name.of.a.person.who.pays@some-long-company-name.example.com")
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "failed", failure_reason="expired_or_canceled_card")
    event = told_by_an_event(shop, paid)
    with unit(shop.app):
        customer = find_customer(shop.vendor, "test", paid.email)
        invite(
            shop.vendor, email="a.very.long.name.of.somebody@some-long-company-name.example.com", role="accountant", by=shop.user.public_id
        )
        save_filter(
            shop.vendor, "test", list="payments", name="What was paid", query="status=succeeded", by=shop.user.public_id, shared=True
        )
        write_remark(shop.vendor, "test", about=paid.public_id, text="Rang up on Friday.", by=shop.user.public_id)
        assert customer
    days = {"day": f"{now():%Y-%m-%d}", "week": f"{now() + timedelta(days=7):%Y-%m-%d}", "month": f"{now():%Y-%m}"}
    more = {"event": event, "customer": customer.public_id, "colleague": make_colleague(shop, "support").user.public_id}
    names = (
        {name: link.public_id for name, link in links.items()}
        | days
        | more
        | {"paid": paid.public_id, "declined": make_declined(shop).public_id}
    )
    page, wrong = visitor(), []
    for path in (*OPEN_PAGES, *(path.format(**names) for path in PAGES)):
        if path.startswith("/portal"):
            enter(page, shop, live_server)
        page.goto(path)
        wrong += sound_on_both(page, path)
    assert not wrong, "\n".join(map(str, wrong))


def test_a_new_vendors_empty_pages_are_free_of_barriers(visitor: Visit, app: Any, live_server: str) -> None:
    page = enter(visitor(phone=True), make_shop(app, verified=False), live_server)
    empty = ("customers", "refunds", "statements", "notices", "search", "team", "settings/receipts")
    for path in (
        "/portal/",
        "/portal/links",
        "/portal/payments",
        "/portal/balance",
        "/portal/outbox",
        *(f"/portal/{name}" for name in empty),
    ):
        page.goto(path)
        assert not barriers(page), path


def test_control_k_goes_to_the_search_and_finds_a_payment(visitor: Visit, shop: Shop, live_server: str) -> None:
    paid = make_paid(shop, email="grace@example.com", name="Grace Hopper")
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/balance")
    page.keyboard.press("Control+k")
    page.keyboard.type("hopp")
    page.keyboard.press("Enter")
    expect(page.get_by_text(paid.reference, exact=True)).to_be_visible()


def test_the_reason_behind_a_figure_opens_without_scripts_and_leads_to_its_lines(visitor: Visit, shop: Shop, live_server: str) -> None:
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    page = enter(visitor(scripts=False, phone=True), shop, live_server)
    page.goto(f"/portal/payments/{paid.public_id}")
    page.locator("summary", has_text="You keep").click()
    expect(page.locator(".why[open]")).to_contain_text("£98.50")
    page.locator(".why[open]").get_by_role("link").click()
    expect(page.get_by_role("heading", name="You keep £98.50")).to_be_visible()
